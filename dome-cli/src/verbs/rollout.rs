//! `dome rollout`: whether the next mode is earned.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dome_binder::priors::Rollout;
use dome_binder::rollout::{
    EvidenceKind, RecordedAnswer, RecordedFigures, Requirement, RolloutPolicy, RolloutStatus, StepStatus, status,
};
use dome_replay::input::document;

use crate::args::word;
use crate::exit::{Exit, invalid};
use crate::known::At;
use crate::output::{Output, grouped};
use crate::render::chart::percent;
use crate::table::wrapped;

/// Columns of a terminal.
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
    at: At,
    /// What each mode has to show (see `dome schema rollout-policy`) [default: `dome rollout policy`]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Answers that `dome priors --record` kept; may be given more than once
    #[arg(long, value_name = "FILE")]
    recorded: Vec<PathBuf>,
    /// The mode that is on; the next one is judged
    #[arg(long, value_parser = word::<Rollout>, default_value = "shadow", value_name = "shadow|guided")]
    current: Rollout,
    /// Judge this mode, with every step before it
    #[arg(long, value_parser = word::<Rollout>, value_name = "guided|prescriptive")]
    mode: Option<Rollout>,
}

/// Runs the verb.
pub(crate) fn run(verb: &RolloutVerb, output: &mut Output) -> anyhow::Result<Exit> {
    let exit = match verb {
        RolloutVerb::Status(args) => judge(args, output)?,
        RolloutVerb::Policy => {
            let policy = RolloutPolicy::default();
            if output.is_json() {
                output.object(&policy)?;
            } else {
                output.line(&serde_json::to_string_pretty(&policy)?)?;
            }
            Exit::Done
        }
    };
    Ok(exit)
}

fn judge(args: &RolloutStatusArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let policy = args.policy.as_deref().map(policy).transpose()?.unwrap_or_else(RolloutPolicy::default);
    let answers = args.recorded.iter().map(|path| answers(path)).collect::<Result<Vec<_>, _>>()?.concat();
    let mode = args.mode.unwrap_or(match args.current {
        Rollout::Shadow => Rollout::Guided,
        Rollout::Guided | Rollout::Prescriptive => Rollout::Prescriptive,
    });
    let (ledger, rules) = args.at.history(None)?;
    let judged = status(&ledger, &rules, &answers, &policy, mode);
    if output.is_json() {
        output.object(&judged)?;
    } else {
        print(&judged, output)?;
    }
    Ok(if judged.earned { Exit::Done } else { Exit::Findings })
}

fn policy(path: &Path) -> anyhow::Result<RolloutPolicy> {
    let read = RolloutPolicy::parse(&document(path)?);
    read.map_err(|why| invalid(format!("`{}` is no rollout policy:\n  {why}", path.display())))
}

/// The answers of a file that `dome priors --record` wrote.
fn answers(path: &Path) -> anyhow::Result<Vec<RecordedAnswer>> {
    let bytes = document(path)?;
    let lines = bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let read = |(number, line): (usize, &[u8])| {
        let refused = |why| invalid(format!("`{}`, line {}: {why}", path.display(), number + 1));
        RecordedAnswer::parse(line).map_err(refused)
    };
    lines.map(read).collect()
}

/// Prints a status.
fn print(status: &RolloutStatus, output: &mut Output) -> anyhow::Result<()> {
    let verdict = if status.earned { "earned" } else { "not earned" };
    let mut lines =
        vec![format!("{}: {verdict} (furthest mode earned: {})", status.mode.as_str(), status.furthest.as_str())];
    for step in &status.steps {
        lines.push(String::new());
        lines.extend(told(step));
    }
    if !status.missing.is_empty() {
        lines.push(String::new());
        lines.push(format!("what {} misses:", status.mode.as_str()));
        lines.extend(status.missing.iter().flat_map(|missing| wrapped(&format!("  - {missing}"), WIDTH)));
    }
    lines.iter().try_for_each(|line| output.line(line))
}

fn told(step: &StepStatus) -> Vec<String> {
    let earned = if step.earned { "earned" } else { "not earned" };
    let mut lines = vec![format!("{} to {}: {earned}", step.from.as_str(), step.to.as_str())];
    lines.extend(step.requirements.iter().map(requirement));
    lines.extend(recorded(&step.recorded));
    lines
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

fn recorded(figures: &RecordedFigures) -> Option<String> {
    (figures.answers > 0).then(|| {
        format!(
            "  recorded: {} answers, {} of them before a failure, {} without",
            grouped(figures.answers),
            grouped(figures.decisions),
            grouped(figures.without_decision)
        )
    })
}
