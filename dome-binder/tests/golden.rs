//! The model's golden snapshot, three ways, byte for byte.
#![expect(clippy::unwrap_used, clippy::vec_box, reason = "a test that cannot go on fails")]

use dome_binder::{Policy, Record, Replay, Rules, append_fact, append_row, replay, views};
use dome_core::{CodeTable, ProblemCode, Reader, Sha256Hash, Source, Timestamp, WrapperPolicy, lines};

macro_rules! small {
    ($($path:literal),+) => {
        include_bytes!(concat!("../../xtrlv2-fixtures/golden/small/", $($path),+))
    };
}

const INPUT: [(&str, &[u8]); 2] = [("a.jsonl", small!("input/a.jsonl")), ("b.jsonl", small!("input/b.jsonl"))];

/// Everything that reading the input comes to.
#[derive(Default)]
struct Read {
    records: Vec<Box<Record>>,
    rejected: Vec<(Source, Sha256Hash, Vec<ProblemCode>)>,
    lines: u64,
    blank: u64,
}

fn read() -> Read {
    let mut read = Read::default();
    let mut reader = Reader::new();
    for (name, bytes) in INPUT {
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
    ($name:literal) => {
        Expected {
            facts: small!("expected/", $name, "/facts.jsonl"),
            capsules: small!("expected/", $name, "/capsules.jsonl"),
            concepts: small!("expected/", $name, "/concepts.jsonl"),
            recent: small!("expected/", $name, "/views/mv_recent_failures_by_taskspec.jsonl"),
            rollup: small!("expected/", $name, "/views/mv_gate_rollup_by_failure_reason_code.jsonl"),
            denials: small!("expected/", $name, "/views/mv_guard_denials_by_policy_reason_code.jsonl"),
            counts: small!("expected/", $name, "/counts.json"),
            quarantined: small!("expected/", $name, "/quarantined.txt"),
        }
    };
}

fn check(mode: Option<WrapperPolicy>, policy: Policy, as_of: Option<Timestamp>, expected: &Expected) {
    let codes = CodeTable::parse(small!("reason-codes.json")).unwrap();
    let rules = Rules { policy, codes, mode };
    let read = read();
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
    check_rejected(&result, read.rejected, expected.quarantined);
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

fn check_rejected(result: &Replay, rejected: Vec<(Source, Sha256Hash, Vec<ProblemCode>)>, expected: &[u8]) {
    let conflicts = result.ledger.conflicts.iter().map(|conflict| {
        let (_, bytes) = INPUT.into_iter().find(|(name, _)| conflict.source.name == *name).unwrap();
        let line = lines(bytes, 1, 0).find(|line| line.number == conflict.source.line).unwrap();
        (conflict.source.clone(), Sha256Hash::of(line.bytes), vec![conflict.problem.code])
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

#[test]
fn m120_declared() {
    check(None, Policy::default(), None, &expected!("declared"));
}

#[test]
fn m120_strict() {
    check(Some(WrapperPolicy::Strict), Policy::default(), None, &expected!("strict"));
}

#[test]
fn m120_lenient_later() {
    let policy = Policy::parse(small!("policy.json")).unwrap();
    let as_of = "2026-03-27T00:00:05Z".parse().unwrap();
    check(Some(WrapperPolicy::Lenient), policy, Some(as_of), &expected!("lenient-later"));
}
