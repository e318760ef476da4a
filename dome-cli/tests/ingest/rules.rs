//! Rules of a store: mode, policy, reason codes; and compacting.

use serde_json::{Value, json};

use super::steps::{failure, lines, with};
use crate::harness::{Place, golden, project};

/// Facts whose verdicts hang on the policy, the codes and the mode.
fn store() -> Place {
    let place = Place::new();
    let success = |run: &str| {
        let members = json!({"signal": "success", "gates": [], "remedy": {"kind": "patch", "ref": "patches/1"}});
        with(failure(run, 2), members)
    };
    let observation = with(failure("r3", 1), json!({"signal": "observation", "gates": []}));
    place.file("a.jsonl", lines(&[failure("r1", 1), success("r1"), failure("r2", 1), success("r2"), observation]));
    let mut policy: Value = serde_json::from_slice(&std::fs::read(golden("policy.json")).unwrap()).unwrap();
    policy["min_support"] = 9.into();
    place.file("policy.json", policy.to_string());
    let codes = project("dome-adapters/src/terminal_bench/reason-codes.json");
    let codes = std::fs::read_to_string(codes).unwrap();
    let (first, rest) = codes.split_once("\"codes\": {").unwrap();
    place.file("codes.json", format!("{first}\"codes\": {{\"OURS_ALONE\": {{\"class\": \"repairable\"}},{rest}"));
    place.ingest(&["a.jsonl"]);
    place
}

/// The export is a replay by these flags.
fn is_replayed_by(place: &Place, flags: &[&str]) {
    let exported = place.exported();
    let manifest: Value = serde_json::from_str(&exported["manifest.json"]).unwrap();
    let not_after = manifest["not_after"].as_str().unwrap();
    let args = ["replay", "a.jsonl", "--out", "replayed", "--force", "--redact", "built-in", "--not-after", not_after];
    place.ends(0, &[&args, flags].concat());
    for (name, bytes) in place.files("replayed") {
        assert_eq!(exported[&name], String::from_utf8(bytes).unwrap(), "{name} {flags:?}");
    }
}

#[test]
fn rebuild_derives_everything_again_by_the_rules_that_are_given() {
    let place = store();
    is_replayed_by(&place, &[]);
    let mut flags = Vec::new();
    for given in [["--policy", "policy.json"], ["--mode", "lenient"], ["--reason-codes", "codes.json"]] {
        flags.extend(given);
        // What is not given stays.
        place.ends(0, &[&["store", "rebuild", "--store", "s"][..], &given].concat());
        is_replayed_by(&place, &flags);
    }
    place.file("b.jsonl", lines(&[failure("r9", 1)]));
    place.ends(0, &["store", "rebuild", "--store", "s"]);
    is_replayed_by(&place, &flags);
    place.ends(0, &["store", "rebuild", "--store", "s", "--defaults"]);
    is_replayed_by(&place, &[]);
}

#[test]
fn ingest_by_other_rules_is_refused_and_says_how_to_change_them() {
    let place = store();
    for flags in [["--mode", "lenient"], ["--policy", "policy.json"], ["--reason-codes", "codes.json"]] {
        let ended = place.ends(2, &[&["ingest", "a.jsonl", "--store", "s"][..], &flags].concat());
        assert!(ended.stderr.contains("`dome store rebuild --store s` with these flags"), "{}", ended.stderr);
    }
    place.ends(0, &["store", "rebuild", "--store", "s", "--mode", "lenient", "--policy", "policy.json"]);
    // The same as the store's: each alone, or both.
    place.ingest(&["a.jsonl", "--mode", "lenient"]);
    place.ingest(&["a.jsonl", "--policy", "policy.json"]);
    place.ingest(&["a.jsonl"]);
}

#[test]
fn compact_makes_the_index_smaller_and_leaves_the_log() {
    let place = store();
    let before = (place.log(), place.exported());
    let told = place.json(&["store", "compact", "--store", "s"]);
    assert!(told["bytes_after"].as_u64().unwrap() <= told["bytes_before"].as_u64().unwrap(), "{told}");
    assert!((place.log(), place.exported()) == before);
}
