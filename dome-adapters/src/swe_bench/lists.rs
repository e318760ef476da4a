//! Reports and summaries: instances by how they ended.

use std::collections::BTreeMap;

use dome_core::Status;
use dome_core::json::pointer_step;
use dome_core::limits::GATES;
use serde_json::Value;

use super::claim::{Claim, Rank, Verdict};
use super::raw::day;
use crate::convert::Conversion;
use crate::finding::{At, Finding, FindingCode};
use crate::record::identifier;
use crate::when::When;

/// The lists of the harness's summary, the first that has an instance decides.
const SUMMARY: [(&str, Verdict); 6] = [
    ("resolved_ids", Verdict::Resolved),
    ("unresolved_ids", Verdict::Failed("UNRESOLVED")),
    ("empty_patch_ids", Verdict::Failed("PATCH.EMPTY")),
    ("error_ids", Verdict::Failed("EVALUATION.ERROR")),
    ("completed_ids", Verdict::Open),
    ("submitted_ids", Verdict::Open),
];

/// The lists of the first harness's summary, likewise.
const OLD_SUMMARY: [(&str, Verdict); 10] = [
    ("resolved", Verdict::Resolved),
    ("no_apply", Verdict::Failed("PATCH.NOT_APPLIED")),
    ("install_fail", Verdict::Failed("EVALUATION.INSTALL_FAILED")),
    ("reset_failed", Verdict::Failed("EVALUATION.RESET_FAILED")),
    ("test_errored", Verdict::Failed("TESTS.ERRORED")),
    ("test_timeout", Verdict::Failed("TESTS.TIMEOUT")),
    ("applied", Verdict::Failed("TESTS_FAILED")),
    ("with_logs", Verdict::Open),
    ("generated", Verdict::Open),
    ("no_generation", Verdict::Failed("PATCH.EMPTY")),
];

pub(super) fn summary(file: usize, document: &Value) -> Vec<Claim> {
    by_lists(file, document, &SUMMARY, Rank::Outcome)
}

pub(super) fn old_summary(file: usize, document: &Value) -> Vec<Claim> {
    by_lists(file, document, &OLD_SUMMARY, Rank::Steps)
}

fn by_lists(file: usize, document: &Value, lists: &[(&str, Verdict)], rank: Rank) -> Vec<Claim> {
    let mut found: BTreeMap<String, Claim> = BTreeMap::new();
    for (list, verdict) in lists {
        for (place, instance) in texts(document, list) {
            let claim = || Claim::new(file, format!("/{list}/{place}"), instance, rank, *verdict);
            found.entry(instance.to_owned()).or_insert_with(claim);
        }
    }
    found.into_values().collect()
}

/// What a system that others are compared with resolved.
pub(super) fn comparison(file: usize, document: &Value) -> Vec<Claim> {
    let submission = document.get("source").and_then(Value::as_str).and_then(|source| source.rsplit('/').next());
    let submission = submission.filter(|id| day(id).is_some());
    let when = submission.and_then(day).map_or(When::Unknown, When::Local);
    let claim = |(place, instance): (usize, &str)| {
        let place = format!("/resolvedIds/{place}");
        let mut claim = Claim::new(file, place, instance, Rank::Outcome, Verdict::Resolved);
        claim.run = submission.map(str::to_owned);
        claim.when = when.clone();
        claim.label("system", document.get("system").and_then(Value::as_str));
        claim
    };
    texts(document, "resolvedIds").map(claim).collect()
}

/// The report of one instance.
pub(super) fn report(file: usize, instance: &str, report: &Value) -> Claim {
    let flag = |name: &str| report.get(name).and_then(Value::as_bool);
    let verdict = match flag("resolved") {
        Some(true) => Verdict::Resolved,
        Some(false) if flag("patch_is_None") == Some(true) => Verdict::Failed("PATCH.EMPTY"),
        Some(false) if flag("patch_exists") == Some(false) => Verdict::Failed("PATCH.EMPTY"),
        Some(false) if flag("patch_successfully_applied") == Some(false) => Verdict::Failed("PATCH.NOT_APPLIED"),
        Some(false) if flag("patch_successfully_applied") == Some(true) => Verdict::Failed("TESTS_FAILED"),
        Some(false) => Verdict::Failed("UNRESOLVED"),
        None => Verdict::Open,
    };
    let mut claim = Claim::new(file, format!("/{}", pointer_step(instance)), instance, Rank::Tests, verdict);
    claim.gates = gates(report);
    claim
}

