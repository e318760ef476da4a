//! A rollout status as people read it.

use dome_binder::rollout::{Evidence, RecordedFigures, Requirement, RolloutStatus, StepStatus};

use crate::backtest::percent;
use crate::output::{Output, grouped};
use crate::table::wrapped;

/// Columns of a terminal.
const WIDTH: usize = 80;

/// Prints a status.
pub(super) fn print(status: &RolloutStatus, output: &mut Output) -> anyhow::Result<()> {
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
        Evidence::Backtest => "backtest",
        Evidence::Recorded => "recorded",
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
