//! `dome plan` and `dome diff`, on collection errors of a real CI log.

use serde_json::Value;

use crate::harness::{Place, project};

/// The history, replayed by v1 into `o` and by v2 into `o2`.
fn replayed() -> Place {
    let place = Place::new();
    let input = project("dome-cli/tests/data/missing-module.jsonl");
    let input = input.to_str().unwrap();
    for (out, binder) in [("o", "v1"), ("o2", "v2")] {
        let ended = place.dome(&["replay", input, "--out", out, "--binder-version", binder], b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    place
}

fn json(place: &Place, args: &[&str]) -> Value {
    let ended = place.dome(&[args, &["--format", "json"]].concat(), b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn a_plan_shows_what_v2_joins_and_writes_nothing() {
    let place = replayed();
    let before = place.files("");
    let plan = json(&place, &["plan", "--against", "o", "--binder-version", "v2"]);
    assert_eq!(plan["comparison"]["summary"], "6 capsules merged into 3");
    assert_eq!(plan["comparison"]["regrouped"][0]["example"]["one"]["source"]["line"], 5);
    assert_eq!(plan["comparison"]["regrouped"][0]["example"]["other"]["source"]["line"], 6);
    let human = place.dome(&["plan", "--against", "o", "--binder-version", "v2"], b"").stdout;
    for said in ["6 capsules merged into 3\n", "v2 (experimental)", "No module named <str>", "nothing was written"] {
        assert!(human.contains(said), "{human}");
    }
    assert!(place.files("") == before, "a plan writes nothing");
    let diff = json(&place, &["diff", "o", "o2"]);
    assert_eq!(diff["comparison"], plan["comparison"], "what was planned is what a replay gives");
    assert_eq!((&diff["b"], &diff["a"]), (&plan["planned"], &plan["against"]));
}

#[test]
fn an_old_key_resolves_to_the_new_ones() {
    let place = replayed();
    let plan = json(&place, &["plan", "--against", "o", "--binder-version", "v2"]);
    let rows = |out: &str| -> Vec<Value> {
        let bytes = place.files(out).remove("capsules.jsonl").unwrap();
        String::from_utf8(bytes).unwrap().lines().map(|row| serde_json::from_str(row).unwrap()).collect()
    };
    let (old, new) = (rows("o"), rows("o2"));
    let keys = plan["keys"].as_array().unwrap();
    assert!(keys.iter().map(|key| &key["derived_key"]).eq(old.iter().map(|row| &row["derived_key"])));
    for key in keys {
        let became = &key["becomes"][0];
        assert!(new.iter().any(|row| row["derived_key"] == became["derived_key"]), "{key}");
        assert_eq!(became["fact_count"], key["fact_count"]);
    }
    let first = old[0]["derived_key"].as_str().unwrap();
    let shown = place.dome(&["plan", "--against", "o", "--binder-version", "v2", "--key", &first[..12]], b"").stdout;
    assert!(
        shown.starts_with(first) && shown.contains(keys[0]["becomes"][0]["derived_key"].as_str().unwrap()),
        "{shown}"
    );
    for (key, said) in [("0000000000", "no capsule"), ("00", "at least 6")] {
        let ended = place.dome(&["plan", "--against", "o", "--key", key], b"");
        assert_eq!(ended.code, 3);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn a_plan_with_the_rules_of_the_result_changes_nothing() {
    let place = replayed();
    let input = project("dome-cli/tests/data/missing-module.jsonl");
    for (against, more) in [("o", &[][..]), ("o2", &[]), ("o", &[input.to_str().unwrap()])] {
        let plan = json(&place, &[&["plan", "--against", against], more].concat());
        assert_eq!(plan["comparison"]["summary"], "no difference", "{against}");
    }
}

#[test]
fn a_plan_takes_inputs_policy_mode_and_codes() {
    let place = replayed();
    let mut policy: Value = json(&place, &["schema", "policy"]);
    assert!(policy["properties"].is_object());
    let manifest: Value = serde_json::from_slice(&place.files("o")["manifest.json"]).unwrap();
    policy = manifest["policy"].clone();
    policy["max_staleness_s"] = 0.into();
    place.file("policy.json", policy.to_string());
    let plan = json(&place, &["plan", "--against", "o", "--policy", "policy.json"]);
    let changed = plan["comparison"]["changed"].to_string();
    assert!(changed.contains("stale"), "{changed}");
    let mut more =
        String::from_utf8(std::fs::read(project("dome-cli/tests/data/missing-module.jsonl")).unwrap()).unwrap();
    let one = more.lines().next().unwrap().replace("ci-log-debug", "ci-log-more").replace("\"failure\"", "\"anomaly\"");
    more.push_str(&one);
    place.file("more.jsonl", more);
    let plan = json(&place, &["plan", "more.jsonl", "--against", "o"]);
    let summary = &plan["comparison"]["summary"];
    assert_eq!(summary, "1 fact added; 2 capsules changed", "it mints nothing under strict, and is an execution");
    place.file("bad.jsonl", "{}\n");
    let noted = place.dome(&["plan", "more.jsonl", "bad.jsonl", "--against", "o"], b"");
    assert!(noted.code == 0 && noted.stderr.contains("bad lines left out: 1"), "{}", noted.stderr);
    let plan = json(&place, &["plan", "more.jsonl", "--against", "o", "--mode", "lenient"]);
    let summary = plan["comparison"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("1 fact added; 2 capsules changed"), "{summary}");
}

#[test]
fn a_diff_ends_with_100_only_when_asked() {
    let place = replayed();
    for (args, code, said) in [
        (&["diff", "o", "o"][..], 0, "no difference\n"),
        (&["diff", "o", "o", "--fail-on-difference"], 0, "no difference\n"),
        (&["diff", "o2", "o"], 0, "3 capsules split into 6\n"),
        (&["diff", "o2", "o", "--fail-on-difference"], 100, "3 capsules split into 6\n"),
    ] {
        let ended = place.dome(args, b"");
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.stdout.starts_with(said), "{}", ended.stdout);
    }
}

#[test]
fn nothing_is_said_of_a_result_that_was_edited() {
    for file in ["capsules.jsonl", "concepts.jsonl", "views/mv_recent_failures_by_taskspec.jsonl"] {
        let place = replayed();
        let path = place.path("o").join(file);
        let rows = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, rows.replacen("\"task\"", "\"run\"", 1).replacen("advisory", "prescriptive", 1) + "\n")
            .unwrap();
        for args in
            [&["diff", "o", "o2"][..], &["diff", "o2", "o"], &["plan", "--against", "o", "--binder-version", "v2"]]
        {
            let ended = place.dome(args, b"");
            assert_eq!(ended.code, 3, "{args:?} {file}: {}", ended.stderr);
            assert!(ended.stderr.contains("is not the file that the manifest names"), "{}", ended.stderr);
        }
    }
}

#[test]
fn an_experimental_binder_is_marked() {
    let place = replayed();
    let manifest = |out: &str| -> Value { serde_json::from_slice(&place.files(out)["manifest.json"]).unwrap() };
    let (v1, v2) = (manifest("o"), manifest("o2"));
    assert_eq!((v1.get("experimental"), &v2["experimental"]), (None, &Value::Bool(true)));
    assert_eq!([&v2["binder_version"], &v2["fingerprint_version"], &v2["normalizer_version"]], ["v2", "2", "2"]);
    place.file("dome.toml", "[replay]\nbinder-version = \"v2\"\n");
    place.file("a.jsonl", dome_core::EXAMPLE_LINE);
    assert_eq!(place.dome(&["replay", "a.jsonl", "--out", "o3"], b"").code, 0);
    assert_eq!(manifest("o3")["binder_version"], "v2", "a setting");
    assert!(place.dome(&["replay", "--help"], b"").stdout.contains("v2 is experimental"));
    let ended = place.dome(&["replay", "x", "--out", "y", "--binder-version", "v3"], b"");
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("expected `v1` or `v2`"), "{}", ended.stderr);
}

#[test]
fn a_result_that_was_edited_is_not_compared() {
    let place = replayed();
    let facts = place.files("o").remove("facts.jsonl").unwrap();
    let lines: Vec<&[u8]> = facts.split_inclusive(|byte| *byte == b'\n').collect();
    place.file("o/facts.jsonl", lines[1..].concat());
    let cut = place.dome(&["diff", "o", "o2"], b"");
    assert_eq!(cut.code, 3);
    assert!(cut.stderr.contains("cut short: 11 of 12 lines") && cut.stderr.contains("dome verify o"), "{}", cut.stderr);
    place.file("o/facts.jsonl", String::from_utf8(facts).unwrap().replace("unit-tests", "UNIT-tests"));
    let edited = place.dome(&["plan", "--against", "o"], b"");
    assert_eq!(edited.code, 3);
    assert!(edited.stderr.contains("not the file that the manifest names"), "{}", edited.stderr);
    place.file("o2/manifest.json", "{\"format_version\":\"9\"}");
    let other = place.dome(&["diff", "o2", "o2"], b"");
    assert_eq!(other.code, 3);
    assert!(other.stderr.contains("found \"9\""), "{}", other.stderr);
}
