//! A report as a page for people, or in the format that is asked for.

use dome_conform::{ToolOnDisk, findings, junit, sarif};
use dome_core::conformance::{CheckOutcome, CheckPart, ConformanceCheck, ConformanceReport};

use crate::args::Format;
use crate::output::Output;
use crate::render::github;

/// How much of what was found is shown on a line.
const SHOWN_CHARS: usize = 240;

/// Shows a report.
pub(super) fn show(report: &ConformanceReport, tool: &ToolOnDisk, output: &mut Output) -> anyhow::Result<()> {
    match output.format() {
        Format::Human => print(report, output)?,
        Format::Json => output.object(report)?,
        Format::Junit => output.as_is(&junit(report))?,
        Format::Sarif => output.as_is(&serde_json::to_string(&sarif(report, &tool.named))?)?,
        Format::Github => output.as_is(&annotations(report, tool))?,
    }
    output.flush()
}

/// The findings as annotations of a GitHub workflow step, the verdict last.
fn annotations(report: &ConformanceReport, tool: &ToolOnDisk) -> String {
    let file = tool.named.display().to_string();
    let place = github::Annotated { file: Some(&file), line: 1, column: 1 };
    let each = findings(report).map(|found| github::annotation(&place, &found.rule, "", &found.message));
    let verdict = if report.conformant { "conforms" } else { "does not conform" };
    let last = format!("::notice::{} {} {verdict}", report.tool.name, report.tool.version);
    each.chain([last]).collect::<Vec<_>>().join("\n")
}

fn print(report: &ConformanceReport, output: &mut Output) -> anyhow::Result<()> {
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

fn print_check(check: &ConformanceCheck, output: &mut Output) -> anyhow::Result<()> {
    output.line("")?;
    output.line(&format!("{:<10}  {}", word(check.outcome), check.name.as_str()))?;
    for part in &check.parts {
        print_part(part, output)?;
    }
    Ok(())
}

fn print_part(part: &CheckPart, output: &mut Output) -> anyhow::Result<()> {
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

const fn word(outcome: CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Pass => "pass",
        CheckOutcome::NotRun => "not run",
        CheckOutcome::Unenforced => "unenforced",
        CheckOutcome::Fail => "FAIL",
    }
}

fn shown(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ");
    if line.chars().count() <= SHOWN_CHARS { line } else { line.chars().take(SHOWN_CHARS - 1).chain(['…']).collect() }
}
