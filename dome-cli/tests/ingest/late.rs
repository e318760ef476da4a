//! Late and out-of-order lines: a store ends where one replay of everything does (M-41, L-1).

use serde_json::{Value, json};

use super::steps::{failure, lines, with};
use crate::harness::Place;

/// Ingests the parts one by one; after each the store is one replay of what there is.
fn in_parts(parts: &[&[Value]]) -> Place {
    let place = Place::new();
    for (number, part) in parts.iter().enumerate() {
        place.file(&format!("in/{number}.jsonl"), lines(part));
        place.ingest(&["in"]);
        place.equals_a_replay_of(&["in"]);
    }
    place
}

#[test]
fn m41_a_late_line_takes_the_event_id_of_an_earlier_fact() {
    let late = with(failure("r1", 1), json!({"event_id": "e2", "group_id": "late"}));
    let place = in_parts(&[&[failure("r1", 2), failure("r1", 3)], &[late]]);
    let status = place.status();
    assert_eq!((&status["facts"], &status["conflicts"]), (&2.into(), &1.into()));
    let listed = place.ends(0, &["store", "quarantine", "list", "--store", "s"]).stdout;
    assert!(listed.contains("0.jsonl:1  event_id_conflict"), "{listed}");
}

#[test]
fn m41_a_late_line_frees_what_a_conflict_had_lost() {
    // e5 loses its outcome to e3; e2 then takes e3's event id, and e5 is a fact after all.
    let [third, fifth] = [3, 5].map(|sequence| with(failure("r1", sequence), json!({"group_id": "one"})));
    let late = with(failure("r1", 2), json!({"event_id": "e3"}));
    let place = in_parts(&[&[third, fifth], &[late]]);
    let status = place.status();
    assert_eq!((&status["facts"], &status["conflicts"]), (&2.into(), &1.into()));
}

#[test]
fn m42_late_lines_of_a_run_move_the_ordered_time_of_others() {
    let late = with(failure("r1", 1), json!({"ts": "2026-02-03T00:00:00Z"}));
    let success = with(failure("r2", 1), json!({"signal": "success", "gates": [], "ts": "2026-02-02T00:00:00Z"}));
    in_parts(&[&[failure("r1", 2), failure("r1", 3), success], &[late]]);
}

#[test]
fn m71_a_late_line_is_the_first_unseen_denial() {
    let denial = |run: &str, hour: u64| {
        let members = json!({
            "signal": "denial", "policy_reason_code": "GUARD.NETWORK", "gates": [], "wrapper_policy": "hybrid",
            "ts": format!("2026-02-01T{hour:02}:00:00Z"),
            "task_spec": {
                "scope": "task", "target": {"kind": "test_suite", "id": run}, "action": {"kind": "run_tests"},
                "failure_reason_code": "NONE"
            }
        });
        with(failure(run, 1), members)
    };
    let place = in_parts(&[&[denial("r1", 12)], &[denial("r2", 13)], &[denial("r3", 9)]]);
    let facts = place.files("exported").remove("facts.jsonl").unwrap();
    let fired: Vec<(Value, Value)> = str::from_utf8(&facts)
        .unwrap()
        .lines()
        .map(|row| serde_json::from_str::<Value>(row).unwrap())
        .map(|row| (row["envelope"]["run_id"].clone(), row["triggers"].clone()))
        .collect();
    let expected = [("r3", json!(["unseen_denial"])), ("r1", json!([])), ("r2", json!([]))];
    assert_eq!(fired, expected.map(|(run, triggers)| (run.into(), triggers)));
}

#[test]
fn m84_a_late_application_and_a_late_first_failure_are_counted() {
    let first = failure("r1", 1);
    let place = in_parts(&[std::slice::from_ref(&first)]);
    let facts = place.files("exported").remove("facts.jsonl").unwrap();
    let fact: Value = serde_json::from_slice(facts.trim_ascii_end()).unwrap();
    let applied = |run: &str, ts: &str, signal: &str, gates: Value| {
        let spec = json!({
            "scope": "task", "target": {"kind": "test_suite", "id": "other"}, "action": {"kind": "run_tests"},
            "failure_reason_code": if signal == "success" { "NONE" } else { "TESTS_FAILED" }
        });
        let members = json!({
            "ts": ts, "signal": signal, "gates": gates, "applied_capsule": fact["derived_key"], "task_spec": spec
        });
        with(failure(run, 1), members)
    };
    // The same failure on another target, which the later success resolves there.
    let confirmed = applied("r2", "2026-02-01T12:00:00Z", "success", json!([]));
    let refuted = applied("r3", "2026-02-01T11:00:00Z", "failure", json!([{"gate_id": "unit", "status": "FAIL"}]));
    let early = applied("r4", "2026-01-01T11:00:00Z", "success", json!([]));
    let place = in_parts(&[
        &[confirmed, early],
        &[first],
        &[refuted],
        &[with(failure("r0", 1), json!({"ts": "2025-12-01T00:00:00Z"}))],
    ]);
    let capsules = place.files("exported").remove("capsules.jsonl").unwrap();
    let capsule =
        str::from_utf8(&capsules).unwrap().lines().find(|row| row.contains("\"target_id\":\"unit\"")).unwrap();
    let capsule: Value = serde_json::from_str(capsule).unwrap();
    assert_eq!((&capsule["confirmed_count"], &capsule["refuted_count"]), (&1.into(), &1.into()));
    assert_eq!(capsule["support_count"], 2, "`early` is before the first of them, and had nothing to resolve");
}
