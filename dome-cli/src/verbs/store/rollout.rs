//! `dome store rollout`: how far a store lets dome go.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dome_binder::priors::Rollout;
use dome_binder::rollout::RolloutPolicy;
use dome_core::Sha256Hash;
use dome_replay::input::document;
use dome_store::rollout::{
    JudgedStore, RolloutAgeChange, RolloutChange, RolloutEarned, ShownRollout, StoreRollout, judge, set, show,
};

use super::StoreAt;
use crate::exit::{Exit, usage};
use crate::output::{Printer, Watching, grouped};
use crate::verbs::rollout;

/// Say how far a store lets dome go, and look at it
#[derive(Debug, Subcommand)]
pub(crate) enum StoreRolloutVerb {
    Set(RolloutSetArgs),
    /// The mode, by what right, and whether that holds today
    #[command(after_help = "Example:\n    dome store rollout show --store memory")]
    Show(StoreAt),
}

/// Set the rollout mode of a store: `dome priors --store` answers at most in it
///
/// `prescriptive` is judged as `dome rollout status` does, and ends with 100 and what is missing where it is not earned.
/// What is earned is bound to the model, to what the store derives by, and to the facts that it was judged on; when one
/// of those is not so any more, or the facts are too old, the store gives advice until it is set again.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome store rollout set shadow --store memory\n    dome store rollout set prescriptive --store memory --recorded shadow.jsonl --recorded guided.jsonl\n    dome store rollout set prescriptive --store memory --override 'Ada, release team' --why 'the freeze of 12 May'"
)]
pub(crate) struct RolloutSetArgs {
    /// How far dome may go
    #[arg(value_name = "shadow|guided|prescriptive")]
    mode: Rollout,
    #[command(flatten)]
    at: StoreAt,
    /// What `prescriptive` has to show (see `dome schema rollout-policy`) [default: `dome rollout policy`]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Answers that `dome priors --record` kept; may be given more than once
    #[arg(long, value_name = "FILE")]
    recorded: Vec<PathBuf>,
    /// Let it prescribe though that is not earned: who says so. It is shown in every answer
    #[arg(long = "override", value_name = "WHO", requires = "why", conflicts_with_all = ["policy", "recorded"])]
    overridden: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", requires = "overridden")]
    why: Option<String>,
    /// How many facts may come before it has to be earned again [default: what is set, at first 100000]
    #[arg(long, value_name = "N", value_parser = safe())]
    max_age_facts: Option<u64>,
    /// How long after the last fact it has to be earned again, by the time of facts [default: what is set, at first 2592000]
    #[arg(long, value_name = "SECONDS", value_parser = safe())]
    max_age_s: Option<u64>,
}

fn safe() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(..=dome_core::limits::SAFE_INTEGER)
}

pub(super) fn run(verb: &StoreRolloutVerb, output: &mut Printer) -> anyhow::Result<Exit> {
    match verb {
        StoreRolloutVerb::Show(at) => tell(&at.store, output),
        StoreRolloutVerb::Set(args) => change(args, output),
    }
}

fn tell(store: &Path, output: &mut Printer) -> anyhow::Result<Exit> {
    output.show(&show(store, &Watching::new("reading"))?, print)?;
    Ok(Exit::Done)
}

fn change(args: &RolloutSetArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    if args.mode != Rollout::Prescriptive
        && (args.overridden.is_some() || args.policy.is_some() || !args.recorded.is_empty())
    {
        return Err(usage(format!(
            "`{}` need not be earned: --policy, --recorded and --override are for `prescriptive`",
            args.mode
        )));
    }
    let change = match (args.mode, args.overridden.clone().zip(args.why.clone())) {
        (Rollout::Shadow, _) => RolloutChange::Shadow,
        (Rollout::Guided, _) => RolloutChange::Guided,
        (Rollout::Prescriptive, Some((by, why))) => RolloutChange::Overridden { by, why },
        (Rollout::Prescriptive, None) => {
            let judged = judged(args)?;
            if !judged.status.earned {
                output.show(&judged.status, rollout::print)?;
                return Ok(Exit::Findings);
            }
            RolloutChange::Earned(Box::new(judged))
        }
    };
    set(&args.at.store, change, RolloutAgeChange { facts: args.max_age_facts, seconds: args.max_age_s })?;
    tell(&args.at.store, output)
}

fn judged(args: &RolloutSetArgs) -> anyhow::Result<JudgedStore> {
    let policy = args.policy.as_deref().map(rollout::policy).transpose()?.unwrap_or_else(RolloutPolicy::default);
    let (mut answers, mut files) = (Vec::new(), Vec::new());
    for path in &args.recorded {
        let bytes = document(path)?;
        files.push(Sha256Hash::of(&bytes));
        answers.extend(rollout::answers(path, &bytes)?);
    }
    Ok(judge(&args.at.store, (&answers, &files), &policy, &Watching::new("deriving"))?)
}

fn print(shown: &ShownRollout, output: &mut Printer) -> anyhow::Result<()> {
    let StoreRollout { mode, earned, overridden, max_age, .. } = &shown.rollout;
    match shown.limits.is_empty() {
        true => writeln!(output, "rollout {mode}")?,
        false => writeln!(output, "rollout {mode}, but it answers in {}:", shown.answers_in)?,
    }
    shown.limits.iter().try_for_each(|limit| writeln!(output, "    {limit}"))?;
    if let Some(said) = overridden {
        writeln!(output, "override by {} at {}: {}", said.by, said.ts, said.why)?;
    }
    if let Some(RolloutEarned { as_of, facts, answers_scored, snapshot_digest, .. }) = earned {
        let at = as_of.map_or_else(String::new, |as_of| format!(", the last one at {as_of}"));
        let [facts, scored] = [*facts, *answers_scored].map(grouped);
        writeln!(output, "earned on {facts} facts{at}; {scored} recorded answers were scored")?;
        writeln!(output, "    snapshot {snapshot_digest}")?;
        let [facts, seconds] = [max_age.facts, max_age.seconds].map(grouped);
        writeln!(output, "    good for {facts} more facts, and for {seconds} s of their time")?;
    }
    if shown.prescribed > 0 {
        writeln!(output, "prescriptions that are remembered: {}", grouped(shown.prescribed))?;
    }
    Ok(())
}
