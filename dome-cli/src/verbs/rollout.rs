//! `dome rollout`: whether the next mode is earned.

use dome_core::escaped_path;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dome_binder::priors::Rollout;
use dome_binder::rollout::{
    EvidenceKind, RecordedAnswer, Requirement, RolloutPolicy, RolloutStatus, StepStatus, status,
};
use dome_replay::input::document;

use crate::exit::{Exit, invalid};
use crate::known::FactsArgs;
use crate::output::{Printer, grouped};
use crate::render::chart::percent;
use crate::table::wrapped;

const WIDTH: usize = 80;

/// Say whether the next rollout mode is earned
#[derive(Debug, Subcommand)]
pub(crate) enum RolloutVerb {
    Status(RolloutStatusArgs),
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
pub(crate) struct RolloutStatusArgs {
    #[command(flatten)]
    at: FactsArgs,
    /// What each mode has to show (see `dome schema rollout-policy`) [default: `dome rollout policy`]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Answers that `dome priors --record` kept; may be given more than once
    #[arg(long, value_name = "FILE")]
    recorded: Vec<PathBuf>,
    /// The mode that is on; the next one is judged
    #[arg(long, default_value = "shadow", value_name = "shadow|guided")]
    current: Rollout,
    /// Judge this mode, with every step before it
    #[arg(long, value_name = "guided|prescriptive")]
    mode: Option<Rollout>,
}

pub(crate) fn run(verb: &RolloutVerb, output: &mut Printer) -> anyhow::Result<Exit> {
    let RolloutVerb::Status(args) = verb else {
        output.document(&RolloutPolicy::default())?;
        return Ok(Exit::Done);
    };
    let policy = args.policy.as_deref().map(policy).transpose()?.unwrap_or_else(RolloutPolicy::default);
    let read = |path: &PathBuf| answers(path, &document(path)?);
    let answers = args.recorded.iter().map(read).collect::<Result<Vec<_>, _>>()?.concat();
    let mode = args.mode.unwrap_or(match args.current {
        Rollout::Shadow => Rollout::Guided,
        Rollout::Guided | Rollout::Prescriptive => Rollout::Prescriptive,
    });
    let (ledger, rules) = args.at.history(None)?;
    let judged = status(&ledger, &rules, &answers, &policy, mode);
    output.show(&judged, print)?;
    Ok(if judged.earned { Exit::Done } else { Exit::Findings })
}

pub(super) fn policy(path: &Path) -> anyhow::Result<RolloutPolicy> {
    let read = RolloutPolicy::parse(&document(path)?);
    read.map_err(|why| invalid(format!("`{}` is no rollout policy:\n  {why}", escaped_path(path))))
}

/// The answers that stand in a file, one a line.
pub(super) fn answers(path: &Path, bytes: &[u8]) -> anyhow::Result<Vec<RecordedAnswer>> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let read = |(number, line): (usize, &[u8])| {
        let refused = |why| invalid(format!("`{}`, line {}: {why}", escaped_path(path), number + 1));
        RecordedAnswer::parse(line).map_err(refused)
    };
    lines.map(read).collect()
}

pub(super) fn print(status: &RolloutStatus, output: &mut Printer) -> anyhow::Result<()> {
    let (mode, furthest) = (status.mode.as_str(), status.furthest.as_str());
    writeln!(output, "{mode}: {} (furthest mode earned: {furthest})", earned(status.earned))?;
    for StepStatus { from, to, earned: is_earned, requirements, recorded } in &status.steps {
        writeln!(output, "\n{} to {}: {}", from.as_str(), to.as_str(), earned(*is_earned))?;
        requirements.iter().try_for_each(|one| output.line(&requirement(one)))?;
        if recorded.answers > 0 {
            let counts = [recorded.answers, recorded.decisions, recorded.without_decision];
            let [answers, decisions, without] = counts.map(grouped);
            writeln!(output, "  recorded: {answers} answers, {decisions} of them before a failure, {without} without")?;
        }
    }
    if !status.missing.is_empty() {
        writeln!(output, "\nwhat {mode} misses:")?;
    }
    let lines = status.missing.iter().flat_map(|missing| wrapped(&format!("  - {missing}"), WIDTH));
    lines.into_iter().try_for_each(|line| output.line(&line))
}

const fn earned(earned: bool) -> &'static str {
    if earned { "earned" } else { "not earned" }
}

fn requirement(one: &Requirement) -> String {
    let shown = |number: u64| if one.policy.ends_with("_ppm") { percent(number) } else { grouped(number) };
    let mark = if one.met { "met" } else { "MISSES" };
    let evidence = match one.evidence {
        EvidenceKind::Backtest => "backtest",
        EvidenceKind::Recorded => "recorded",
    };
    let found = one.found.map_or_else(|| "-".to_owned(), shown);
    format!("  {mark:<7}{:<28}{found:>10} {} {:<10} {evidence}", one.policy, one.comparison, shown(one.threshold))
}
