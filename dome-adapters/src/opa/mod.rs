//! Decision logs of Open Policy Agent: one envelope a decision. `docs/formats/opa.md` has the mapping.

mod decision;

use std::collections::BTreeSet;

use dome_core::CodeClass::Repairable;
use dome_core::{Sha256Hash, Signal};
use serde_json::Value;

use crate::codes::{coded, means};
use crate::decision::{Guard, decided, short};
use crate::finding::{Finding, FindingCode};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::Reading;
use crate::record::Record;
use crate::when::When;
use decision::Said;

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "opa",
    summary: "decision logs of Open Policy Agent",
    endings: &[".json", ".jsonl", ".ndjson", ".log"],
    codes: CODES,
    sniff: |head: &Head<'_>| head.text().contains("\"decision_id\"") && !head.has_member("batch_decision_id"),
    converts: Converts::Each(convert),
};

const CODES: &[CodeMeaning] = &[
    means("OPA.ERROR", Repairable, "the policy could not be evaluated, and the error has no code"),
    means("OPA.EVAL_BUILTIN_ERROR", Repairable, "a built-in function failed while the policy was evaluated"),
    means("OPA.EVAL_CANCEL_ERROR", Repairable, "the evaluation was cancelled, or ran out of time"),
    means("OPA.EVAL_CONFLICT_ERROR", Repairable, "rules of the policy gave different values for one document"),
    means("OPA.EVAL_TYPE_ERROR", Repairable, "the evaluation met a value of a wrong type"),
    means("OPA.EVAL_WITH_MERGE_ERROR", Repairable, "a `with` of the policy could not be merged into its document"),
    means("OPA.INTERNAL_ERROR", Repairable, "the engine failed on the policy"),
    means("OPA.INVALID_PARAMETER", Repairable, "the question to the policy is not one"),
    means("OPA.UNDEFINED_DOCUMENT", Repairable, "the document that was asked for is not there"),
];

const EXPECTED: &str = "a decision log of OPA: events with `decision_id`, as an array, lines or one object";

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut seen = BTreeSet::new();
    reading.values(EXPECTED, &mut |place, value| {
        let value = match value {
            Ok(value) => value,
            Err(problem) => {
                out.left_out(problem);
                return Ok(());
            }
        };
        // Sinks wrap events; the engine's own log has other lines between them.
        let event = value.get("event").filter(|event| event.is_object()).unwrap_or(&value);
        match event.get("decision_id").and_then(Value::as_str) {
            Some(id) if seen.insert(id.to_owned()) => out.push(&record(place, id, event)),
            Some(_) => out.repeated(),
            None if value.get("msg").is_some() && value.get("level").is_some() => {}
            None => {
                let problem = out.at(place).found(FindingCode::RecordMalformed, "no `decision_id`", EXPECTED);
                out.left_out(problem);
            }
        }
        Ok(())
    })
}

fn record(place: &str, id: &str, event: &Value) -> Record {
    let text = |name: &str| event.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    // An event without either is about the root document.
    let policy = text("path").or_else(|| text("query")).unwrap_or("data");
    let mut record = match event.get("error").filter(|error| !error.is_null()) {
        Some(error) => failed(place, policy, error),
        None => match Said::of(policy, event.get("result")) {
            Said::Nothing => Record::new(place, Signal::Observation, ("policy", policy), "authorize"),
            Said::Allowed => decided(place, ("policy", policy), true, vec![guard(policy)]),
            Said::Denied(why) => {
                let mut record = decided(place, ("policy", policy), false, vec![guard(policy)]);
                record.message = why;
                record
            }
        },
    };
    record.event_id = Some(id.to_owned());
    record.when = text("timestamp").or_else(|| text("time")).map_or(When::Unknown, When::of);
    let version = event.pointer("/labels/version").and_then(Value::as_str).filter(|version| !version.is_empty());
    record.tool = Some(("opa".to_owned(), version.unwrap_or("unknown").to_owned()));
    record.duration_ms = duration(event);
    labels(&mut record, event);
    record
}

fn guard(policy: &str) -> Guard {
    let code = coded("OPA", policy).unwrap_or_else(|| "OPA.DENIED".to_owned());
    Guard { id: policy.to_owned(), code }
}

/// The policy could not be evaluated: a failure, and no decision.
fn failed(place: &str, policy: &str, error: &Value) -> Record {
    let mut record = Record::new(place, Signal::Failure, ("policy", policy), "authorize");
    // The cause has a code of its own where the outer one says only that something went wrong.
    let inner = error.pointer("/errors/0/code").or_else(|| error.get("code")).and_then(Value::as_str);
    let code = inner.and_then(|code| coded("OPA", code)).unwrap_or_else(|| "OPA.ERROR".to_owned());
    record.code = Some((code, Repairable));
    let message = error.pointer("/errors/0/message").or_else(|| error.get("message")).unwrap_or(error);
    record.message = message.as_str().map(str::to_owned);
    record
}

fn duration(event: &Value) -> Option<u64> {
    let metric = |name: &str| event.get("metrics")?.get(name)?.as_u64();
    let nanoseconds = metric("timer_server_handler_ns").or_else(|| metric("timer_rego_query_eval_ns"));
    nanoseconds.map(|nanoseconds| nanoseconds / 1_000_000)
}

fn labels(record: &mut Record, event: &Value) {
    for (label, pointer) in [
        ("batch_decision_id", "/batch_decision_id"),
        ("opa_id", "/labels/id"),
        ("requested_by", "/requested_by"),
        ("trace_id", "/trace_id"),
    ] {
        record.label(label, event.pointer(pointer).and_then(Value::as_str).map(short));
    }
    if let Some(input) = event.get("input") {
        // Values of JSON are written with sorted names.
        record.label("input_sha256", Some(&Sha256Hash::of(input.to_string().as_bytes()).to_string()));
    }
    let bundles = event.get("bundles").and_then(Value::as_object);
    for (name, bundle) in bundles.into_iter().flatten().take(16) {
        let revision = bundle.get("revision").and_then(Value::as_str).map(short);
        record.label(&format!("bundle.{}", short(name)), revision);
    }
}
