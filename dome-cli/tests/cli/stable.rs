//! The test plan's items on sameness: replays, fingerprints, queries.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::harness::{Place, golden};

/// Places that a process may find itself in.
const WORLDS: [[(&str, &str); 3]; 4] = [
    [("TZ", "UTC"), ("LC_ALL", "C"), ("LANG", "C")],
    [("TZ", "Asia/Kathmandu"), ("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8")],
    [("TZ", "America/New_York"), ("LC_ALL", "de_DE.ISO-8859-1"), ("LANG", "")],
    [("TZ", "Pacific/Chatham"), ("LC_ALL", "ja_JP.UTF-8"), ("LANG", "ja_JP.UTF-8")],
];

/// Runs `dome` here in one of the worlds; what it printed.
fn dome(place: &Place, world: [(&str, &str); 3], args: &[&str]) -> String {
    let ended = Command::new(env!("CARGO_BIN_EXE_dome"))
        .args(args)
        .current_dir(place.path(""))
        .envs(world)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap()
}

fn replay(place: &Place, world: [(&str, &str); 3], inputs: &[&str], out: &str, threads: &str) {
    let codes = golden("reason-codes.json");
    let codes = codes.to_str().unwrap();
    let args = [&["replay"], inputs, &["--out", out, "--reason-codes", codes, "--threads", threads, "--force"]];
    dome(place, world, &args.concat());
}

fn rows(place: &Place, file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(place.path(file)).unwrap();
    text.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
}

fn member(row: &Value, name: &str) -> String {
    row.get(name).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn test_plan_2_replayed_twice_there_are_no_duplicate_derived_rows() {
    let (place, input) = (Place::new(), golden("input"));
    let input = input.to_str().unwrap();
    replay(&place, WORLDS[0], &[input], "o", "2");
    let first = place.files("o");
    replay(&place, WORLDS[1], &[input], "o", "2");
    assert!(first == place.files("o"), "the same result again");
    // The snapshot onto itself: every line a second time, and every fact a third time.
    let facts: Vec<String> =
        rows(&place, "o/facts.jsonl").iter().map(|row| format!("{}\n", row.get("envelope").unwrap())).collect();
    place.file("again.jsonl", facts.concat());
    replay(&place, WORLDS[2], &[input, input, "again.jsonl"], "p", "2");
    let second = place.files("p");
    for file in ["facts.jsonl", "capsules.jsonl", "concepts.jsonl"] {
        assert!(first.get(file) == second.get(file), "{file}");
    }
    assert!(
        first.iter().filter(|(name, _)| name.starts_with("views/")).all(|(name, rows)| second.get(name) == Some(rows))
    );
    for (file, key) in [("capsules.jsonl", "derived_key"), ("concepts.jsonl", "concept_key"), ("facts.jsonl", "digest")]
    {
        let rows = rows(&place, &format!("p/{file}"));
        let keys: BTreeSet<String> = rows.iter().map(|row| member(row, key)).collect();
        assert!(keys.len() == rows.len() && !rows.is_empty(), "{file}: a key stands once");
    }
}

#[test]
fn test_plan_3_identical_canonical_inputs_have_identical_fingerprint_hashes() {
    let (place, input) = (Place::new(), golden("input"));
    let mut by_input: BTreeMap<String, String> = BTreeMap::new();
    let mut seen = 0;
    for (number, world) in WORLDS.into_iter().enumerate() {
        for threads in ["1", "2", "7"] {
            let out = format!("o{number}-{threads}");
            replay(&place, world, &[input.to_str().unwrap()], &out, threads);
            for row in rows(&place, &format!("{out}/facts.jsonl")) {
                let (canonical, hash) = (row.get("envelope").unwrap().to_string(), member(&row, "fingerprint_hash"));
                seen += 1;
                assert_eq!(by_input.entry(canonical).or_insert_with(|| hash.clone()), &hash, "{world:?} {threads}");
            }
            assert!(place.files(&out) == place.files("o0-1"), "{world:?}, {threads} threads");
        }
    }
    assert_eq!(seen, by_input.len() * 12, "every process saw every input");
}

#[test]
fn test_plan_5_identical_snapshot_and_filters_give_identical_bytes() {
    let (place, input) = (Place::new(), golden("input"));
    let [a, b] = ["a.jsonl", "b.jsonl"].map(|name| input.join(name));
    replay(&place, WORLDS[0], &[a.to_str().unwrap(), b.to_str().unwrap()], "o", "1");
    replay(&place, WORLDS[3], &[b.to_str().unwrap(), a.to_str().unwrap()], "p", "7");
    for (view, filters) in [
        ("recent-failures", vec!["--failure-reason-code", "TESTS_FAILED", "--since", "2026-02-01T00:00:00Z"]),
        ("gate-rollup", vec!["--scope", "task"]),
        ("guard-denials", vec!["--until", "2026-12-01T00:00:00Z"]),
        ("recent-failures", vec![]),
    ] {
        for format in ["human", "json"] {
            let asked = |world, from| {
                let args = [&["query", view, "--from", from, "--limit", "5", "--format", format], filters.as_slice()];
                dome(&place, world, &args.concat())
            };
            let expected = asked(WORLDS[0], "o");
            assert!(expected.lines().count() > 1, "{view} {filters:?} finds something: {expected}");
            for world in WORLDS {
                assert_eq!(asked(world, "o"), expected);
                assert_eq!(asked(world, "p"), expected, "the same facts from files in another order");
            }
        }
    }
}
