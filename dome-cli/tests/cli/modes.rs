//! The test plan's items on meaning: what policies may say, and what each mode derives.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::harness::Place;

fn rows(place: &Place, file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(place.path(file)).unwrap();
    text.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
}

fn text(row: &Value, pointer: &str) -> String {
    row.pointer(pointer).unwrap().as_str().unwrap().to_owned()
}

/// An envelope about one target, a run of its own; `more` says what happened.
fn envelope(number: usize, target: &str, signal: &str, more: Value) -> Value {
    let mut envelope = json!({
        "envelope_version": "1", "event_id": format!("e{number}"), "sequence": 1, "run_id": format!("r{number:02}"),
        "task_id": "t", "group_id": "g", "ts": format!("2026-03-01T00:{number:02}:00Z"), "signal": signal,
        "wrapper_policy": "strict", "evidence": [{"path": "a.log"}],
        "task_spec": {
            "scope": "repo", "target": {"kind": "repo", "id": target}, "action": {"kind": "test"},
            "failure_reason_code": if signal == "failure" { "TESTS_FAILED" } else { "NONE" },
        },
    });
    for (name, value) in more.as_object().unwrap() {
        envelope[name] = value.clone();
    }
    envelope
}

fn write(place: &Place, name: &str, envelopes: &[Value]) {
    let lines: Vec<String> = envelopes.iter().map(|envelope| format!("{envelope}\n")).collect();
    place.file(name, lines.concat());
}

