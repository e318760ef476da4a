//! The golden snapshots, byte for byte.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Input, Mode, Outcome, Rules, replay};

macro_rules! golden {
    ($($path:expr),+) => {
        include_bytes!(concat!("../../../../xtrlv2-fixtures/golden/", $($path),+)).as_slice()
    };
}

/// What a replay of some input is expected to come to.
struct Expected {
    facts: &'static [u8],
    capsules: &'static [u8],
    concepts: &'static [u8],
    recent: &'static [u8],
    rollup: &'static [u8],
    denials: &'static [u8],
    counts: &'static [u8],
    quarantined: &'static [u8],
}

macro_rules! expected {
    ($case:literal, $name:literal) => {
        Expected {
            facts: golden!($case, "/expected/", $name, "/facts.jsonl"),
            capsules: golden!($case, "/expected/", $name, "/capsules.jsonl"),
            concepts: golden!($case, "/expected/", $name, "/concepts.jsonl"),
            recent: golden!($case, "/expected/", $name, "/views/mv_recent_failures_by_taskspec.jsonl"),
            rollup: golden!($case, "/expected/", $name, "/views/mv_gate_rollup_by_failure_reason_code.jsonl"),
            denials: golden!($case, "/expected/", $name, "/views/mv_guard_denials_by_policy_reason_code.jsonl"),
            counts: golden!($case, "/expected/", $name, "/counts.json"),
            quarantined: golden!($case, "/expected/", $name, "/quarantined.txt"),
        }
    };
}

/// Named files, the user's reason codes, and the policy of the replays that ask for one.
struct Case {
    files: Vec<(&'static str, &'static [u8])>,
    codes: &'static [u8],
    policy: &'static [u8],
}

macro_rules! dense {
    ($case:literal) => {
        Case {
            files: vec![("input.jsonl", golden!($case, "/input.jsonl"))],
            codes: golden!($case, "/reason-codes.json"),
            policy: golden!($case, "/policy.json"),
        }
    };
}

fn small() -> Case {
    Case {
        files: vec![("a.jsonl", golden!("small/input/a.jsonl")), ("b.jsonl", golden!("small/input/b.jsonl"))],
        codes: golden!("small/reason-codes.json"),
        policy: golden!("small/policy.json"),
    }
}

/// M-94.
pub(super) fn default_policy() -> Value {
    json!({
        "policy_version": "2", "min_support": 2, "min_run_count": 2, "min_confidence_ppm": 500_000,
        "max_staleness_s": 2_592_000, "max_contradiction_ppm": 250_000, "subject_window_s": 2_592_000,
        "proof_max": 300, "retry_storm_attempts": 4, "latency_factor": 3, "latency_min_excess_ms": 1_000,
        "latency_min_samples": 5, "latency_window": 20, "concept_min_support": 5, "concept_min_targets": 2,
    })
}

/// M-97: the pinned table with what the user's adds to it.
pub(super) fn codes(extension: &[u8]) -> Value {
    let pinned = xtrlv2_fixtures::V0_1.artifact("reason_codes.json").unwrap();
    let mut table: Value = serde_json::from_slice(pinned.bytes).unwrap();
    let extension: Value = serde_json::from_slice(extension).unwrap();
    table["prefixes"] = json!({});
    for part in ["codes", "prefixes"] {
        for (name, entry) in extension.get(part).and_then(Value::as_object).into_iter().flatten() {
            table[part][name] = entry.clone();
        }
    }
    table
}

/// A line that M-30 or M-41 keeps out, as `quarantined.txt` has it but for its code.
fn place(name: &str, line: &dome_core::Line<'_>) -> String {
    let digest = Sha256::digest(line.bytes);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}:{} {digest}", line.number)
}

