//! A report for other programs: JUnit and SARIF.

use std::path::Path;

use dome_core::conformance::{CheckOutcome, CheckPart, ConformanceCheck, ConformanceReport};
use serde_json::{Value, json};

fn is_finding(part: &CheckPart) -> bool {
    matches!(part.outcome, CheckOutcome::Fail | CheckOutcome::Unenforced)
}

fn message(part: &CheckPart) -> String {
    let why = part.why.as_deref().unwrap_or(part.outcome.as_str());
    if part.found.is_empty() { why.to_owned() } else { format!("{why}; found: {}", part.found.join(" | ")) }
}

/// What a report says against a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFinding {
    /// What it is about: `CHECK.PART`.
    pub rule: String,
    /// Why, with what was found.
    pub message: String,
}

/// Every part that failed or was not enforced; a sub-check that was not run is one finding, `CHECK.all`.
pub fn findings(report: &ConformanceReport) -> impl Iterator<Item = ReportFinding> {
    report.checks.iter().flat_map(|check| {
        let finding = |part: &str, message| ReportFinding { rule: format!("{}.{part}", check.name.as_str()), message };
        let parts = check.parts.iter().filter(|part| is_finding(part));
        let parts = parts.map(move |part| finding(&part.name, message(part)));
        let not_run = (check.outcome == CheckOutcome::NotRun).then(|| finding("all", "not run".to_owned()));
        parts.chain(not_run)
    })
}

/// The report as a SARIF 2.1.0 log; `manifest` is what the results point at.
#[must_use]
pub fn sarif(report: &ConformanceReport, manifest: &Path) -> Value {
    let uri = manifest.display().to_string();
    let results: Vec<Value> = findings(report)
        .map(|ReportFinding { rule, message }| {
            json!({
                "ruleId": rule, "level": "error",
                "message": {"text": message},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}}],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "dome conform", "version": env!("CARGO_PKG_VERSION")}},
            "results": results,
        }],
    })
}

/// The report as JUnit XML: a test suite per sub-check, a test case per part.
#[must_use]
pub fn junit(report: &ConformanceReport) -> String {
    let parts = report.checks.iter().flat_map(|check| &check.parts);
    let name = escaped(&format!("{} {}", report.tool.name, report.tool.version));
    let mut text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{name}\" {}>\n", counts(parts));
    for check in &report.checks {
        text.push_str(&suite(check));
    }
    text.push_str("</testsuites>");
    text
}

fn counts<'r>(parts: impl Iterator<Item = &'r CheckPart> + Clone) -> String {
    let failures = parts.clone().filter(|part| is_finding(part)).count();
    let skipped = parts.clone().filter(|part| part.outcome == CheckOutcome::NotRun).count();
    format!("tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\"", parts.count())
}

fn suite(check: &ConformanceCheck) -> String {
    let name = check.name.as_str();
    let mut text = format!("  <testsuite name=\"{name}\" {}>\n", counts(check.parts.iter()));
    for part in &check.parts {
        let case = format!("    <testcase classname=\"{name}\" name=\"{}\"", escaped(&part.name));
        let why = escaped(&message(part));
        text.push_str(&match part.outcome {
            CheckOutcome::Pass => format!("{case}/>\n"),
            CheckOutcome::NotRun => format!("{case}><skipped message=\"{why}\"/></testcase>\n"),
            other => format!("{case}><failure type=\"{}\" message=\"{why}\"/></testcase>\n", other.as_str()),
        });
    }
    text.push_str("  </testsuite>\n");
    text
}

/// As an attribute of XML 1.0, which has no way to write most control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\r' => escaped.push_str("&#13;"),
            control if control.is_control() || matches!(control, '\u{FFFE}' | '\u{FFFF}') => escaped.push('\u{FFFD}'),
            other => escaped.push(other),
        }
    }
    escaped
}
