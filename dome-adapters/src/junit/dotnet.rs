//! The XML of NUnit 2 and 3 and of xUnit.net: cases that say what they are in attributes, with a
//! failure or a reason inside.

use crate::finding::{Finding, FindingCode, quote};
use crate::out::Out;
use crate::reading::{Element, Xml, XmlNode};
use crate::record::{NAMELESS, append};
use crate::report::{TestCase, TestOutcome};
use crate::when::{When, milliseconds};

pub(super) fn is_root(name: &str) -> bool {
    matches!(name, "assemblies" | "assembly" | "test-results" | "test-run" | "test-suite")
}

pub(super) fn read(xml: &mut Xml<'_>, root: &Element, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut when = began(root);
    let mut cases = 0_u64;
    let depth = xml.open().len();
    while let Some(node) = xml.next_in(depth)? {
        let XmlNode::Start(element) = node else { continue };
        match &*element.name {
            "test-case" | "test" | "error" => {
                cases += 1;
                let said = CaseContent::read(xml)?;
                let place = format!("{} {cases}", element.name);
                let broken = element.name == "error";
                let outcome = if broken { Ok(TestOutcome::Errored) } else { outcome(&element, said.failed) };
                match outcome {
                    Ok(outcome) => out.test(case(&element, &said, &place, outcome, &when)),
                    Err(message) => {
                        out.leave_out(&place, FindingCode::StatusUnknown, message, "a result that is final");
                    }
                }
            }
            "assembly" => when = began(&element).or(&when),
            _ => {}
        }
    }
    Ok(())
}

fn began(element: &Element) -> When {
    let parts = [("run-date", "run-time"), ("date", "time"), ("run-date", "start-time")];
    let of_parts = parts.iter().find_map(|(date, time)| Some(format!("{}T{}", element.get(date)?, element.get(time)?)));
    match element.get("start-rtf").or_else(|| element.get("start-time")).map(When::of) {
        None | Some(When::Unreadable(_)) => When::said(of_parts.as_deref()),
        Some(when) => when,
    }
}

#[derive(Debug, Default)]
struct CaseContent {
    failed: bool,
    kind: Option<String>,
    message: String,
}

impl CaseContent {
    /// To the end of the case that has begun.
    fn read(xml: &mut Xml<'_>) -> Result<Self, Finding> {
        let mut said = Self::default();
        let depth = xml.open().len();
        while let Some(node) = xml.next_in(depth)? {
            match node {
                XmlNode::Start(child) if matches!(&*child.name, "output" | "stack-trace" | "attachments") => {
                    xml.skip()?
                }
                XmlNode::Start(child) if child.name == "failure" => {
                    said.failed = true;
                    said.kind = said.kind.or_else(|| child.owned("exception-type"));
                }
                XmlNode::Text(text) if xml.open().get(depth..).is_some_and(says) => append(&mut said.message, &text),
                _ => {}
            }
        }
        Ok(said)
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
fn outcome(element: &Element, failed: bool) -> Result<TestOutcome, String> {
    let said = element.get("result").or_else(|| match (element.get("executed"), element.get("success")) {
        (Some("False" | "false"), _) => Some("Skipped"),
        (_, Some("True" | "true")) => Some("Passed"),
        (_, Some("False" | "false")) => Some("Failed"),
        (_, Some(other)) => Some(other),
        _ => failed.then_some("Failed"),
    });
    match (said.ok_or("the case has no `result`")?, element.get("label")) {
        ("Passed" | "Pass" | "Success" | "Warning", _) => Ok(TestOutcome::Passed),
        ("Failed" | "Fail" | "Failure", Some("Cancelled")) | ("Cancelled", _) => Ok(TestOutcome::Aborted),
        ("Failed" | "Fail" | "Failure", Some("Error" | "Invalid")) | ("Error" | "NotRunnable", _) => {
            Ok(TestOutcome::Errored)
        }
        ("Failed" | "Fail" | "Failure", _) => Ok(TestOutcome::Failed),
        ("Skipped" | "Skip" | "Ignored" | "Inconclusive" | "NotRun", _) => Ok(TestOutcome::Skipped),
        (other, _) => Err(format!("the result is {}", quote(other))),
    }
}

fn case(element: &Element, said: &CaseContent, place: &str, outcome: TestOutcome, when: &When) -> TestCase {
    let name = element.get("fullname").or_else(|| element.get("name")).or_else(|| element.get("type"));
    let mut case = TestCase::new(place, name.unwrap_or(NAMELESS), outcome);
    case.class = element.owned("classname").or_else(|| element.owned("type"));
    case.kind.clone_from(&said.kind);
    let own = ["end-time", "start-time", "finish-rtf", "start-rtf"].iter().find_map(|time| element.get(time));
    case.record.when = When::said(own).or(when);
    case.record.duration_ms = element.get("duration").or_else(|| element.get("time")).and_then(milliseconds);
    case.record.message = (!said.message.trim().is_empty()).then(|| said.message.trim().to_owned());
    case
}
