//! `dome explain`.
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use serde_json::Value;

use super::golden::replayed;
use crate::harness::{Ended, Place};

fn explain(place: &Place, key: &str, more: &[&str]) -> Ended {
    place.dome(&[&["explain", key, "--from", "o"], more].concat(), b"")
}

fn told(place: &Place, key: &str) -> Value {
    let ended = explain(place, key, &["--format", "json"]);
    assert_eq!(ended.code, 0, "{key}: {}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

fn rows(place: &Place, file: &str) -> Vec<Value> {
    let files = place.files("o");
    let text = str::from_utf8(files.get(file).unwrap()).unwrap();
    text.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
}

fn text(row: &Value, pointer: &str) -> String {
    row.pointer(pointer).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn explain_adds_up_to_every_capsule_of_the_golden_snapshot() {
    let place = replayed();
    for capsule in rows(&place, "capsules.jsonl") {
        let story = told(&place, &text(&capsule, "/derived_key"));
        assert_eq!(story.pointer("/capsule/capsule"), Some(&capsule), "the row comes again from its excerpt");
        let mut counters: BTreeMap<&str, i64> = BTreeMap::new();
        for step in story.pointer("/capsule/facts").unwrap().as_array().unwrap() {
            for change in step["changes"].as_array().unwrap().iter().filter(|change| change.get("of").is_none()) {
                *counters.entry(change["counter"].as_str().unwrap()).or_default() += change["by"].as_i64().unwrap();
            }
        }
        assert!(counters["support_count"] > 0);
        for (name, count) in counters {
            assert_eq!(capsule.get(name).and_then(Value::as_i64), Some(count), "{name}");
        }
    }
}

#[test]
fn explain_names_source_and_line_of_every_fact() {
    let place = replayed();
    for row in rows(&place, "lineage.jsonl") {
        let line = row.pointer("/source/line").unwrap();
        let by_place = told(&place, &format!("{}:{line}", text(&row, "/source/name")));
        assert_eq!(by_place.pointer("/fact/fact/digest"), row.get("digest"));
        assert_eq!(by_place.pointer("/fact/fact/source"), row.get("source"));
    }
}

#[test]
fn explain_says_what_became_of_rejected_and_unlisted_lines() {
    let place = replayed();
    for row in rows(&place, "quarantine.jsonl").into_iter().take(5) {
        let line = row.pointer("/source/line").unwrap();
        let story = told(&place, &format!("{}:{line}", text(&row, "/source/name")));
        assert_eq!(story.get("rejected"), Some(&row));
        assert_eq!(told(&place, &text(&row, "/sha256")).get("subject").unwrap(), "rejected");
    }
    let nowhere = explain(&place, "a.jsonl:99999", &[]);
    assert_eq!(nowhere.code, 0, "{}", nowhere.stderr);
    assert!(nowhere.stdout.contains("neither a fact nor rejected"), "{}", nowhere.stdout);
    place.file("one.jsonl", dome_core::EXAMPLE_LINE);
    place.dome(&["replay", "one.jsonl", "--out", "o", "--force"], b"");
    let nothing = explain(&place, "one.jsonl:2", &[]);
    assert!(nothing.stdout.contains("there is no such line"), "{}", nothing.stdout);
    assert_eq!((nothing.code, explain(&place, "one.jsonl:2", &["--require-match"]).code), (1, 4));
}

#[test]
fn explain_takes_the_start_of_a_hash_and_asks_back_when_a_name_is_shared() {
    let place = Place::new();
    let line = str::from_utf8(dome_core::EXAMPLE_LINE).unwrap();
    place.file("a.jsonl", format!("{line}\n{}\n", line.replace("nightly-7", "nightly-8")));
    assert_eq!(place.dome(&["replay", "a.jsonl", "--out", "o"], b"").code, 0);
    let key = text(&rows(&place, "capsules.jsonl")[0], "/derived_key");
    for digits in [8, 12, 63, 64] {
        assert_eq!(told(&place, &key[..digits]).pointer("/capsule/key").unwrap(), key.as_str());
    }
    let shared = explain(&place, "e1", &[]);
    assert_eq!(shared.code, 2);
    assert!(shared.stderr.contains("nightly-7/e1") && shared.stderr.contains("nightly-8/e1"), "{}", shared.stderr);
    assert_eq!(told(&place, "nightly-8/e1").pointer("/fact/fact/run_id").unwrap(), "nightly-8");
    let short = explain(&place, &key[..7], &[]);
    assert_eq!(short.code, 1);
    assert!(short.stderr.contains("needs 8 hex digits"), "{}", short.stderr);
    let none = explain(&place, "e2", &["--require-match"]);
    assert_eq!(none.code, 4);
    assert!(none.stderr.contains("near it: `e1`"), "{}", none.stderr);
}

#[test]
fn explain_tells_people_the_counters_the_rules_and_the_thresholds() {
    let place = replayed();
    let capsules = rows(&place, "capsules.jsonl");
    let contradicted = capsules.iter().find(|row| row.get("contradiction_count").unwrap().as_u64() > Some(0)).unwrap();
    let shown = explain(&place, &text(contradicted, "/derived_key"), &[]).stdout;
    for part in
        ["support_count +1, run_count +1 (M-80)", "contradiction_count +1", "(M-82)", "min_support 2", "a.jsonl:"]
    {
        assert!(shown.replace("\n          ", " ").contains(part), "{part}: {shown}");
    }
    for key in ["/line_key", "/concept_key"] {
        let shown = explain(&place, &text(contradicted, key), &[]).stdout;
        assert!(shown.contains(&text(contradicted, "/derived_key")[..12]), "{shown}");
    }
    let fact = explain(&place, &text(contradicted, "/first_fact"), &[]).stdout;
    assert!(fact.contains("became fact") && fact.contains("minted under mode"), "{fact}");
}

#[test]
fn messages_do_not_steer_the_terminal_that_shows_them() {
    let place = Place::new();
    let line = str::from_utf8(dome_core::EXAMPLE_LINE).unwrap();
    let envelope: Value = serde_json::from_str(line).unwrap();
    let message = "\u{1b}]0;title\u{7}x\n::error::forged";
    let mut said = envelope.clone();
    said["message"] = Value::from(message);
    let bad = line.replace("\"task_id\"", "\"\\u001b\\n::error::id\"");
    place.file("a.jsonl", format!("{said}\n{bad}\n"));
    assert_eq!(place.dome(&["replay", "a.jsonl", "--out", "o"], b"").code, 0);
    for (key, escape) in [("a.jsonl:1", "\\u{1b}]0;title\\u{7}x"), ("a.jsonl:2", "\\u{1b}")] {
        let shown = explain(&place, key, &[]);
        assert_eq!(shown.code, 0, "{}", shown.stderr);
        let acts = |found: char| found.is_control() && found != '\n';
        assert!(!shown.stdout.contains(acts) && !shown.stdout.contains("\n::"), "{}", shown.stdout);
        assert!(shown.stdout.contains(escape), "{}", shown.stdout);
    }
}