fn replay(place: &Place, input: &str, out: &str, more: &[&str]) {
    let ended = place.dome(&[&["replay", input, "--out", out], more].concat(), b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn test_plan_1_the_semantics_split_a_policy_never_says_what_failed() {
    let place = Place::new();
    let plain = [
        envelope(1, "app", "failure", json!({})),
        envelope(2, "app", "failure", json!({"gates": [{"gate_id": "unit", "status": "FAIL"}]})),
        envelope(3, "app", "observation", json!({})),
    ];
    let denied: Vec<Value> = plain
        .iter()
        .map(|envelope| {
            let mut denied = envelope.clone();
            // The name of a failure code, said by a policy, stays the policy's.
            denied["policy_reason_code"] = json!("LINT_FAILED");
            denied["guard_evals"] = json!([{"guard_id": "net", "status": "FAIL", "decision": "DENY"}]);
            denied
        })
        .collect();
    write(&place, "plain.jsonl", &plain);
    write(&place, "denied.jsonl", &denied);
    for name in ["plain", "denied"] {
        replay(&place, &format!("{name}.jsonl"), name, &["--mode", "lenient"]);
    }
    let (plain, denied) = (rows(&place, "plain/facts.jsonl"), rows(&place, "denied/facts.jsonl"));
    assert_eq!(plain.len(), 3);
    for (plain, denied) in plain.iter().zip(&denied) {
        for member in ["/derived_key", "/fingerprint_hash", "/line_key", "/envelope/task_spec/failure_reason_code"] {
            assert_eq!(text(plain, member), text(denied, member), "{member}");
        }
        assert_ne!(text(plain, "/digest"), text(denied, "/digest"), "the fact itself says it");
    }
    let codes = |name: &str| -> BTreeSet<String> {
        rows(&place, &format!("{name}/capsules.jsonl")).iter().map(|row| text(row, "/failure_reason_code")).collect()
    };
    assert_eq!(codes("denied"), codes("plain"));
    assert_eq!(codes("denied"), ["NONE", "TESTS_FAILED"].map(str::to_owned).into());
    // Where the policy speaks is the denials view, and the counter beside the failure.
    assert!(rows(&place, "plain/views/mv_guard_denials_by_policy_reason_code.jsonl").is_empty());
    let denials = rows(&place, "denied/views/mv_guard_denials_by_policy_reason_code.jsonl");
    assert_eq!(denials.iter().map(|row| text(row, "/policy_reason_code")).collect::<Vec<_>>(), ["LINT_FAILED"]);
    assert_eq!(denials[0]["failure_reason_codes"], json!(["NONE", "TESTS_FAILED"]));
    let counted = rows(&place, "denied/capsules.jsonl");
    assert!(counted.iter().all(|row| row["policy_reason_codes"] == json!({"LINT_FAILED": 1})), "{counted:?}");
    // A failure must say what failed, a denial who denied, and a policy cannot say "nothing".
    for (broken, code) in [
        (
            json!({"task_spec": {"scope": "repo", "target": {"kind": "repo", "id": "app"}, "action": {"kind": "test"},
                "failure_reason_code": "NONE"}, "policy_reason_code": "LINT_FAILED"}),
            "signal_mismatch",
        ),
        (json!({"signal": "denial"}), "signal_mismatch"),
        (json!({"policy_reason_code": "NONE"}), "reason_code_invalid"),
    ] {
        let line = envelope(4, "app", "failure", broken).to_string();
        let checked = place.dome(&["check", "-", "--format", "json"], line.as_bytes());
        assert!(checked.code == 100 && checked.stdout.contains(code), "{code}: {}", checked.stdout);
    }
}

/// One snapshot in which everything that can mint does so once, each on a target of its own.
fn snapshot() -> Vec<Value> {
    let guard = |decision: &str| json!({"guard_evals": [{"guard_id": "g", "status": "FAIL", "decision": decision}]});
    let mut all = vec![
        envelope(1, "failure", "failure", json!({})),
        envelope(2, "denial", "denial", json!({"policy_reason_code": "NETWORK_DENIED"})),
        envelope(3, "anomaly", "anomaly", json!({})),
        envelope(4, "failed-gate", "observation", json!({"gates": [{"gate_id": "unit", "status": "FAIL"}]})),
        envelope(5, "deny", "observation", guard("DENY")),
        envelope(6, "stop", "observation", guard("STOP")),
        envelope(7, "allow", "observation", guard("ALLOW")),
        envelope(8, "retry-storm", "success", json!({"attempts": 4})),
        envelope(9, "three-attempts", "success", json!({"attempts": 3})),
        envelope(10, "unseen-denial", "observation", json!({"policy_reason_code": "TOKEN_DENIED"})),
        envelope(11, "seen-denial", "observation", json!({"policy_reason_code": "TOKEN_DENIED"})),
        envelope(12, "success", "success", json!({})),
    ];
    all.extend((13..18).map(|number| envelope(number, "slow", "success", json!({"duration_ms": 900}))));
    all.push(envelope(18, "slow", "success", json!({"duration_ms": 2_700})));
    all.push(envelope(19, "not-slow", "success", json!({"duration_ms": 2_700})));
    all
}

#[test]
fn test_plan_4_strict_hybrid_and_lenient_on_one_snapshot() {
    let place = Place::new();
    write(&place, "snapshot.jsonl", &snapshot());
    let strict = [("denial", "denial", 1), ("failure", "failure", 1)];
    let hybrid = [
        ("anomaly", "pattern", 1),
        ("deny", "pattern", 1),
        ("failed-gate", "failure", 1),
        ("retry-storm", "pattern", 1),
        ("slow", "pattern", 1),
        ("stop", "pattern", 1),
        ("unseen-denial", "pattern", 1),
    ];
    let lenient = [
        ("allow", "pattern", 1),
        ("not-slow", "pattern", 1),
        ("seen-denial", "pattern", 1),
        ("slow", "pattern", 6),
        ("success", "pattern", 1),
        ("three-attempts", "pattern", 1),
    ];
    let mut expected: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    for (mode, more) in [("strict", &strict[..]), ("hybrid", &hybrid), ("lenient", &lenient)] {
        replay(&place, "snapshot.jsonl", mode, &["--mode", mode]);
        expected.extend(more.iter().map(|(target, kind, support)| (*target, (*kind, *support))));
        let capsules = rows(&place, &format!("{mode}/capsules.jsonl"));
        let found: BTreeMap<String, (String, u64)> = capsules
            .iter()
            .map(|row| (text(row, "/target_id"), (text(row, "/kind"), row["support_count"].as_u64().unwrap())))
            .collect();
        let wanted =
            expected.iter().map(|(target, (kind, support))| ((*target).to_owned(), ((*kind).to_owned(), *support)));
        assert_eq!(found, wanted.collect(), "{mode}");
    }
    // Whatever the mode: the same facts, the same triggers on them, the same views.
    for mode in ["hybrid", "lenient"] {
        let (strict, other) = (rows(&place, "strict/facts.jsonl"), rows(&place, &format!("{mode}/facts.jsonl")));
        for (strict, other) in strict.iter().zip(&other) {
            for member in ["digest", "derived_key", "triggers", "ordered_ts"] {
                assert_eq!(strict[member], other[member], "{mode}: {member}");
            }
            assert!(strict["minted"] == json!(false) || other["minted"] == json!(true), "{mode}: nothing is lost");
        }
        assert_eq!(strict.len(), other.len());
        let (strict, other) = (place.files("strict/views"), place.files(&format!("{mode}/views")));
        assert!(strict == other && strict.len() == 3, "{mode}");
    }
    let triggers: Vec<Value> =
        rows(&place, "strict/facts.jsonl").into_iter().map(|row| row["triggers"].clone()).collect();
    let fired: Vec<&Value> = triggers.iter().filter(|fired| **fired != json!([])).collect();
    assert_eq!(
        fired,
        [&json!(["unseen_denial"]), &json!(["retry_storm"]), &json!(["unseen_denial"]), &json!(["latency_delta"])]
    );
    // Strict derives nothing without an explicit failure or denial.
    for capsule in rows(&place, "strict/capsules.jsonl") {
        let (failed, denied) = (capsule["failure_count"].as_u64(), capsule["denial_count"].as_u64());
        assert_eq!(failed.max(denied), capsule["support_count"].as_u64());
    }
    which_trigger_and_with_what_numbers(&place);
}

/// M-71 in `explain`, for people and for programs.
fn which_trigger_and_with_what_numbers(place: &Place) {
    for (line, said, numbers) in [
        (
            8,
            "trigger retry_storm: 4 attempts, fires from 4",
            json!([{"found": 4, "from": 4, "trigger": "retry_storm"}]),
        ),
        (
            18,
            "trigger latency_delta: 2 700 ms, fires from 2 700 ms (median 900 ms",
            json!([{"found": 2_700, "from": 2_700, "median_ms": 900, "samples": 5, "trigger": "latency_delta"}]),
        ),
        (
            10,
            "trigger unseen_denial: no earlier fact of this scope",
            json!([{"policy_reason_code": "TOKEN_DENIED", "trigger": "unseen_denial"}]),
        ),
    ] {
        let key = format!("snapshot.jsonl:{line}");
        let told = place.dome(&["explain", "--from", "hybrid", &key], b"").stdout;
        assert!(told.contains(said), "{said}: {told}");
        assert!(told.contains("minted under mode hybrid (M-70): a trigger"), "{told}");
        let told = place.dome(&["explain", "--from", "hybrid", &key, "--format", "json"], b"").stdout;
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["fact"]["fact"]["triggers"], numbers);
        assert_eq!(told["policy"]["policy_version"], "2", "the thresholds stand beside it");
    }
}
