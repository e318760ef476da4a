//! Results: what was found where, and whether it counts.

use std::collections::BTreeSet;

use dome_core::CodeClass::{self, Advisory, Repairable};
use dome_core::{Signal, Status};
use serde_json::Value;

use super::run::Run;
use super::text::{message, text};
use crate::codes::coded;
use crate::out::Out;
use crate::record::{Record, identifier};

/// What a result comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Failed,
    Passed,
    /// It was found before and is not there any more.
    Gone,
    /// Found, and somebody decided that it does not count: not passed.
    Suppressed,
    /// Nothing that passed or failed: `open`, `review`, `informational`, `notApplicable`.
    Neither,
}

impl Standing {
    fn of(result: &Value) -> Self {
        let said = |name: &str| result.get(name).and_then(text);
        match said("kind").unwrap_or("fail") {
            _ if suppressed(result) => Self::Suppressed,
            _ if said("baselineState") == Some("absent") => Self::Gone,
            "fail" => Self::Failed,
            "pass" => Self::Passed,
            _ => Self::Neither,
        }
    }
}

/// Whether it has suppressions and each of them is in force (one that is rejected or under review is not).
fn suppressed(result: &Value) -> bool {
    let suppressions = result.get("suppressions").and_then(Value::as_array);
    suppressions.is_some_and(|suppressions| {
        let in_force = |one: &Value| !matches!(one.get("status").and_then(text), Some("rejected" | "underReview"));
        !suppressions.is_empty() && suppressions.iter().all(in_force)
    })
}

/// A result with its rule and what it is about.
struct Located<'v> {
    value: &'v Value,
    place: String,
    standing: Standing,
    rule: Option<&'v Value>,
    rule_id: Option<&'v str>,
    target: (&'static str, &'v str),
}

/// All results of a run. `seen` has the ids given out so far.
pub(super) fn results(run: &Run<'_>, seen: &mut BTreeSet<String>, out: &mut Out<'_>) {
    let results = run.value.get("results").and_then(Value::as_array);
    let results: Vec<_> = results.into_iter().flatten().enumerate().map(|(n, value)| located(run, n, value)).collect();
    let failing: BTreeSet<_> = results
        .iter()
        .filter(|result| result.standing == Standing::Failed)
        .map(|result| (result.target, result.rule_id))
        .collect();
    for result in &results {
        // The rule still fails there: that one of several is gone mends nothing yet.
        let again = failing.contains(&(result.target, result.rule_id));
        let mut record = record(result, again);
        let guid = result.value.get("guid").and_then(text).map(str::to_owned);
        record.event_id = guid.filter(|guid| seen.insert(guid.clone()));
        run.says(&mut record);
        out.push(&record);
    }
}

fn located<'v>(run: &Run<'v>, number: usize, value: &'v Value) -> Located<'v> {
    let rule = run.rule(value);
    let own = value.get("ruleId").or_else(|| value.pointer("/rule/id")).and_then(text);
    let rule_id = own.or_else(|| rule.and_then(|rule| rule.get("id")).and_then(text));
    let place = format!("{}/results/{number}", run.place);
    Located { value, place, standing: Standing::of(value), rule, rule_id, target: target(run, value) }
}

/// The file, else the place in the program, else the tool's own run.
fn target<'v>(run: &Run<'v>, result: &'v Value) -> (&'static str, &'v str) {
    let first = result.pointer("/locations/0");
    let file = first.and_then(|first| first.pointer("/physicalLocation/artifactLocation"));
    let file = file.and_then(|file| run.uri(file));
    let file = file.or_else(|| run.uri(result.get("analysisTarget")?));
    let logical = || {
        let logical = first?.pointer("/logicalLocations/0")?;
        logical.get("fullyQualifiedName").or_else(|| logical.get("name")).and_then(text)
    };
    file.map(|file| ("file", file)).or_else(|| Some(("code", logical()?))).unwrap_or(("tool", run.tool))
}

fn record(result: &Located<'_>, again: bool) -> Record {
    let said = |name: &str| result.value.get(name).and_then(text);
    let (signal, status) = match result.standing {
        Standing::Failed => (Signal::Failure, Some(Status::Fail)),
        Standing::Gone if again => (Signal::Observation, None),
        Standing::Passed if again => (Signal::Observation, None),
        Standing::Passed | Standing::Gone => (Signal::Success, Some(Status::Pass)),
        Standing::Suppressed => (Signal::Observation, Some(Status::Skip)),
        Standing::Neither => (Signal::Observation, None),
    };
    let mut record = Record::new(&*result.place, signal, result.target, "analyse");
    let gate = result.rule_id.and_then(identifier).unwrap_or_else(|| "result".to_owned());
    record.gates = status.map(|status| (gate, status)).into_iter().collect();
    let level = level(result);
    if signal == Signal::Failure {
        let code = result.rule_id.and_then(|id| coded("RULE", id)).unwrap_or_else(|| "RESULT.UNNAMED".to_owned());
        record.code = Some((code, class(level)));
    }
    let strings = result.rule.and_then(|rule| rule.get("messageStrings"));
    record.message = result.value.get("message").and_then(|said| message(said, strings));
    for (name, value) in [
        ("baseline_state", said("baselineState")),
        ("kind", said("kind")),
        ("level", Some(level)),
        ("rule", result.rule_id),
        ("suppression", suppression(result)),
    ] {
        record.label(name, value);
    }
    let line = result.value.pointer("/locations/0/physicalLocation/region/startLine").and_then(Value::as_u64);
    record.label("line", line.map(|line| line.to_string()).as_deref());
    record
}

fn suppression<'v>(result: &Located<'v>) -> Option<&'v str> {
    result.value.pointer("/suppressions/0/kind").and_then(text)
}

/// Its own level, else its rule's, else `warning`.
fn level<'v>(result: &Located<'v>) -> &'v str {
    let own = result.value.get("level").and_then(text);
    let of_rule = || result.rule?.pointer("/defaultConfiguration/level").and_then(text);
    own.or_else(of_rule).unwrap_or("warning")
}

fn class(level: &str) -> CodeClass {
    if level == "note" || level == "none" { Advisory } else { Repairable }
}
