//! A report for other programs: JUnit, SARIF, and the annotations of a GitHub workflow step.

use dome_contracts::conform::{Check, Outcome, Part, Report};
use serde_json::{Value, json};

use super::tool::ToolOnDisk;
use crate::args::Format;
use crate::check::github;
use crate::output::Output;

/// The report in the format that is asked for; `None` for one that is not of these.
pub(super) fn render(report: &Report, tool: &ToolOnDisk, output: &Output) -> anyhow::Result<Option<String>> {
    Ok(match output.format() {
        Format::Junit => Some(junit(report)),
        Format::Sarif => Some(serde_json::to_string(&sarif(report, tool))?),
        Format::Github => Some(annotations(report, tool)),
        Format::Human | Format::Json => None,
    })
}

fn is_finding(part: &Part) -> bool {
    matches!(part.outcome, Outcome::Fail | Outcome::Unenforced)
}

fn message(part: &Part) -> String {
    let why = part.why.as_deref().unwrap_or(part.outcome.as_str());
    if part.found.is_empty() { why.to_owned() } else { format!("{why}; found: {}", part.found.join(" | ")) }
}

/// Every check with its parts that are findings; a check that was not run is one by itself.
fn findings(report: &Report) -> impl Iterator<Item = (&Check, String, String)> {
    report.checks.iter().flat_map(|check| {
        let parts = check.parts.iter().filter(|part| is_finding(part));
        let parts = parts.map(move |part| (check, part.name.clone(), message(part)));
        let not_run = (check.outcome == Outcome::NotRun).then(|| (check, "all".to_owned(), "not run".to_owned()));
        parts.chain(not_run)
    })
}

fn annotations(report: &Report, tool: &ToolOnDisk) -> String {
    let file = tool.named.display().to_string();
    let place = github::Place { file: Some(&file), line: 1, column: 1 };
    let each = findings(report).map(|(check, part, message)| {
        github::annotation(&place, &format!("{}.{part}", check.name.as_str()), "", &message)
    });
    let verdict = if report.conformant { "conforms" } else { "does not conform" };
    let last = format!("::notice::{} {} {verdict}", report.tool.name, report.tool.version);
    each.chain([last]).collect::<Vec<_>>().join("\n")
}

fn sarif(report: &Report, tool: &ToolOnDisk) -> Value {
    let uri = tool.named.display().to_string();
    let results: Vec<Value> = findings(report)
        .map(|(check, part, message)| {
            json!({
                "ruleId": format!("{}.{part}", check.name.as_str()), "level": "error",
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

fn junit(report: &Report) -> String {
    let count =
        |outcome| report.checks.iter().flat_map(|check| &check.parts).filter(|part| part.outcome == outcome).count();
    let total: usize = report.checks.iter().map(|check| check.parts.len()).sum();
    let failures = count(Outcome::Fail) + count(Outcome::Unenforced);
    let skipped = count(Outcome::NotRun);
    let name = escaped(&format!("{} {}", report.tool.name, report.tool.version));
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{name}\" tests=\"{total}\" failures=\"{failures}\" skipped=\"{skipped}\">\n"
    );
    for check in &report.checks {
        text.push_str(&suite(check));
    }
    text.push_str("</testsuites>");
    text
}

fn suite(check: &Check) -> String {
    let name = check.name.as_str();
    let (total, failures) = (check.parts.len(), check.parts.iter().filter(|part| is_finding(part)).count());
    let skipped = check.parts.iter().filter(|part| part.outcome == Outcome::NotRun).count();
    let mut text =
        format!("  <testsuite name=\"{name}\" tests=\"{total}\" failures=\"{failures}\" skipped=\"{skipped}\">\n");
    for part in &check.parts {
        let case = format!("    <testcase classname=\"{name}\" name=\"{}\"", escaped(&part.name));
        let why = escaped(&message(part));
        text.push_str(&match part.outcome {
            Outcome::Pass => format!("{case}/>\n"),
            Outcome::NotRun => format!("{case}><skipped message=\"{why}\"/></testcase>\n"),
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

#[cfg(test)]
mod tests {
    #[test]
    fn what_xml_cannot_say_is_replaced() {
        assert_eq!(super::escaped("a<\"&\u{0}\n\u{1F600}"), "a&lt;&quot;&amp;\u{FFFD}&#10;\u{1F600}");
    }
}