#[derive(Default)]
struct Read {
    inputs: Vec<Input>,
    /// Lines that only settling can tell of, and what is expected of them.
    conflicting: Vec<((String, u64), &'static str)>,
    lines: usize,
    blank: usize,
}

/// Which lines are valid is not asked here: what is expected says so.
fn read(case: &Case, expected: &Expected) -> Read {
    let mut read = Read::default();
    let mut quarantined =
        str::from_utf8(expected.quarantined).unwrap().lines().map(|row| row.rsplit_once(' ').unwrap());
    let mut next = quarantined.next();
    for (name, bytes) in &case.files {
        for line in dome_core::lines(bytes, 1, 0) {
            read.lines += 1;
            if line.is_blank() {
                read.blank += 1;
                continue;
            }
            let source = ((*name).to_owned(), line.number);
            if let Some((_, code)) = next.filter(|(row, _)| *row == place(name, &line)) {
                next = quarantined.next();
                if !matches!(code, "event_id_conflict" | "idempotency_conflict") {
                    continue;
                }
                read.conflicting.push((source.clone(), code));
            }
            read.inputs.push(Input { value: serde_json::from_slice(line.bytes).unwrap(), source });
        }
    }
    assert_eq!(next, None, "a quarantined line that is not in the input");
    read
}

/// Row by row and member by member, so that a difference is small enough to read; the bytes decide.
fn same(what: &str, found: &[Value], expected: &[u8]) {
    let expected: Vec<&str> = str::from_utf8(expected).unwrap().split_terminator('\n').collect();
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let wanted: Value = serde_json::from_str(expected).unwrap();
        for (name, member) in wanted.as_object().unwrap() {
            assert_eq!(found.get(name), Some(member), "`{name}` of {what}, row {}: {wanted:#}", number + 1);
        }
        let bytes = dome_core::canonical::to_vec(found).unwrap();
        assert_eq!(str::from_utf8(&bytes).unwrap(), *expected, "{what}, row {}", number + 1);
    }
    assert_eq!(found.len(), expected.len(), "{what}: number of rows");
}

fn same_counts(read: &Read, outcome: &Outcome, expected: &Expected) {
    let mut found = json!({
        "blank": read.blank, "capsules": outcome.capsules.len(), "concepts": outcome.concepts.len(),
        "facts": outcome.facts.len(), "lines": read.lines,
        "quarantined": read.lines - read.blank - read.inputs.len() + outcome.conflicts.len(),
    });
    for name in ["applied_too_early", "applied_unknown", "duplicates"] {
        found[name] = outcome.counts[name].clone();
    }
    assert_eq!(found, serde_json::from_slice::<Value>(expected.counts).unwrap());
}

fn check(case: &Case, policy: Value, mode: Mode, as_of: Option<&str>, expected: &Expected) {
    let rules = Rules { policy, codes: codes(case.codes), mode, as_of };
    let read = read(case, expected);
    let outcome = replay(&read.inputs, &rules);
    assert_eq!(outcome.conflicts, read.conflicting);
    same("facts", &outcome.facts, expected.facts);
    same("capsules", &outcome.capsules, expected.capsules);
    same("concepts", &outcome.concepts, expected.concepts);
    same("recent failures", &outcome.recent, expected.recent);
    same("gate rollup", &outcome.rollup, expected.rollup);
    same("guard denials", &outcome.denials, expected.denials);
    same_counts(&read, &outcome, expected);
}

fn declared(case: &Case, expected: &Expected) {
    check(case, default_policy(), None, None, expected);
}

fn lenient(case: &Case, as_of: Option<&str>, expected: &Expected) {
    check(case, serde_json::from_slice(case.policy).unwrap(), Some("lenient"), as_of, expected);
}

#[test]
fn m120_dense_100_declared() {
    declared(&dense!("dense-100"), &expected!("dense-100", "declared"));
}

#[test]
fn m120_dense_100_lenient() {
    lenient(&dense!("dense-100"), None, &expected!("dense-100", "lenient"));
}

#[test]
fn m120_dense_106_declared() {
    declared(&dense!("dense-106"), &expected!("dense-106", "declared"));
}

#[test]
fn m120_dense_106_lenient() {
    lenient(&dense!("dense-106"), None, &expected!("dense-106", "lenient"));
}

#[test]
fn m120_dense_129_declared() {
    declared(&dense!("dense-129"), &expected!("dense-129", "declared"));
}

#[test]
fn m120_dense_129_lenient() {
    lenient(&dense!("dense-129"), None, &expected!("dense-129", "lenient"));
}

#[test]
fn m120_small_declared() {
    declared(&small(), &expected!("small", "declared"));
}

#[test]
fn m120_small_strict() {
    check(&small(), default_policy(), Some("strict"), None, &expected!("small", "strict"));
}

#[test]
fn m120_small_lenient_later() {
    lenient(&small(), Some("2026-03-27T00:00:05Z"), &expected!("small", "lenient-later"));
}
