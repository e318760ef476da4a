//! Denials and failures of one run, from the formats that tell them, as one history.

use serde_json::{Value, json};

use crate::harness::{Place, count};

fn rows(place: &Place, file: &str) -> Vec<Value> {
    let bytes = place.files("o").remove(file).unwrap();
    String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'v>(row: &'v Value, pointer: &str) -> &'v str {
    row.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Three runs, each with a test that fails, two policy engines that deny, and in the last, one policy
/// that could not be evaluated.
fn folder(place: &Place) {
    for day in 1..=3 {
        let failed = "<testsuite name='s'><testcase classname='c' name='n'><failure type='KeyError' message='no'/></testcase></testsuite>";
        place.file(&format!("in/{day}/report.xml"), failed);
        let denied = json!({"decision_id": format!("d-{day}"), "path": "deploy/allow", "result": false,
            "timestamp": format!("2026-01-0{day}T10:00:00Z"), "labels": {"version": "1.2.0"}});
        let error = json!({"code": "eval_conflict_error", "message": "two values"});
        let erred = json!({"decision_id": format!("e-{day}"), "path": "deploy/allow", "error": error,
            "timestamp": format!("2026-01-0{day}T10:00:01Z"), "labels": {"version": "1.2.0"}});
        let log = if day == 3 { json!([denied, erred]) } else { json!([denied]) };
        place.file(&format!("in/{day}/decisions.json"), log.to_string());
        let forbidden = json!({"action": "Action::\"deploy\"", "resource": "Env::\"prod\"", "decision": "deny",
            "reason": ["freeze"], "errors": [], "timestamp": format!("2026-01-0{day}T10:00:02Z")});
        place.file(&format!("in/{day}/cedar.json"), forbidden.to_string());
    }
}

#[test]
fn l6_denials_and_failures_of_one_run_are_one_history_in_which_the_split_holds() {
    let place = Place::new();
    folder(&place);
    let mut all = Vec::new();
    for day in 1..=3 {
        let (input, run, ts) = (format!("in/{day}"), format!("ci-{day}"), format!("2026-01-0{day}T09:59:00Z"));
        let args = ["convert", "auto", &input, "--run-id", &run, "--ts", &ts, "--out", "one.jsonl"];
        let converted = place.dome(&args, b"");
        assert_eq!(converted.code, 0, "{}", converted.stderr);
        all.extend(std::fs::read(place.path("one.jsonl")).unwrap());
    }
    place.file("all.jsonl", all);
    let replayed = place.dome(&["replay", "all.jsonl", "--out", "o", "--deny-quarantine"], b"");
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    assert_eq!(count(place.files("o").get("manifest.json").unwrap(), "facts"), 10);

    let facts = rows(&place, "facts.jsonl");
    for run in ["ci-1", "ci-2", "ci-3"] {
        let signals: Vec<_> = facts
            .iter()
            .filter(|fact| text(fact, "/envelope/run_id") == run)
            .map(|fact| text(fact, "/envelope/signal"))
            .collect();
        assert!(signals.contains(&"failure") && signals.contains(&"denial"), "{run}: {signals:?}");
    }
    let mut told: Vec<_> = rows(&place, "capsules.jsonl")
        .iter()
        .map(|row| {
            let policies = row.get("policy_reason_codes").and_then(Value::as_object).unwrap();
            let policies: Vec<_> = policies.iter().map(|(code, count)| format!("{code}={count}")).collect();
            format!("{} {} {}", text(row, "/kind"), text(row, "/failure_reason_code"), policies.join(","))
        })
        .collect();
    told.sort();
    let expected = [
        "denial NONE CEDAR.FREEZE=3",
        "denial NONE OPA.DEPLOY_ALLOW=3",
        "failure EXCEPTION.KEY_ERROR ",
        "failure OPA.EVAL_CONFLICT_ERROR ",
    ];
    assert_eq!(told, expected);
    views(&place);
}

/// The denials stand in the view of denials and nowhere among failures, and the other way round.
fn views(place: &Place) {
    let denials = rows(place, "views/mv_guard_denials_by_policy_reason_code.jsonl");
    let denials: Vec<_> = denials
        .iter()
        .map(|row| {
            (text(row, "/policy_reason_code"), text(row, "/guard_id"), row.get("denial_count").unwrap().as_u64())
        })
        .collect();
    let expected = [("CEDAR.FREEZE", "freeze", Some(3)), ("OPA.DEPLOY_ALLOW", "deploy/allow", Some(3))];
    assert_eq!(denials, expected);
    let failures = rows(place, "views/mv_recent_failures_by_taskspec.jsonl");
    assert_eq!(failures.len(), 4);
    for row in &failures {
        assert_ne!(text(row, "/failure_reason_code"), "NONE", "{row}");
        assert_eq!(text(row, "/policy_reason_code"), "", "{row}");
    }
}
