//! Decision logs of Open Policy Agent: one envelope per decision. `docs/formats/opa.md` has the mapping.

use std::collections::BTreeSet;

use dome_core::CodeClass::Repairable;
use dome_core::{Sha256Hash, Signal};
use serde_json::Value;

use crate::codes::{coded, means};
use crate::decision::{decided, short};
use crate::finding::{Finding, FindingCode};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::FileReader;
use crate::record::OutcomeRecord;
use crate::when::When;

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "opa",
    summary: "decision logs of Open Policy Agent",
    endings: &[".json", ".jsonl", ".ndjson", ".log"],
    codes: CODES,
    sniff: |head: &Head| head.text().contains("\"decision_id\"") && !head.has_member("batch_decision_id"),
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

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
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
                out.leave_out(place, FindingCode::RecordMalformed, "no `decision_id`", EXPECTED);
            }
        }
        Ok(())
    })
}

fn record(place: &str, id: &str, event: &Value) -> OutcomeRecord {
    let text = |name: &str| event.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    // An event without either is about the root document.
    let policy = text("path").or_else(|| text("query")).unwrap_or("data");
    let mut record = match event.get("error").filter(|error| !error.is_null()) {
        Some(error) => failed(place, policy, error),
        None => match OpaDecision::of(policy, event.get("result")) {
            OpaDecision::Nothing => OutcomeRecord::new(place, Signal::Observation, ("policy", policy), "authorize"),
            OpaDecision::Allowed => decided(place, ("policy", policy), true, vec![guard(policy)]),
            OpaDecision::Denied(why) => {
                let mut record = decided(place, ("policy", policy), false, vec![guard(policy)]);
                record.message = why;
                record
            }
        },
    };
    record.event_id = Some(id.to_owned());
    record.when = When::said(text("timestamp").or_else(|| text("time")));
    let version = event.pointer("/labels/version").and_then(Value::as_str).filter(|version| !version.is_empty());
    record.tool = Some(("opa".to_owned(), version.unwrap_or("unknown").to_owned()));
    record.duration_ms = duration(event);
    labels(&mut record, event);
    record
}

fn guard(policy: &str) -> (String, String) {
    let code = coded("OPA", policy).unwrap_or_else(|| "OPA.DENIED".to_owned());
    (policy.to_owned(), code)
}

fn failed(place: &str, policy: &str, error: &Value) -> OutcomeRecord {
    let mut record = OutcomeRecord::new(place, Signal::Failure, ("policy", policy), "authorize");
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

fn labels(record: &mut OutcomeRecord, event: &Value) {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).map(short);
    record.label_all([
        ("batch_decision_id", text("/batch_decision_id")),
        ("opa_id", text("/labels/id")),
        ("requested_by", text("/requested_by")),
        ("trace_id", text("/trace_id")),
    ]);
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

/// By the names of policies: `allow`, `allowed` are true or false; `deny`, `violation` are true, or hold something.
#[derive(Clone, Debug, PartialEq, Eq)]
enum OpaDecision {
    Allowed,
    Denied(Option<String>),
    /// It is undefined, or is no decision.
    Nothing,
}

const DENYING: [&str; 4] = ["deny", "denied", "violation", "violations"];

impl OpaDecision {
    fn of(policy: &str, result: Option<&Value>) -> Self {
        let Some(result) = result else { return Self::Nothing };
        let rule = policy.rsplit_once(['/', '.']).map_or(policy, |(_, rule)| rule);
        if DENYING.contains(&rule) {
            return Self::of_denials(result);
        }
        match result {
            Value::Bool(true) => Self::Allowed,
            Value::Bool(false) => Self::Denied(None),
            Value::Object(_) => Self::of_object(result),
            _ => Self::Nothing,
        }
    }

    fn of_object(result: &Value) -> Self {
        let mut said = Self::Nothing;
        for denials in DENYING.iter().filter_map(|name| result.get(name)) {
            match Self::of_denials(denials) {
                denied @ Self::Denied(_) => return denied,
                Self::Allowed => said = Self::Allowed,
                Self::Nothing => {}
            }
        }
        // An admission review answers in `response`.
        let allow = ["/allow", "/allowed", "/response/allowed"].iter().find_map(|name| result.pointer(name)?.as_bool());
        match allow {
            Some(true) => Self::Allowed,
            Some(false) => Self::Denied(result.pointer("/response/status/message").and_then(text)),
            None => said,
        }
    }

    fn of_denials(denials: &Value) -> Self {
        match denials {
            Value::Bool(false) => Self::Allowed,
            Value::Bool(true) => Self::Denied(None),
            Value::Array(denials) if denials.is_empty() => Self::Allowed,
            Value::Object(denials) if denials.is_empty() => Self::Allowed,
            Value::Array(denials) => Self::Denied(texts(denials.iter())),
            Value::Object(denials) => Self::Denied(texts(denials.values())),
            _ => Self::Nothing,
        }
    }
}

/// The texts of denials: themselves, or their `msg`; one a line, sorted, as they are a set.
fn texts<'v>(denials: impl Iterator<Item = &'v Value>) -> Option<String> {
    let mut texts: Vec<_> =
        denials.filter_map(|denial| text(denial).or_else(|| denial.get("msg").and_then(text))).collect();
    texts.sort();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_is_a_decision_by_the_names_that_policies_are_asked_by() {
        let denied = |text: &str| OpaDecision::Denied(Some(text.to_owned()));
        for (policy, result, said) in [
            ("authz/allow", json!(true), OpaDecision::Allowed),
            ("authz/allow", json!(false), OpaDecision::Denied(None)),
            ("authz", json!({"allow": true}), OpaDecision::Allowed),
            ("authz", json!({"allow": false, "x": 1}), OpaDecision::Denied(None)),
            ("envoy", json!({"allowed": false, "http_status": 403}), OpaDecision::Denied(None)),
            ("k8s/main", json!({"response": {"allowed": false, "status": {"message": "m"}}}), denied("m")),
            ("main/deny", json!(["b", {"msg": "a"}]), denied("a\nb")),
            ("main/deny", json!([]), OpaDecision::Allowed),
            ("data.main.deny", json!(true), OpaDecision::Denied(None)),
            ("main", json!({"deny": [], "warn": ["w"]}), OpaDecision::Allowed),
            ("main", json!({"deny": ["no"], "allow": true}), denied("no")),
            ("main/violation", json!({}), OpaDecision::Allowed),
            ("main", json!("Go ask the white rabbit!"), OpaDecision::Nothing),
            ("main", json!({"users": []}), OpaDecision::Nothing),
        ] {
            assert_eq!(OpaDecision::of(policy, Some(&result)), said, "{policy} {result}");
        }
        assert_eq!(OpaDecision::of("authz/allow", None), OpaDecision::Nothing, "undefined");
    }
}
