//! OPA decision logs, by the page of the format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use dome_adapters::{Conversion, ConvertOptions};
use dome_core::{Decision, Status};
use serde_json::{Value, json};

use super::support::{codes, file, given, hostile, real_files, run, taken, tallied};

fn event(id: &str, path: &str, other: Value) -> Value {
    let mut event = json!({"decision_id": id, "path": path, "labels": {"id": "o-1", "version": "0.52.0"},
        "timestamp": "2023-05-12T13:36:37.496602+02:00", "metrics": {"timer_server_handler_ns": 3_110_230},
        "input": {"method": "GET"}, "bundles": {"authz": {"revision": "r7"}}});
    for (name, value) in other.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

fn convert(document: &Value) -> Conversion {
    run("opa", &file(document.to_string()), &given())
}

#[test]
fn m11_a_denial_is_a_policy_code_and_never_a_failure() {
    let denied = event("a", "authz/allow", json!({"result": false}));
    let done = convert(&denied);
    let envelope = &done.envelopes[0];
    assert_eq!((envelope.signal.as_str(), envelope.event_id.as_str()), ("denial", "a"));
    assert!(envelope.task_spec.failure_reason_code.is_none());
    assert_eq!(envelope.policy_reason_code.as_ref().unwrap().as_str(), "OPA.AUTHZ_ALLOW");
    let guard = &envelope.guard_evals[0];
    assert_eq!(
        (guard.guard_id.as_str(), guard.status, guard.decision),
        ("authz/allow", Status::Fail, Some(Decision::Deny))
    );
    assert_eq!(guard.reason_codes[0].as_str(), "OPA.AUTHZ_ALLOW");
    assert_eq!((envelope.ts.to_string().as_str(), envelope.duration_ms), ("2023-05-12T11:36:37.496602Z", Some(3)));
    assert!(done.codes.is_empty(), "no failure code comes of a denial");
    assert_eq!(envelope.labels.get("bundle.authz"), Some("r7"));
}

#[test]
fn an_evaluation_error_is_a_failure_and_no_decision() {
    let error = json!({"code": "internal_error", "message": "error(s) occurred while evaluating query",
        "errors": [{"code": "eval_conflict_error", "message": "complete rules must not produce multiple outputs"}]});
    let failed = event("a", "authz/allow", json!({"error": error}));
    let plain = event("b", "authz/allow", json!({"error": "boom"}));
    let done = convert(&json!([failed, plain]));
    let envelope = &done.envelopes[0];
    assert_eq!((envelope.signal.as_str(), envelope.guard_evals.len()), ("failure", 0));
    assert!(envelope.policy_reason_code.is_none());
    assert_eq!(envelope.task_spec.failure_reason_code.as_str(), "OPA.EVAL_CONFLICT_ERROR");
    assert_eq!(envelope.message.as_deref(), Some("complete rules must not produce multiple outputs"));
    assert_eq!(done.envelopes[1].task_spec.failure_reason_code.as_str(), "OPA.ERROR");
}

#[test]
fn what_allows_is_a_success_and_what_is_undefined_is_neither() {
    let events = [
        event("a", "authz", json!({"result": {"allow": true}})),
        event("b", "authz", json!({})),
        event("c", "authz", json!({"result": "Go ask the white rabbit!"})),
        event("d", "main/deny", json!({"result": ["no latest tags", "no root"]})),
        event("e", "", json!({"result": true, "query": "data.authz.allow"})),
        event("f", "", json!({"result": false})),
    ];
    let done = convert(&json!(events));
    insta::assert_snapshot!(tallied(&done), @r"
    1 denial NONE OPA.DATA
    1 denial NONE OPA.MAIN_DENY
    2 observation NONE
    2 success NONE
    ");
    assert_eq!(done.envelopes[3].message.as_deref(), Some("no latest tags\nno root"));
    assert_eq!(done.envelopes[4].task_spec.target.id.as_str(), "data.authz.allow");
}

#[test]
fn arrays_lines_consoles_and_sinks_are_read_alike() {
    let [a, b] = ["a", "b"].map(|id| event(id, "authz/allow", json!({"result": id == "a"})));
    let mut console = b.clone();
    console["msg"] = json!("Decision Log");
    console["level"] = json!("info");
    let lines = format!("{{\"level\":\"info\",\"msg\":\"Received request.\"}}\n{a}\n\n{console}\n{{\"x\n{b}\n");
    let done = run("opa", &file(lines.clone()), &given());
    assert_eq!((done.envelopes.len(), done.counts.repeated, codes(&done.problems)), (2, 1, vec!["json_invalid"]));
    assert_eq!(done.problems[0].place, "line 5");
    let array = convert(&json!([a, {"event": b, "time": 1}]));
    let ids = |done: &Conversion| done.envelopes.iter().map(|one| one.event_id.to_string()).collect::<Vec<_>>();
    assert_eq!((ids(&done), ids(&array)), (vec!["a".into(), "b".into()], vec!["a".into(), "b".into()]));
    assert_eq!((taken(lines.as_bytes()), taken(json!([a]).to_string().as_bytes())), (vec!["opa"], vec!["opa"]));
    let done = run("opa", &file(json!([a]).to_string()), &ConvertOptions::default());
    assert_eq!(codes(&done.problems), ["run_missing"], "the id of the engine is no run");
}

#[test]
fn files_that_are_something_else_are_refused() {
    let events =
        json!([event("a", "x/allow", json!({"result": false})), event("b", "x/deny", json!({"result": ["m"]}))])
            .to_string();
    hostile::refuses_what_is_not_its_own("opa", events.as_bytes());
    hostile::survives("opa", events.as_bytes());
}

/// The events that documents of other projects embed: whole ones, and two whose middle they leave out.
fn embedded(text: &str) -> Vec<Value> {
    let mut events = Vec::new();
    for (start, _) in text.match_indices('{').filter(|(start, _)| text[..*start].ends_with('\n')) {
        let whole = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>().next();
        let cut = || {
            let block = text[start..].split("\n```").next()?;
            let lines = block.lines().map(|line| line.split("//").next().unwrap().trim().trim_matches(['{', '}', ',']));
            let members: Vec<_> = lines.filter(|line| !line.is_empty() && *line != "...").collect();
            serde_json::from_str(&format!("{{{}}}", members.join(","))).ok()
        };
        events.extend(whole.and_then(Result::ok).or_else(cut));
    }
    events.retain(|event| event.get("decision_id").or_else(|| event.pointer("/event/decision_id")).is_some());
    events
}

#[test]
fn real_events_in_documents_come_to_what_they_say() {
    let Some(documents) = real_files("opa") else { return };
    let mut counts = Vec::new();
    let mut all = Vec::new();
    for (name, bytes) in &documents {
        let events = embedded(std::str::from_utf8(bytes).unwrap());
        counts.push((name.as_str(), events.len()));
        all.extend(events);
    }
    // `grep -c '"decision_id"'` counts two more: the answers of a batch query, which are no log.
    let expected = [
        ("eopa_batch-query-response.md", 0),
        ("eopa_kafka-splunk.md", 2),
        ("eopa_s3.md", 1),
        ("gatekeeper_admission-violation-export.md", 0),
        ("osm_external_auth_opa.md", 2),
    ];
    assert_eq!(counts, expected);
    let done = run("opa", &file(json!(all).to_string()), &ConvertOptions { ts: None, ..given() });
    assert_eq!((done.counts.records, done.counts.repeated, done.problems.len()), (5, 1, 0));
    insta::assert_snapshot!(tallied(&done), @r"
    1 denial NONE OPA.DATA
    1 observation NONE
    2 success NONE
    ");
    let document = run("opa", &documents[..1].to_vec(), &given());
    assert_eq!(codes(&document.problems), ["json_invalid"], "a document is no log");
}
