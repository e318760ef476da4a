//! Decisions of Cedar: one envelope a decision, and one an evaluation error. `docs/formats/cedar.md`
//! has the mapping.

mod entity;

use std::collections::BTreeSet;

use dome_core::CodeClass::Repairable;
use dome_core::Signal;
use serde_json::Value;

use crate::codes::{coded, means};
use crate::decision::{Guard, decided, short};
use crate::finding::{Finding, FindingCode, quote};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::Reading;
use crate::record::Record;
use crate::when::When;

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "cedar",
    summary: "decisions of Cedar with their determining policies and evaluation errors",
    endings: &[".json", ".jsonl", ".ndjson", ".log"],
    codes: CODES,
    sniff,
    converts: Converts::Each(convert),
};

const CODES: &[CodeMeaning] =
    &[means("CEDAR.EVALUATION_ERROR", Repairable, "a policy could not be evaluated on the request")];

/// The policy code of a denial that no policy forbade: none permitted.
const DEFAULT_DENY: &str = "CEDAR.DEFAULT_DENY";

fn sniff(head: &Head<'_>) -> bool {
    let has = |name: &str| head.text().contains(name);
    let requests = head.has_member("requests") && has("\"principal\"");
    let question = has("\"action\"") && has("\"resource\"") && has("\"reason\"");
    let asked = question || has("\"principal\"") || has("\"determiningPolicies\"") || has("\"diagnostics\"");
    has("\"decision\"") && asked && !has("\"decision_id\"") || requests && head.has_member("policies")
}

const EXPECTED: &str = "decisions of Cedar: objects with `decision` and their policies, as an array, lines, or below \
                        `requests`";

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut seen = BTreeSet::new();
    reading.values(EXPECTED, &mut |place, value| {
        match value {
            Err(problem) => out.left_out(problem),
            Ok(value) => match value.get("requests").and_then(Value::as_array) {
                Some(requests) => {
                    for (number, request) in requests.iter().enumerate() {
                        answer(&format!("{place}/requests/{number}"), request, &mut seen, out);
                    }
                }
                None if value.get("uid").is_some() => {
                    let message = "it holds entities and no decision";
                    return Err(out.at(place).found(FindingCode::WrongFormat, message, EXPECTED));
                }
                None => answer(place, &value, &mut seen, out),
            },
        }
        Ok(())
    })
}

/// One request with its answer.
fn answer(place: &str, value: &Value, seen: &mut BTreeSet<String>, out: &mut Out<'_>) {
    let id = find(value, &["/request_id", "/requestId", "/id"]).and_then(Value::as_str);
    if id.is_some_and(|id| !seen.insert(id.to_owned())) {
        return out.repeated();
    }
    let decision = find(value, &["/decision", "/response/decision"]).and_then(Value::as_str);
    let allowed = match decision.map(str::to_ascii_lowercase).as_deref() {
        Some("allow") => true,
        Some("deny") => false,
        other => {
            let message =
                other.map_or_else(|| "no `decision`".to_owned(), |other| format!("the decision {}", quote(other)));
            let problem = out.at(place).found(FindingCode::RecordMalformed, message, "`allow` or `deny`");
            return out.left_out(problem);
        }
    };
    let target = target(value);
    let errors = list(value, &["/errors", "/diagnostics/errors", "/response/diagnostics/errors"]);
    let mut record = decided(place, ("request", &target), allowed, guards(value, allowed));
    if allowed && !errors.is_empty() {
        // It was allowed, and not all went well.
        record.signal = Signal::Observation;
    }
    say(&mut record, value);
    record.event_id = id.map(str::to_owned);
    let event = record.event_id.clone();
    out.push(&record);
    for (number, error) in errors.iter().enumerate() {
        let mut record = failed(&format!("{place}/errors/{number}"), &target, error);
        say(&mut record, value);
        record.event_id = event.as_ref().map(|event| format!("{event}/errors/{number}"));
        out.push(&record);
    }
}

/// What is asked: the action and the resource, whoever asks.
fn target(value: &Value) -> String {
    let of = |name: &str| {
        let places = [format!("/{name}"), format!("/request/{name}"), format!("/{name}Id"), format!("/{name}_id")];
        entity::named(places.iter().find_map(|place| value.pointer(place))?)
    };
    match (of("action"), of("resource")) {
        (Some(action), Some(resource)) => format!("{action} on {resource}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "request".to_owned(),
    }
}

/// The determining policies: those that forbid, or permit; of a denial without any, the default.
fn guards(value: &Value, allowed: bool) -> Vec<Guard> {
    let places = ["/reason", "/determiningPolicies", "/diagnostics/reason", "/response/diagnostics/reason"];
    let policies = list(value, &places);
    let mut ids: Vec<_> = policies.iter().filter_map(policy).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() && !allowed {
        return vec![Guard { id: "default".to_owned(), code: DEFAULT_DENY.to_owned() }];
    }
    let code = |id: &str| coded("CEDAR", id).unwrap_or_else(|| "CEDAR.FORBIDDEN".to_owned());
    ids.into_iter().map(|id| Guard { id: id.to_owned(), code: code(id) }).collect()
}

/// A policy's id: itself, or the member that names it.
fn policy(value: &Value) -> Option<&str> {
    let own = value.as_str().or_else(|| find(value, &["/policyId", "/policy_id", "/id"])?.as_str());
    own.map(str::trim).filter(|id| !id.is_empty())
}

/// A policy that could not be evaluated: a failure of what was asked, and no decision.
fn failed(place: &str, target: &str, error: &Value) -> Record {
    let mut record = Record::new(place, Signal::Failure, ("request", target), "authorize");
    record.code = Some(("CEDAR.EVALUATION_ERROR".to_owned(), Repairable));
    record.label("policy", policy(error).map(short));
    let said = find(error, &["/error/message", "/error", "/errorDescription", "/message"]);
    record.message = said.and_then(Value::as_str).map(str::to_owned);
    record
}

fn say(record: &mut Record, value: &Value) {
    let time = find(value, &["/timestamp", "/time"]).and_then(Value::as_str);
    record.when = time.map_or(When::Unknown, When::of);
    let principal = find(value, &["/principal", "/request/principal"]).and_then(entity::named);
    record.label("principal", principal.as_deref().map(short));
    record.label("description", value.get("description").and_then(Value::as_str).map(short));
}

fn find<'v>(value: &'v Value, places: &[&str]) -> Option<&'v Value> {
    places.iter().find_map(|place| value.pointer(place)).filter(|value| !value.is_null())
}

fn list<'v>(value: &'v Value, places: &[&str]) -> &'v [Value] {
    find(value, places).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