/// The tests that decide; the two sets of them where there are more than an envelope may carry.
fn gates(report: &Value) -> Vec<(String, Status)> {
    let mut tests: BTreeMap<String, Status> = BTreeMap::new();
    let mut sets: BTreeMap<String, Status> = BTreeMap::new();
    for set in ["FAIL_TO_PASS", "PASS_TO_PASS"] {
        for (list, status) in [("success", Status::Pass), ("failure", Status::Fail)] {
            let names = report.get("tests_status").and_then(|sets| sets.get(set));
            for (_, name) in names.into_iter().flat_map(|lists| texts(lists, list)) {
                for (gates, name) in [(&mut tests, identifier(name)), (&mut sets, Some(set.to_owned()))] {
                    let known = name.map(|name| gates.entry(name).or_insert(status));
                    known.filter(|_| status == Status::Fail).into_iter().for_each(|known| *known = status);
                }
            }
        }
    }
    if tests.len() > GATES { sets.into_iter().collect() } else { tests.into_iter().collect() }
}

/// Whether the file is lines of JSON.
pub(super) fn is_lines(bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    first.is_some_and(|line| serde_json::from_slice::<Value>(line).is_ok_and(|line| line.is_object()))
}

/// One outcome a line; a line that is none is left out.
pub(super) fn lines(file: usize, bytes: &[u8], at: At<'_>, done: &mut Conversion) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (number, bytes) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let place = (number + 1).to_string();
        let at = At { place: &place, ..at };
        let read = serde_json::from_slice(bytes).map_err(|error| {
            at.found(FindingCode::JsonInvalid, format!("not JSON: {error}"), "an outcome of one instance")
        });
        match read.and_then(|line: Value| self::line(file, place.clone(), &line, at)) {
            Ok(claim) => claims.push(claim),
            Err(problem) => {
                done.counts.records += 1;
                done.counts.left_out += 1;
                done.problems.push(problem);
            }
        }
    }
    claims
}

/// The outcome of one instance with time and cost, as harnesses around SWE-bench log it.
pub(super) fn line(file: usize, place: String, line: &Value, at: At<'_>) -> Result<Claim, Finding> {
    let text = |name: &str| line.get(name).and_then(Value::as_str);
    let instance = text("instanceId")
        .ok_or_else(|| at.found(FindingCode::RecordMalformed, "`instanceId` is missing", "a string"))?;
    let verdict = match line.get("resolved").and_then(Value::as_bool) {
        Some(true) => Verdict::Resolved,
        Some(false) if text("modelPatch").is_some_and(|patch| patch.trim().is_empty()) => {
            Verdict::Failed("PATCH.EMPTY")
        }
        Some(false) => Verdict::Failed("UNRESOLVED"),
        None => return Err(at.found(FindingCode::OutcomeMissing, "`resolved` is missing", "`true` or `false`")),
    };
    let mut claim = Claim::new(file, place, instance, Rank::Outcome, verdict);
    claim.when = text("timestamp").map_or(When::Unknown, When::of);
    claim.duration_ms = line.get("durationMs").and_then(Value::as_u64);
    claim.tool = text("agent").map(|agent| (agent.to_owned(), "unknown".to_owned()));
    claim.label("model", text("model"));
    claim.label("base_commit", text("commitHash"));
    Ok(claim)
}

/// The texts of a list with their places in it.
pub(super) fn texts<'v>(document: &'v Value, list: &str) -> impl Iterator<Item = (usize, &'v str)> {
    let entries = document.get(list).and_then(Value::as_array).into_iter().flatten().enumerate();
    entries.filter_map(|(place, entry)| Some((place, entry.as_str()?)))
}
