//! The tests of the plan that belong to the store, each under its own name.

use serde_json::Value;

use super::feed::{NOT_AFTER, exports_as, ingest, ingest_args, is_sound, lines, replay, spread, status};
use crate::harness::{Place, count};

fn rows(place: &Place, file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(place.path(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn replay_equality_the_same_snapshot_yields_the_same_stored_facts_in_any_batches_and_order() {
    let place = Place::new();
    for (seed, batch) in [(1, "1"), (2, "13"), (3, "1000")] {
        spread(&place, &lines(1, seed));
        let (store, replayed) = (format!("s{seed}"), format!("r{seed}"));
        replay(&place, "in", &replayed);
        assert_eq!(place.dome(&ingest_args(&store, batch), b"").code, 0);
        is_sound(&place, &store);
        exports_as(&place, &store, &replayed);
        let before = place.files(&format!("{store}/log"));
        ingest(&place, &store);
        assert!(before == place.files(&format!("{store}/log")), "l2: the same input again adds nothing");
        let facts = |replayed: &str| std::fs::read(place.path(replayed).join("facts.jsonl")).unwrap();
        assert!(facts(&replayed) == facts("r1"), "l1: order changes nothing");
    }
}

#[test]
fn quarantine_invalid_wrappers_keep_their_bytes_and_every_reason_and_the_rest_is_stored() {
    let place = Place::new();
    let bad = "{\"envelope_version\":\"1\",\"signal\":\"failed\",\"sequence\":0}";
    let input = [bad.as_bytes(), b"\n", dome_core::EXAMPLE_LINE, b"\n\xff\xfe\n"].concat();
    place.file("in/a.jsonl", &input);
    let args = [ingest_args("s", "1000"), vec!["--deny-quarantine"]].concat();
    assert_eq!(place.dome(&args, b"").code, 100);
    let (code, found) = status(&place, "s");
    assert_eq!((code, found["facts"].as_u64(), found["quarantined"].as_u64()), (0, Some(1), Some(2)));
    assert_eq!(found["sources"][0]["bad_ppm"], 666_666);
    let list = place.dome(&["store", "quarantine", "list", "--store", "s", "--format", "json"], b"").stdout;
    let listed: Vec<Value> = list.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed[1]["codes"][0], "utf8_invalid");
    let position = listed[0]["position"].to_string();
    let shown = place.dome(&["store", "quarantine", "show", &position, "--store", "s", "--format", "json"], b"");
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["raw"], bad);
    let expected = place.dome(&["check", "in/a.jsonl", "--format", "json"], b"").stdout;
    let expected = expected.lines().filter(|line| line.contains("\"line\":1,")).count();
    assert_eq!(shown["problems"].as_array().unwrap().len(), expected, "m30: all problems at once");
    replay(&place, "in", "replayed");
    exports_as(&place, "s", "replayed");
    let quarantine = rows(&place, "s-exported/quarantine.jsonl");
    assert_eq!(quarantine[0]["raw"], bad);
    assert_eq!(quarantine[1]["raw_base64"], "//4=");
    let manifest = std::fs::read(place.path("s-exported/manifest.json")).unwrap();
    assert_eq!(count(&manifest, "lines"), 3, "l3");
}

#[test]
fn quarantine_retry_admits_what_reads_well_now_where_it_stood() {
    let place = Place::new();
    place.file("in/a.jsonl", dome_core::EXAMPLE_LINE);
    let early = "2020-01-01T00:00:00Z";
    assert_eq!(place.dome(&["ingest", "in", "--store", "s", "--not-after", early], b"").code, 0);
    let retry =
        |until: &str| place.dome(&["store", "quarantine", "retry", "--store", "s", "--not-after", until], b"").stdout;
    assert_eq!(retry(early), "0 admitted, 1 still rejected\n");
    assert_eq!(retry(NOT_AFTER), "1 admitted, 0 still rejected\n");
    is_sound(&place, "s");
    replay(&place, "in", "replayed");
    exports_as(&place, "s", "replayed");
}

#[test]
fn semantics_split_a_denial_sets_policy_reason_code_and_leaves_failure_reason_code_alone() {
    let place = Place::new();
    // By the aliases: what comes in under another name is told apart all the same (M-13).
    let mut line: Value = serde_json::from_slice(dome_core::EXAMPLE_LINE).unwrap();
    let members = line.as_object_mut().unwrap();
    members.insert("signal".into(), "denial".into());
    members.remove("policy_reason_code");
    members.insert("guard_reason_code".into(), "WRITE_OUTSIDE_SCOPE".into());
    let spec = members.get_mut("task_spec").unwrap().as_object_mut().unwrap();
    spec.remove("failure_reason_code");
    spec.insert("reason_code".into(), "TESTS_FAILED".into());
    place.file("in/a.jsonl", line.to_string());
    ingest(&place, "s");
    is_sound(&place, "s");
    replay(&place, "in", "replayed");
    exports_as(&place, "s", "replayed");
    let fact = rows(&place, "s-exported/facts.jsonl").remove(0);
    assert_eq!(fact.pointer("/envelope/policy_reason_code").unwrap(), "WRITE_OUTSIDE_SCOPE");
    assert_eq!(fact.pointer("/envelope/task_spec/failure_reason_code").unwrap(), "TESTS_FAILED");
    let capsule = rows(&place, "s-exported/capsules.jsonl").remove(0);
    assert_eq!(capsule["failure_reason_code"], "TESTS_FAILED");
    assert_eq!(capsule["policy_reason_codes"], serde_json::json!({"WRITE_OUTSIDE_SCOPE": 1}));
    let recent = rows(&place, "s-exported/views/mv_recent_failures_by_taskspec.jsonl").remove(0);
    assert_eq!(
        (&recent["failure_reason_code"], &recent["policy_reason_code"]),
        (&"TESTS_FAILED".into(), &"WRITE_OUTSIDE_SCOPE".into())
    );
    let denials = rows(&place, "s-exported/views/mv_guard_denials_by_policy_reason_code.jsonl").remove(0);
    assert_eq!(denials["policy_reason_code"], "WRITE_OUTSIDE_SCOPE");
    assert_eq!(denials["failure_reason_codes"], serde_json::json!(["TESTS_FAILED"]));
    for file in place.files("s-exported").into_iter().filter(|(name, _)| name != "quarantine.jsonl") {
        let text = String::from_utf8(file.1).unwrap();
        assert!(!text.contains("guard_reason_code") && !text.contains("\"reason_code\""), "{}: no alias", file.0);
    }
}
