//! `dome rollout`: whether the next mode is earned.

mod args;
mod render;

use std::path::Path;

use dome_binder::priors::Rollout;
use dome_binder::rollout::{RecordedAnswer, RolloutPolicy, status};

pub(crate) use args::{RolloutVerb, StatusArgs};

use crate::backtest::history;
use crate::exit::{Exit, invalid};
use crate::output::Output;
use dome_replay::input::document;

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
    output.flush()?;
    Ok(exit)
}

fn judge(args: &StatusArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let policy = args.policy.as_deref().map(policy).transpose()?.unwrap_or_default();
    let answers = args.recorded.iter().map(|path| answers(path)).collect::<Result<Vec<_>, _>>()?.concat();
    let mode = args.mode.unwrap_or(match args.current {
        Rollout::Shadow => Rollout::Guided,
        Rollout::Guided | Rollout::Prescriptive => Rollout::Prescriptive,
    });
    let (ledger, rules) = history(&args.at, None)?;
    let judged = status(&ledger, &rules, &answers, &policy, mode);
    if output.is_json() {
        output.object(&judged)?;
    } else {
        render::print(&judged, output)?;
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
