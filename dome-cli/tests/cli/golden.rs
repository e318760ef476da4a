//! The golden snapshots, replayed by the command: on several threads, and through a store.

use crate::harness::{Place, golden, project};

/// A place where `o` is the result of the small case.
pub(crate) fn replayed() -> Place {
    let place = Place::new();
    let (input, codes) = (golden("input"), golden("reason-codes.json"));
    let [input, codes] = [&input, &codes].map(|path| path.to_str().unwrap());
    let ended = place.dome(&["replay", input, "--reason-codes", codes, "--out", "o"], b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    place
}

/// Artifacts that a golden case expects.
const FILES: [&str; 6] = [
    "facts.jsonl",
    "capsules.jsonl",
    "concepts.jsonl",
    "views/mv_recent_failures_by_taskspec.jsonl",
    "views/mv_gate_rollup_by_failure_reason_code.jsonl",
    "views/mv_guard_denials_by_policy_reason_code.jsonl",
];

/// Holds results of one case to what is expected, byte for byte.
struct GoldenCase {
    input: String,
    expected: std::path::PathBuf,
    flags: Vec<String>,
}

fn case(name: &str, input: &str, way: &str, flags: &[&str]) -> GoldenCase {
    let folder = project("xtrlv2-fixtures/golden").join(name);
    let path = |file: &str| folder.join(file).to_str().unwrap().to_owned();
    let mut all = vec!["--no-builtin-codes".to_owned(), "--reason-codes".to_owned(), path("reason-codes.json")];
    for flag in flags {
        all.push(if *flag == "policy.json" { path(flag) } else { (*flag).to_owned() });
    }
    GoldenCase { input: path(input), expected: folder.join("expected").join(way), flags: all }
}

fn cases() -> Vec<GoldenCase> {
    let lenient = ["--mode", "lenient", "--policy", "policy.json"];
    let mut all = vec![
        case("small", "input", "declared", &[]),
        case("small", "input", "strict", &["--mode", "strict"]),
        case("small", "input", "lenient-later", &[&lenient[..], &["--as-of", "2026-03-27T00:00:05Z"]].concat()),
    ];
    for dense in ["dense-100", "dense-106", "dense-129"] {
        all.push(case(dense, "input.jsonl", "declared", &[]));
        all.push(case(dense, "input.jsonl", "lenient", &lenient));
    }
    all
}

impl GoldenCase {
    fn holds(&self, place: &Place, out: &str, args: &[&str]) {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let ended = place.dome(&[&["replay", &self.input, "--out", out], args, &flags].concat(), b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        self.is_in(place, out);
    }

    fn is_in(&self, place: &Place, out: &str) {
        let found = place.files(out);
        for file in FILES {
            let expected = std::fs::read(self.expected.join(file)).unwrap();
            assert!(found[file] == expected, "{file} in {out} is not that of {}", self.expected.display());
        }
        let manifest: serde_json::Value = serde_json::from_slice(&found["manifest.json"]).unwrap();
        let counts: serde_json::Value =
            serde_json::from_slice(&std::fs::read(self.expected.join("counts.json")).unwrap()).unwrap();
        for (name, count) in counts.as_object().unwrap() {
            assert_eq!(&manifest["counts"][name], count, "{name} in {out}");
        }
        assert_eq!(manifest["model_version"], "2");
    }
}

#[test]
fn m120_every_golden_case_on_one_two_and_five_threads() {
    let place = Place::new();
    for (number, case) in cases().iter().enumerate() {
        for threads in ["1", "2", "5"] {
            case.holds(&place, &format!("o{number}-{threads}"), &["--threads", threads]);
        }
    }
}

#[test]
fn m120_every_golden_case_through_a_store() {
    let place = Place::new();
    for (number, case) in cases().iter().enumerate() {
        let (store, out) = (format!("s{number}"), format!("o{number}"));
        let mut flags: Vec<&str> = case.flags.iter().map(String::as_str).collect();
        // A store measures staleness when it is asked.
        let as_of = flags.iter().position(|flag| *flag == "--as-of").map(|at| flags.drain(at..at + 2).collect());
        let as_of: Vec<&str> = as_of.unwrap_or_default();
        let given = ["ingest", &case.input, "--store", &store, "--redact", "off", "--not-after", "off"];
        let ended = place.dome(&[&given, &flags[..]].concat(), b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let export = ["store", "export", "--store", &store, "--out", &out];
        let ended = place.dome(&[&export, &as_of[..]].concat(), b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        case.is_in(&place, &out);
    }
}
