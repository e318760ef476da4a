//! Decisions of Cedar: one envelope per decision, and one per evaluation error. `docs/formats/cedar.md`
//! has the mapping.

use std::collections::BTreeSet;

use dome_core::CodeClass::Repairable;
use dome_core::Signal;
use serde_json::Value;

use crate::codes::{coded, means};
use crate::decision::{decided, short};
use crate::finding::{Finding, FindingCode, quote};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::FileReader;
use crate::record::OutcomeRecord;
use crate::when::When;

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

fn sniff(head: &Head) -> bool {
    let has = |name: &str| head.text().contains(name);
    let requests = head.has_member("requests") && has("\"principal\"");
    let question = has("\"action\"") && has("\"resource\"") && has("\"reason\"");
    let asked = question || has("\"principal\"") || has("\"determiningPolicies\"") || has("\"diagnostics\"");
    has("\"decision\"") && asked && !has("\"decision_id\"") || requests && head.has_member("policies")
}

const EXPECTED: &str = "decisions of Cedar: objects with `decision` and their policies, as an array, lines, or below \
                        `requests`";

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
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
            return out.leave_out(place, FindingCode::RecordMalformed, message, "`allow` or `deny`");
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
    out.push(&record);
    for (number, error) in errors.iter().enumerate() {
        let mut record = failed(&format!("{place}/errors/{number}"), &target, error);
        say(&mut record, value);
        record.event_id = id.map(|id| format!("{id}/errors/{number}"));
        out.push(&record);
    }
}

/// What is asked: the action and the resource, whoever asks.
fn target(value: &Value) -> String {
    let of = |name: &str| {
        let places = [format!("/{name}"), format!("/request/{name}"), format!("/{name}Id"), format!("/{name}_id")];
        entity(places.iter().find_map(|place| value.pointer(place))?)
    };
    match (of("action"), of("resource")) {
        (Some(action), Some(resource)) => format!("{action} on {resource}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "request".to_owned(),
    }
}

/// The determining policies: those that forbid, or permit; of a denial without any, the default.
fn guards(value: &Value, allowed: bool) -> Vec<(String, String)> {
    let places = ["/reason", "/determiningPolicies", "/diagnostics/reason", "/response/diagnostics/reason"];
    let policies = list(value, &places);
    let mut ids: Vec<_> = policies.iter().filter_map(policy).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() && !allowed {
        // No policy forbade it: none permitted.
        return vec![("default".to_owned(), "CEDAR.DEFAULT_DENY".to_owned())];
    }
    let code = |id: &str| coded("CEDAR", id).unwrap_or_else(|| "CEDAR.FORBIDDEN".to_owned());
    ids.into_iter().map(|id| (id.to_owned(), code(id))).collect()
}

fn policy(value: &Value) -> Option<&str> {
    let own = value.as_str().or_else(|| find(value, &["/policyId", "/policy_id", "/id"])?.as_str());
    own.map(str::trim).filter(|id| !id.is_empty())
}

fn failed(place: &str, target: &str, error: &Value) -> OutcomeRecord {
    let mut record = OutcomeRecord::new(place, Signal::Failure, ("request", target), "authorize");
    record.code = Some(("CEDAR.EVALUATION_ERROR".to_owned(), Repairable));
    record.label("policy", policy(error).map(short));
    let said = find(error, &["/error/message", "/error", "/errorDescription", "/message"]);
    record.message = said.and_then(Value::as_str).map(str::to_owned);
    record
}

fn say(record: &mut OutcomeRecord, value: &Value) {
    record.when = When::said(find(value, &["/timestamp", "/time"]).and_then(Value::as_str));
    let principal = find(value, &["/principal", "/request/principal"]).and_then(entity);
    record.label("principal", principal.as_deref().map(short));
    record.label("description", value.get("description").and_then(Value::as_str).map(short));
}

fn find<'v>(value: &'v Value, places: &[&str]) -> Option<&'v Value> {
    places.iter().find_map(|place| value.pointer(place)).filter(|value| !value.is_null())
}

fn list<'v>(value: &'v Value, places: &[&str]) -> &'v [Value] {
    find(value, places).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `Type::"id"` of a text, of `type` and `id`, or of the members that Amazon Verified Permissions has.
fn entity(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    }
    let value = value.get("__entity").unwrap_or(value);
    let text = |names: &[&str]| names.iter().find_map(|name| value.get(name)?.as_str());
    let kind = text(&["type", "entityType", "actionType"])?;
    let id = text(&["id", "entityId", "actionId"])?;
    Some(format!("{kind}::{}", Value::from(id)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entities_are_named_alike_however_they_are_written() {
        for value in [
            json!("User::\"alice\""),
            json!({"type": "User", "id": "alice"}),
            json!({"__entity": {"type": "User", "id": "alice"}}),
            json!({"entityType": "User", "entityId": "alice"}),
        ] {
            assert_eq!(entity(&value).as_deref(), Some("User::\"alice\""), "{value}");
        }
        assert_eq!((entity(&json!({"id": "x"})), entity(&json!(1))), (None, None));
    }
}
