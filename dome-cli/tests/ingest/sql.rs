//! The index for other tools: facts, capsules and the three views under the names of the model.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};

use crate::harness::{Place, golden, project};

/// The rows that a statement gives, as objects; SQL's booleans are numbers, and its sets JSON text.
fn rows(place: &Place, statement: &str) -> Vec<Map<String, Value>> {
    let db = Connection::open_with_flags(place.path("s/index.sqlite"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut select = db.prepare(statement).unwrap();
    let names: Vec<String> = select.column_names().into_iter().map(str::to_owned).collect();
    let mut rows = select.query([]).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let value = |place: usize, name: &str| match row.get_ref(place).unwrap() {
            ValueRef::Integer(number) if name == "minted" => Value::from(number == 1),
            ValueRef::Integer(number) => number.into(),
            ValueRef::Text(text) if ["failure_reason_codes", "holds", "triggers"].contains(&name) => {
                serde_json::from_slice(text).unwrap()
            }
            ValueRef::Text(text) => str::from_utf8(text).unwrap().into(),
            _ => Value::Null,
        };
        let members = names.iter().enumerate().map(|(place, name)| (name.clone(), value(place, name)));
        found.push(members.filter(|(_, value)| !value.is_null()).collect());
    }
    found
}

/// Holds every row to the exported file, by the members that both have; these must be among them.
fn agree(place: &Place, relation: &str, file: &str, order: &str, members: &[&str]) {
    let found = rows(place, &format!("SELECT * FROM {relation} {order}"));
    let exported = place.files("exported").remove(file).unwrap();
    let expected: Vec<Value> =
        str::from_utf8(&exported).unwrap().lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert!(found.len() == expected.len() && !found.is_empty(), "{relation}: {} of {}", found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        let envelope = |name: &str| expected.get("envelope").and_then(|envelope| envelope.get(name));
        for (name, value) in found {
            let Some(there) = expected.get(name).or_else(|| envelope(name)) else { continue };
            assert_eq!(value, there, "{relation}.{name}");
        }
        for name in members {
            let there = expected.get(*name).or_else(|| envelope(name));
            assert_eq!(found.get(*name), there, "{relation}.{name}");
        }
    }
}

fn all_agree(place: &Place) {
    place.ends(0, &["store", "verify", "--store", "s"]);
    place.ends(0, &["store", "export", "--store", "s", "--out", "exported", "--force"]);
    let fact = [
        "derived_key",
        "digest",
        "fingerprint_hash",
        "idempotency_key",
        "line_key",
        "minted",
        "ordered_ts",
        "triggers",
        "event_id",
        "run_id",
        "task_id",
        "group_id",
        "sequence",
        "signal",
        "policy_reason_code",
    ];
    agree(place, "facts", "facts.jsonl", "ORDER BY at, run_id, place", &fact);
    let capsule = [
        "derived_key",
        "verdict",
        "holds",
        "confidence_ppm",
        "kind",
        "support_count",
        "failure_count",
        "denial_count",
        "resolved_count",
        "contradiction_count",
        "recurrence_count",
        "confirmed_count",
        "refuted_count",
        "blocked_count",
        "run_count",
        "first_seen_ts",
        "last_seen_ts",
        "concept_key",
        "line_key",
        "scope",
        "target_kind",
        "target_id",
        "action_kind",
        "failure_reason_code",
        "fingerprint_hash",
    ];
    agree(place, "capsules", "capsules.jsonl", "ORDER BY derived_key", &capsule);
    for view in [
        "mv_recent_failures_by_taskspec",
        "mv_gate_rollup_by_failure_reason_code",
        "mv_guard_denials_by_policy_reason_code",
    ] {
        let file = format!("views/{view}.jsonl");
        let exported = place.files("exported").remove(&file).unwrap();
        let row: Value = serde_json::from_str(str::from_utf8(&exported).unwrap().lines().next().unwrap()).unwrap();
        let members: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        agree(place, view, &file, "", &members);
    }
}

#[test]
fn m110_m92_any_sqlite_tool_finds_the_model_under_its_names() {
    let place = Place::new();
    let input = ["input/a.jsonl", "input/b.jsonl"].map(|name| std::fs::read(golden(name)).unwrap()).concat();
    // In parts, so that capsules are folded on, folded again and counted again.
    let cuts = [input.len() / 3, input.len() / 2, input.len()];
    let codes = project("dome-adapters/src/terminal_bench/reason-codes.json");
    for cut in cuts {
        place.file("a.jsonl", &input[..cut]);
        place.ingest(&["a.jsonl", "--not-after", "off"]);
        all_agree(&place);
    }
    place.ends(0, &["store", "rebuild", "--store", "s", "--reason-codes", codes.to_str().unwrap()]);
    all_agree(&place);
    place.ends(0, &["store", "rebuild", "--store", "s", "--mode", "lenient"]);
    all_agree(&place);
    let verdicts = rows(&place, "SELECT verdict, count(*) AS count FROM capsules GROUP BY verdict ORDER BY verdict");
    assert!(verdicts.len() > 1, "{verdicts:?}");
}
