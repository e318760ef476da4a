//! `dome backtest`: what each rollout mode would have done on a history.

mod chart;
mod render;

use std::path::PathBuf;

use clap::Args;
use dome_binder::backtest::backtest;
use dome_binder::{Ledger, Rules};

pub(crate) use chart::percent;

use crate::exit::Exit;
use crate::known::At;
use crate::output::Output;

/// Show what each rollout mode would have done on a history
///
/// Walks the facts in total order. Before each failing fact it asks for priors, with only what was
/// known then; then it looks how that failure ended: resolved by the remedy that was offered, by
/// another one, or not. By mode, by failure code, over time, and with thresholds swept, so that a
/// threshold can be chosen by what it would have bought.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome backtest --from result\n    dome backtest --store memory --policy stricter.json --format json"
)]
pub(crate) struct BacktestArgs {
    #[command(flatten)]
    pub(crate) at: At,
    /// Go by this policy document (see `dome schema policy`) [default: that of the result or store]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(args: &BacktestArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let (ledger, rules) = history(&args.at, args.policy.as_ref())?;
    let tested = backtest(&ledger, &rules);
    if output.is_json() {
        output.object(&tested)?;
    } else {
        render::print(&tested, output)?;
    }
    output.flush()?;
    Ok(Exit::Done)
}

/// The facts of a result or store, and what they are bound by.
///
/// # Errors
///
/// When they cannot be read, or the policy is none.
pub(crate) fn history(at: &At, policy: Option<&PathBuf>) -> anyhow::Result<(Ledger, Rules)> {
    let policy = policy.map(|path| dome_replay::policy(path)).transpose()?;
    let known = at.open()?;
    let own = known.rules().clone();
    let rules = Rules { policy: policy.unwrap_or(own.policy), ..own };
    Ok((known.into_ledger()?, rules))
}
