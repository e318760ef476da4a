//! Cedar, by the page of the format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use dome_adapters::{Conversion, ConvertOptions};
use dome_core::{Decision, Status};
use serde_json::{Value, json};

use super::support::{Folder, codes, file, given, hostile, real_files, run, taken, tallied};

const TESTS: &[u8] = include_bytes!("../data/cedar/ip-3.json");

fn request(decision: &str, reason: Value, errors: Value) -> Value {
    json!({"principal": {"type": "User", "id": "alice"}, "action": {"type": "Action", "id": "view"},
        "resource": {"type": "Photo", "id": "a.jpg"}, "context": {}, "decision": decision, "reason": reason, "errors": errors})
}

fn convert(document: &Value) -> Conversion {
    run("cedar", &file(document.to_string()), &given())
}

#[test]
fn m11_a_denial_is_a_policy_code_and_never_a_failure() {
    let forbidden = convert(&request("deny", json!(["policy1", "policy0"]), json!([])));
    let envelope = &forbidden.envelopes[0];
    assert_eq!((forbidden.envelopes.len(), envelope.signal.as_str()), (1, "denial"));
    assert!(envelope.task_spec.failure_reason_code.is_none() && forbidden.codes.is_empty());
    assert_eq!(envelope.policy_reason_code.as_ref().unwrap().as_str(), "CEDAR.POLICY0");
    let guards: Vec<_> =
        envelope.guard_evals.iter().map(|guard| (guard.guard_id.as_str(), guard.status, guard.decision)).collect();
    let deny = (Status::Fail, Some(Decision::Deny));
    assert_eq!(guards, [("policy0", deny.0, deny.1), ("policy1", deny.0, deny.1)]);
    assert_eq!(envelope.task_spec.target.id.as_str(), "Action::\"view\" on Photo::\"a.jpg\"");
    assert_eq!(envelope.labels.get("principal"), Some("User::\"alice\""));
    let nobody = convert(&request("deny", json!([]), json!([])));
    assert_eq!(nobody.envelopes[0].policy_reason_code.as_ref().unwrap().as_str(), "CEDAR.DEFAULT_DENY");
}

#[test]
fn an_evaluation_error_is_a_failure_beside_the_decision() {
    let done = convert(&request("deny", json!([]), json!(["policy0"])));
    insta::assert_snapshot!(tallied(&done), @r"
    1 denial NONE CEDAR.DEFAULT_DENY
    1 failure CEDAR.EVALUATION_ERROR
    ");
    let failure = &done.envelopes[1];
    assert!(failure.guard_evals.is_empty() && failure.policy_reason_code.is_none());
    assert_eq!(failure.labels.get("policy"), Some("policy0"));
    // Allowed by one policy while another could not be evaluated: not a success that mends the other.
    let done =
        convert(&request("allow", json!(["policy1"]), json!([{"policyId": "policy0", "error": {"message": "m"}}])));
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure CEDAR.EVALUATION_ERROR
    1 observation NONE
    ");
    assert_eq!(done.envelopes[1].message.as_deref(), Some("m"));
}

#[test]
fn answers_of_other_services_are_read_alike() {
    let verified = json!({"decision": "DENY", "determiningPolicies": [{"policyId": "SPEX"}], "errors": [{"errorDescription": "e"}]});
    let wasm =
        json!({"type": "success", "response": {"decision": "allow", "diagnostics": {"reason": ["p"], "errors": []}}});
    let logged = json!({"request_id": "r-1", "timestamp": "2026-02-03T04:05:06Z", "decision": "Deny", "action": "Action::\"x\"",
        "resource": "T::\"y\"", "diagnostics": {"reason": [{"id": "q", "description": "d"}], "errors": []}});
    let lines = format!("{verified}\n{wasm}\n{logged}\n{logged}\n{{}}\n");
    let done = run("cedar", &file(lines.clone()), &given());
    insta::assert_snapshot!(tallied(&done), @r"
    1 denial NONE CEDAR.Q
    1 denial NONE CEDAR.SPEX
    1 failure CEDAR.EVALUATION_ERROR
    1 success NONE
    ");
    let last = done.envelopes.last().unwrap();
    assert_eq!((last.event_id.as_str(), last.ts.to_string().as_str()), ("r-1", "2026-02-03T04:05:06Z"));
    assert_eq!((done.counts.repeated, codes(&done.problems)), (1, vec!["record_malformed"]));
    assert_eq!((taken(lines.as_bytes()), taken(TESTS)), (vec!["cedar"], vec!["cedar"]));
}

#[test]
fn files_that_are_something_else_are_refused() {
    let entities = json!([{"uid": {"type": "User", "id": "a"}, "attrs": {}, "parents": []}]);
    assert_eq!(codes(&convert(&entities).problems), ["wrong_format"]);
    assert_eq!(codes(&run("cedar", &file(TESTS), &ConvertOptions::default()).problems), ["run_missing"]);
    hostile::refuses_what_is_not_its_own("cedar", TESTS);
    hostile::survives("cedar", TESTS);
}

/// The counts were made by a few lines of Python over the same files.
#[test]
fn real_decisions_come_to_what_was_counted_otherwise() {
    let Some(all) = real_files("cedar") else { return };
    let files: Folder = all.into_iter().filter(|(name, _)| name.ends_with(".json")).collect();
    let done = run("cedar", &files, &given());
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    for problem in &done.problems {
        assert!(problem.input.ends_with("entities.json"), "{problem}");
        *refused.entry(problem.code.as_str()).or_default() += 1;
    }
    assert_eq!((files.len(), refused), (569, BTreeMap::from([("wrong_format", 279)])));
    // 2,261 requests, of which 107 have one error.
    assert_eq!((done.counts.records, done.envelopes.len()), (2_368, 2_368));
    insta::assert_snapshot!(tallied(&done), @r"
    822 denial NONE CEDAR.DEFAULT_DENY
    137 denial NONE CEDAR.POLICY0
    2 denial NONE CEDAR.POLICY1
    107 failure CEDAR.EVALUATION_ERROR
    1300 success NONE
    ");
}
