//! The XML of NUnit 2 and 3 and of xUnit.net: cases that say what they are in attributes, with a
//! failure or a reason inside.

use dome_core::limits::MESSAGE_BYTES;

use crate::finding::{Finding, FindingCode, quote};
use crate::out::Out;
use crate::reading::{Element, Node, Xml};
use crate::record::cut;
use crate::report::{Case, Outcome};
use crate::when::{When, milliseconds};

/// Whether a root is one of these.
pub(super) fn is_root(name: &str) -> bool {
    matches!(name, "assemblies" | "assembly" | "test-results" | "test-run" | "test-suite")
}

/// Reads the report whose root has begun.
pub(super) fn read(xml: &mut Xml<'_>, root: &Element, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut when = began(root);
    let mut cases = 0_u64;
    let mut depth = 1_u32;
    while depth > 0 {
        match xml.next()? {
            Some(Node::Start(element)) if matches!(&*element.name, "test-case" | "test") => {
                cases += 1;
                let said = Said::read(xml)?;
                let place = format!("{} {cases}", element.name);
                match outcome(&element, said.failed) {
                    Ok(outcome) => out.push(&case(&element, &said, &place, outcome, &when).record()),
                    Err(message) => {
                        let problem =
                            out.at(&place).found(FindingCode::StatusUnknown, message, "a result that is final");
                        out.left_out(problem);
                    }
                }
            }
            Some(Node::Start(element)) if element.name == "error" => {
                cases += 1;
                let said = Said::read(xml)?;
                let place = format!("error {cases}");
                out.push(&case(&element, &said, &place, Outcome::Errored, &when).record());
            }
            Some(Node::Start(element)) => {
                if element.name == "assembly" {
                    when = began(&element).or(&when);
                }
                depth += 1;
            }
            Some(Node::End) => depth -= 1,
            Some(Node::Text(_)) => {}
            None => break,
        }
    }
    Ok(())
}

/// When a report, or a part of it, began.
fn began(element: &Element) -> When {
    let parts = [("run-date", "run-time"), ("date", "time"), ("run-date", "start-time")];
    let of_parts = parts.iter().find_map(|(date, time)| Some(format!("{}T{}", element.get(date)?, element.get(time)?)));
    element.get("start-rtf").or_else(|| element.get("start-time")).map_or_else(
        || of_parts.as_deref().map(When::of).unwrap_or_default(),
        |time| match When::of(time) {
            When::Unreadable(_) => of_parts.as_deref().map(When::of).unwrap_or_default(),
            when => when,
        },
    )
}

/// What stands inside of a case.
#[derive(Debug, Default)]
struct Said {
    failed: bool,
    kind: Option<String>,
    message: String,
}

impl Said {
    /// To the end of the case that has begun.
    fn read(xml: &mut Xml<'_>) -> Result<Self, Finding> {
        let mut said = Self::default();
        let mut open: Vec<String> = Vec::new();
        loop {
            match xml.next()? {
                Some(Node::Start(child)) if matches!(&*child.name, "output" | "stack-trace" | "attachments") => {
                    xml.skip()?
                }
                Some(Node::Start(child)) => {
                    if child.name == "failure" {
                        said.failed = true;
                        said.kind = said.kind.or_else(|| child.get("exception-type").map(str::to_owned));
                    }
                    open.push(child.name);
                }
                Some(Node::Text(text)) if says(&open) => {
                    said.message.push_str(cut(&text, MESSAGE_BYTES.saturating_sub(said.message.len())));
                }
                Some(Node::Text(_)) => {}
                Some(Node::End) if open.pop().is_none() => return Ok(said),
                Some(Node::End) => {}
                None => return Ok(said),
            }
        }
    }
}

/// Whether text stands in the message of a failure, or in a reason.
fn says(open: &[String]) -> bool {
    match open {
        [.., outer, inner] => inner == "message" && matches!(&**outer, "failure" | "reason"),
        [reason] => reason == "reason",
        [] => false,
    }
}

/// The outcome by the words of the three.
fn outcome(element: &Element, failed: bool) -> Result<Outcome, String> {
    let label = element.get("label").unwrap_or_default();
    let said = element.get("result").or_else(|| match (element.get("executed"), element.get("success")) {
        (Some("False" | "false"), _) => Some("Skipped"),
        (_, Some("True" | "true")) => Some("Passed"),
        (_, Some("False" | "false")) => Some("Failed"),
        (_, Some(other)) => Some(other),
        _ => failed.then_some("Failed"),
    });
    match (said.unwrap_or_default(), label) {
        ("Passed" | "Pass" | "Success" | "Warning", _) => Ok(Outcome::Passed),
        ("Failed" | "Fail" | "Failure", "Cancelled") | ("Cancelled", _) => Ok(Outcome::Aborted),
        ("Failed" | "Fail" | "Failure", "Error" | "Invalid") | ("Error" | "NotRunnable", _) => Ok(Outcome::Errored),
        ("Failed" | "Fail" | "Failure", _) => Ok(Outcome::Failed),
        ("Skipped" | "Skip" | "Ignored" | "Inconclusive" | "NotRun", _) => Ok(Outcome::Skipped),
        ("", _) => Err("the case has no `result`".to_owned()),
        (other, _) => Err(format!("the result is {}", quote(other))),
    }
}

fn case(element: &Element, said: &Said, place: &str, outcome: Outcome, when: &When) -> Case {
    let name = element.get("fullname").or_else(|| element.get("name")).or_else(|| element.get("type"));
    let mut case = Case::new(place, name.unwrap_or_default(), outcome);
    case.class = element.get("classname").or_else(|| element.get("type")).map(str::to_owned);
    let own = ["end-time", "start-time", "finish-rtf", "start-rtf"].iter().find_map(|time| element.get(time));
    case.when = own.map(When::of).unwrap_or_default().or(when);
    case.duration_ms = element.get("duration").or_else(|| element.get("time")).and_then(milliseconds);
    case.message = (!said.message.trim().is_empty()).then(|| said.message.trim().to_owned());
    case.kind.clone_from(&said.kind);
    case
}
