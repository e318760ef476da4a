//! A report as a page for people.

use dome_contracts::conform::{Check, Outcome, Part, Report};

use crate::output::Output;

/// How much of what was found is shown on a line.
const SHOWN_CHARS: usize = 240;

/// Prints a report.
pub(super) fn print(report: &Report, output: &mut Output) -> anyhow::Result<()> {
    let verdict = if report.conformant { "conforms" } else { "does not conform" };
    output.line(&format!("{} {} {verdict}", report.tool.name, report.tool.version))?;
    for check in &report.checks {
        print_check(check, output)?;
    }
    if let (Some(digests), Some(gate)) = (&report.digests, &report.gate) {
        let landlock = gate.landlock_abi.map_or_else(|| "none".to_owned(), |abi| format!("version {abi}"));
        output.line("")?;
        output.line(&format!("tool      {}", digests.tool))?;
        output.line(&format!("manifest  {}", digests.manifest))?;
        output.line(&format!(
            "gate      {} on Python {}, {} runs, Landlock {landlock}",
            gate.name, gate.python, gate.runs
        ))?;
    }
    Ok(())
}

fn print_check(check: &Check, output: &mut Output) -> anyhow::Result<()> {
    output.line("")?;
    output.line(&format!("{:<10}  {}", word(check.outcome), check.name.as_str()))?;
    for part in &check.parts {
        print_part(part, output)?;
    }
    Ok(())
}

fn print_part(part: &Part, output: &mut Output) -> anyhow::Result<()> {
    let by = if part.enforced_by.is_empty() { String::new() } else { format!("  by {}", part.enforced_by.join(", ")) };
    output.line(&format!("  {:<10}  {}{by}", word(part.outcome), part.name))?;
    if let Some(why) = &part.why {
        output.line(&format!("              {}", shown(why)))?;
    }
    for found in &part.found {
        output.line(&format!("              found     {}", shown(found)))?;
    }
    if !part.declared.is_empty() {
        output.line(&format!("              declared  {}", shown(&part.declared.join(", "))))?;
    }
    Ok(())
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::NotRun => "not run",
        Outcome::Unenforced => "unenforced",
        Outcome::Fail => "FAIL",
    }
}

fn shown(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    if line.chars().count() <= SHOWN_CHARS { line } else { line.chars().take(SHOWN_CHARS - 1).chain(['…']).collect() }
}
