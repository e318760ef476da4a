//! The arguments of `dome rollout`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use dome_binder::priors::Rollout;

use crate::args::word;
use crate::known::At;

/// Say whether the next rollout mode is earned
#[derive(Debug, Subcommand)]
pub(crate) enum RolloutVerb {
    Status(StatusArgs),
    /// Print the rollout policy that is gone by where none is given
    #[command(after_help = "Example:\n    dome rollout policy > rollout.json")]
    Policy,
}

/// Say whether a rollout mode is earned, and what is missing
///
/// Judges by what a backtest says that the mode would have done on the history, and by answers that
/// `dome priors --record` kept, scored by what became of the failures that followed. Ends with 100
/// while the mode is not earned.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome rollout status --from result --recorded shadow.jsonl\n    dome rollout status --store memory --policy rollout.json --mode prescriptive --recorded guided.jsonl"
)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) at: At,
    /// What each mode has to show (see `dome schema rollout-policy`) [default: `dome rollout policy`]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Answers that `dome priors --record` kept; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub(crate) recorded: Vec<PathBuf>,
    /// The mode that is on; the next one is judged
    #[arg(long, value_parser = word::<Rollout>, default_value = "shadow", value_name = "shadow|guided")]
    pub(crate) current: Rollout,
    /// Judge this mode, with every step before it
    #[arg(long, value_parser = word::<Rollout>, value_name = "guided|prescriptive")]
    pub(crate) mode: Option<Rollout>,
}
