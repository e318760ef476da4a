//! The model's golden snapshots, each two or three ways, byte for byte.
#![expect(clippy::unwrap_used, clippy::vec_box, reason = "a test that cannot go on fails")]

use dome_binder::{Policy, Record, Replay, Rules, append_fact, append_row, replay, views};
use dome_core::{CodeTable, ProblemCode, Reader, Sha256Hash, Source, Timestamp, WrapperPolicy, lines};

macro_rules! golden {
    ($($path:expr),+) => {
        include_bytes!(concat!("../../xtrlv2-fixtures/golden/", $($path),+)).as_slice()
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

/// Everything that reading the input comes to.
#[derive(Default)]
struct Read {
    records: Vec<Box<Record>>,
    rejected: Vec<(Source, Sha256Hash, Vec<ProblemCode>)>,
    lines: u64,
    blank: u64,
}

fn read(case: &Case) -> Read {
    let mut read = Read::default();
    let mut reader = Reader::new();
    for (name, bytes) in case.files.iter().copied() {
        for line in lines(bytes, 1, 0) {
            read.lines += 1;
            if line.is_blank() {
                read.blank += 1;
                continue;
            }
            let source = Source { line: line.number, name: name.into() };
            match reader.read(line.bytes) {
                Ok(envelope) => read.records.push(Box::new(Record::new(envelope, source))),
                Err(rejection) => {
                    let codes = rejection.problems().iter().map(|problem| problem.code).collect();
                    read.rejected.push((source, Sha256Hash::of(line.bytes), codes));
                }
            }
        }
    }
    read
}

fn rows<T: serde::Serialize>(rows: &[T]) -> String {
    let mut bytes = Vec::new();
    rows.iter().for_each(|row| append_row(row, &mut bytes));
    String::from_utf8(bytes).unwrap()
}

fn same(what: &str, found: &str, expected: &[u8]) {
    let expected = str::from_utf8(expected).unwrap();
    for (number, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "{what}, row {}", number + 1);
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

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

fn check(case: &Case, mode: Option<WrapperPolicy>, policy: Policy, as_of: Option<Timestamp>, expected: &Expected) {
    let codes = CodeTable::parse(case.codes).unwrap();
    let rules = Rules { policy, codes, mode, contracts: None };
    let read = read(case);
    let result = replay(read.records, &rules, as_of);
    let mut facts = Vec::new();
    for (fact, bound) in result.ledger.facts.iter().zip(&result.bound) {
        append_fact(rules.mode_of(fact.wrapper_policy), fact, fact.canonical.held().unwrap(), bound, &mut facts);
    }
    same("facts", str::from_utf8(&facts).unwrap(), expected.facts);
    same("capsules", &rows(&result.derived.capsules), expected.capsules);
    same("concepts", &rows(&result.derived.concepts), expected.concepts);
    same("recent", &rows(&views::recent_failures(&result.ledger.facts).collect::<Vec<_>>()), expected.recent);
    same("rollup", &rows(&views::gate_rollup(&result.ledger.facts)), expected.rollup);
    same("denials", &rows(&views::guard_denials(&result.ledger.facts)), expected.denials);
    check_rejected(case, &result, read.rejected, expected.quarantined);
    let counts: serde_json::Value = serde_json::from_slice(expected.counts).unwrap();
    let found = serde_json::json!({
        "applied_too_early": result.derived.applied_too_early,
        "applied_unknown": result.derived.applied_unknown,
        "blank": read.blank,
        "capsules": result.derived.capsules.len(),
        "concepts": result.derived.concepts.len(),
        "duplicates": result.ledger.counts.duplicates,
        "facts": result.ledger.facts.len(),
        "lines": read.lines,
        "quarantined": str::from_utf8(expected.quarantined).unwrap().lines().count(),
    });
    assert_eq!(found, counts);
}

fn check_rejected(
    case: &Case,
    result: &Replay,
    rejected: Vec<(Source, Sha256Hash, Vec<ProblemCode>)>,
    expected: &[u8],
) {
    let conflicts = result.ledger.conflicts.iter().map(|conflict| {
        let (_, bytes) = case.files.iter().find(|(name, _)| conflict.source.name == *name).unwrap();
        let line = lines(bytes, 1, 0).find(|line| line.number == conflict.source.line).unwrap();
        (
            conflict.source.clone(),
            Sha256Hash::of(line.bytes),
            conflict.rejection.problems().iter().map(|problem| problem.code).collect(),
        )
    });
    let mut found: Vec<_> = rejected.into_iter().chain(conflicts).collect();
    found.sort_by(|(a, ..), (b, ..)| (&a.name, a.line).cmp(&(&b.name, b.line)));
    let expected: Vec<&str> = str::from_utf8(expected).unwrap().lines().collect();
    assert_eq!(found.len(), expected.len());
    for ((source, sha256, codes), expected) in found.iter().zip(expected) {
        let (place, code) = expected.rsplit_once(' ').unwrap();
        assert_eq!(format!("{}:{} {sha256}", source.name, source.line), place);
        assert!(codes.iter().any(|found| found.as_str() == code), "{place}: {code} not in {codes:?}");
    }
}

fn declared(case: &Case, expected: &Expected) {
    check(case, None, Policy::default(), None, expected);
}

fn lenient(case: &Case, as_of: Option<Timestamp>, expected: &Expected) {
    check(case, Some(WrapperPolicy::Lenient), Policy::parse(case.policy).unwrap(), as_of, expected);
}

#[test]
fn m120_small_declared() {
    declared(&small(), &expected!("small", "declared"));
}

#[test]
fn m120_small_strict() {
    check(&small(), Some(WrapperPolicy::Strict), Policy::default(), None, &expected!("small", "strict"));
}

#[test]
fn m120_small_lenient_later() {
    let as_of = "2026-03-27T00:00:05Z".parse().unwrap();
    lenient(&small(), Some(as_of), &expected!("small", "lenient-later"));
}

#[test]
fn m120_dense() {
    declared(&dense!("dense-100"), &expected!("dense-100", "declared"));
    declared(&dense!("dense-106"), &expected!("dense-106", "declared"));
    declared(&dense!("dense-129"), &expected!("dense-129", "declared"));
}

#[test]
fn m120_dense_lenient() {
    lenient(&dense!("dense-100"), None, &expected!("dense-100", "lenient"));
    lenient(&dense!("dense-106"), None, &expected!("dense-106", "lenient"));
    lenient(&dense!("dense-129"), None, &expected!("dense-129", "lenient"));
}
