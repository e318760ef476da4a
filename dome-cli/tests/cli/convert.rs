//! `dome convert`.

use crate::harness::{Place, count, project};

#[test]
fn the_shipped_runs_convert_and_replay() {
    let place = Place::new();
    let shipped = project("dome-adapters/data/terminal-bench");
    let converted = place.dome(&["convert", "terminal-bench", shipped.to_str().unwrap(), "--out", "night.jsonl"], b"");
    assert_eq!(converted.code, 0, "{}", converted.stderr);
    let codes = place.file("codes.json", place.dome(&["convert", "--reason-codes", "terminal-bench"], b"").stdout);
    let args = ["replay", "night.jsonl", "--reason-codes", codes.to_str().unwrap(), "--out", "o", "--deny-quarantine"];
    let replayed = place.dome(&args, b"");
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    let capsules = place.files("o").remove("capsules.jsonl").unwrap();
    let contradicted = |line: &str| {
        let capsule: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(capsule.get("reason_code_known").unwrap(), true, "{line}");
        capsule.get("contradiction_count").unwrap().as_u64().unwrap() > 0
    };
    assert!(String::from_utf8(capsules).unwrap().lines().filter(|line| contradicted(line)).count() > 0);
}

#[test]
fn formats_and_their_codes_are_listed() {
    let place = Place::new();
    assert!(place.dome(&["convert", "--list"], b"").stdout.contains("\nterminal-bench "));
    let codes = place.dome(&["convert", "--reason-codes", "terminal-bench"], b"").stdout;
    assert!(dome_core::CodeTable::parse(codes.as_bytes()).is_ok());
    let unknown = place.dome(&["convert", "terminal_bench", "x"], b"");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("`terminal-bench`"), "{}", unknown.stderr);
}

#[test]
fn real_runs_convert_without_loss() {
    let Some(real) = std::env::var_os("DOME_REAL_DATA") else {
        println!("skipped: DOME_REAL_DATA is not set");
        return;
    };
    let place = Place::new();
    let input = std::path::Path::new(&real).join("terminal-bench");
    let converted = place.dome(&["convert", "terminal-bench", input.to_str().unwrap(), "--out", "all.jsonl"], b"");
    assert_eq!(converted.code, 0, "{}", converted.stderr);
    assert_eq!(place.dome(&["replay", "all.jsonl", "--out", "o"], b"").code, 0);
    let files = place.files("o");
    let manifest = files.get("manifest.json").unwrap();
    assert_eq!(["lines", "facts", "quarantined"].map(|name| count(manifest, name)), [3_440, 3_440, 0]);
}
