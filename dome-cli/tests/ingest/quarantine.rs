//! The quarantine as a workflow: see, mend, try again; and how late a record may be (M-32).

use serde_json::{Value, json};

use super::steps::{failure, lines, with};
use crate::harness::Place;

fn positions(place: &Place) -> Vec<u64> {
    let listed = place.ends(0, &["store", "quarantine", "list", "--store", "s", "--format", "json"]).stdout;
    let rows = listed.lines().skip(1).map(|row| serde_json::from_str::<Value>(row).unwrap());
    rows.map(|row| row["position"].as_u64().unwrap()).collect()
}

fn ahead() -> Value {
    with(failure("r2", 1), json!({"ts": "2026-03-01T00:00:00Z"}))
}

#[test]
fn m32_a_line_that_was_too_late_is_admitted_once_the_instant_moved_on() {
    let place = Place::new();
    // Written as no canonical writer would: its bytes must be kept, not what they mean.
    let raw = ahead().to_string().replace("\"sequence\":1", "\"sequence\" : 1");
    place.file("a.jsonl", lines(&[failure("r1", 1)]) + &raw + "\n");
    place.ingest(&["a.jsonl", "--not-after", "2026-02-02T00:00:00Z"]);
    place.equals_a_replay_of(&["a.jsonl"]);
    let [position] = positions(&place)[..] else { panic!() };
    let at = position.to_string();
    let shown = place.json(&["store", "quarantine", "show", &at, "--store", "s"]);
    assert_eq!((&shown["raw"], &shown["problems"][0]["code"]), (&json!(raw), &json!("timestamp_future")));
    let said = place.ends(0, &["store", "quarantine", "show", &at, "--store", "s"]).stdout;
    assert!(said.contains("error[timestamp_future]") && said.contains("a.jsonl:2"), "{said}");
    let earlier = ["store", "quarantine", "retry", "--store", "s", "--not-after"];
    place.ends(2, &[&earlier[..], &["2026-01-01T00:00:00Z"]].concat());
    let still = place.json(&[&earlier[..], &["2026-02-02T00:00:00Z"]].concat());
    assert_eq!((&still["admitted"], &still["still_rejected"]), (&json!([]), &json!(1)));
    let retried = place.json(&[&earlier[..], &["2026-03-02T00:00:00Z"]].concat());
    assert_eq!((&retried["admitted"], &retried["still_rejected"]), (&json!([position]), &json!(0)));
    assert_eq!((&place.status()["facts"], &place.status()["quarantined"]), (&2.into(), &0.into()));
    place.equals_a_replay_of(&["a.jsonl"]);
    let log: Vec<u8> = place.log().into_values().flatten().collect();
    let kept = serde_json::to_string(&raw).unwrap();
    assert!(String::from_utf8(log).unwrap().contains(&kept), "the bytes of the line are what they were");
}

#[test]
fn m32_an_ingest_with_a_later_instant_is_one_replay_with_it() {
    let place = Place::new();
    let two_problems = with(ahead(), json!({"attempts": 0, "run_id": "r3"}));
    place.file("in/a.jsonl", lines(&[failure("r1", 1), ahead(), two_problems]));
    place.ingest(&["in", "--not-after", "2026-02-02T00:00:00Z"]);
    assert_eq!(place.status()["quarantined"], 2);
    place.file("in/b.jsonl", lines(&[failure("r4", 1)]));
    let ended = place.ingest(&["in", "--not-after", "2026-03-02T00:00:00Z"]);
    assert!(ended.stderr.contains("1 lines that were too far ahead of the clock are admitted now"), "{}", ended.stderr);
    assert_eq!((&place.status()["facts"], &place.status()["quarantined"]), (&3.into(), &1.into()));
    place.equals_a_replay_of(&["in"]);
    place.ends(2, &["ingest", "in", "--store", "s", "--not-after", "2026-02-02T00:00:00Z"]);
}

#[test]
fn m32_records_more_than_a_day_ahead_of_the_clock_are_refused_and_that_is_recorded() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r1", 1), with(failure("r2", 1), json!({"ts": "9000-01-01T00:00:00Z"}))]));
    let ended = place.ends(100, &["ingest", "a.jsonl", "--store", "s", "--deny-quarantine"]);
    assert!(ended.stdout.contains("1  quarantined"), "{}", ended.stdout);
    place.equals_a_replay_of(&["a.jsonl"]);
    let manifest: Value = serde_json::from_slice(&place.files("exported")["manifest.json"]).unwrap();
    assert!(manifest["not_after"].is_string(), "{manifest}");
    // Off is for good: what it admitted stays.
    let off = Place::new();
    off.file("a.jsonl", lines(&[with(failure("r2", 1), json!({"ts": "9000-01-01T00:00:00Z"}))]));
    off.ingest(&["a.jsonl", "--not-after", "off"]);
    off.equals_a_replay_of(&["a.jsonl"]);
    assert_eq!(off.status()["facts"], 1);
    off.ingest(&["a.jsonl"]);
    off.ends(2, &["ingest", "a.jsonl", "--store", "s", "--not-after", "2026-02-02T00:00:00Z"]);
}

#[test]
fn rates_of_bad_lines_are_told_by_source() {
    let place = Place::new();
    let conflict = with(failure("r1", 2), json!({"event_id": "e1"}));
    place.file("in/a.jsonl", lines(&[failure("r1", 1), failure("r1", 3), conflict]) + "junk\n\n");
    place.file("in/b.jsonl", lines(&[failure("r2", 1)]));
    place.ingest(&["in"]);
    let bad = place.source("a.jsonl");
    assert_eq!((&bad["rejected"], &bad["lines"], &bad["blank"]), (&2.into(), &5.into(), &1.into()));
    assert_eq!((&bad["bad_ppm"], &place.source("b.jsonl")["bad_ppm"]), (&500_000.into(), &0.into()));
    let said = place.ends(0, &["store", "status", "--store", "s"]).stdout;
    assert!(said.contains("50.00 %  a.jsonl"), "{said}");
}

#[test]
fn exit_codes_tell_conflicts_unknown_positions_and_places_without_a_store() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r1", 1)]));
    place.ends(0, &["ingest", "a.jsonl", "--store", "s", "--deny-quarantine"]);
    place.file("b.jsonl", lines(&[with(failure("r1", 2), json!({"event_id": "e1"}))]));
    place.ends(100, &["ingest", "b.jsonl", "--store", "s", "--deny-quarantine"]);
    let [conflict] = positions(&place)[..] else { panic!() };
    let retried = place.json(&["store", "quarantine", "retry", &conflict.to_string(), "--store", "s"]);
    assert_eq!((&retried["admitted"], &retried["still_rejected"]), (&json!([]), &json!(1)));
    for verb in ["show", "retry"] {
        let ended = place.ends(2, &["store", "quarantine", verb, "999", "--store", "s"]);
        assert!(ended.stderr.contains("no quarantined line has the position 999"), "{}", ended.stderr);
    }
    let ended = place.ends(3, &["store", "quarantine", "retry", "--store", "elsewhere"]);
    assert!(ended.stderr.contains("no store at `elsewhere`") && !place.path("elsewhere").exists(), "{}", ended.stderr);
}
