//! The model's golden vectors, byte for byte.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use dome_core::{Fingerprint, Keys, canonical, message_template, normal_version, read};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../xtrlv2-fixtures/golden/vectors.json")).unwrap()
}

fn cases<'v>(vectors: &'v Value, name: &str) -> &'v [Value] {
    vectors[name].as_array().unwrap()
}

#[test]
fn m40_m50_m60_envelopes_have_the_golden_bytes_and_keys() {
    let vectors = vectors();
    for case in cases(&vectors, "envelopes") {
        let envelope = read(case["input"].to_string().as_bytes()).unwrap();
        let canonical = envelope.to_canonical();
        assert_eq!(str::from_utf8(&canonical).unwrap(), case["canonical"]);
        let fingerprint = canonical::to_vec(&Fingerprint::of(&envelope)).unwrap();
        assert_eq!(str::from_utf8(&fingerprint).unwrap(), case["fingerprint"]);
        let keys = Keys::of(&envelope);
        for (name, key) in [
            ("digest", keys.digest),
            ("fingerprint_hash", keys.fingerprint_hash),
            ("idempotency_key", keys.idempotency),
            ("derived_key", keys.derived),
            ("line_key", keys.line),
            ("concept_key", keys.concept),
        ] {
            assert_eq!(key.to_string(), case[name], "{name} of {}", envelope.event_id);
        }
    }
}

#[test]
fn m53_messages_have_the_golden_templates() {
    let vectors = vectors();
    for case in cases(&vectors, "templates") {
        assert_eq!(message_template(case["message"].as_str().unwrap()), case["template"].as_str().unwrap());
    }
}

#[test]
fn m51_versions_have_the_golden_forms() {
    let vectors = vectors();
    for case in cases(&vectors, "versions") {
        let input = case["input"].as_str().unwrap();
        assert_eq!(normal_version(input), case["output"].as_str().unwrap(), "{input:?}");
    }
}

/// Every line of the golden snapshot: rejected with the golden code, or accepted.
///
/// The codes that come from settling a run (M-41) are not of this crate.
#[test]
fn m30_lines_are_rejected_with_the_golden_codes() {
    let expected: std::collections::BTreeMap<u64, &str> =
        include_str!("../../xtrlv2-fixtures/golden/small/expected/strict/quarantined.txt")
            .lines()
            .map(|row| row.rsplit_once(' ').unwrap())
            .map(|(place, code)| (place.split([':', ' ']).nth(1).unwrap().parse().unwrap(), code))
            .filter(|(_, code)| !code.ends_with("_conflict") || *code == "alias_conflict")
            .collect();
    let input = include_bytes!("../../xtrlv2-fixtures/golden/small/input/b.jsonl");
    let mut found = 0;
    for (line, number) in input.split(|byte| *byte == b'\n').zip(1_u64..) {
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let codes: Vec<String> = match read(line) {
            Ok(_) => Vec::new(),
            Err(rejection) => rejection.problems().iter().map(|problem| problem.code.to_string()).collect(),
        };
        match expected.get(&number) {
            Some(code) => assert!(codes.contains(&(*code).to_owned()), "line {number}: {code} not in {codes:?}"),
            None => assert_eq!(codes, [] as [String; 0], "line {number}"),
        }
        found += usize::from(!codes.is_empty());
    }
    assert_eq!(found, expected.len());
}
