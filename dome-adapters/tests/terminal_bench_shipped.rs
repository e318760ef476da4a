//! The data set that ships with the crate: real trials, and what can be seen in them.
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};

use dome_adapters::ConvertOptions;
use dome_core::{Envelope, GateId, Keys, Status};

use super::support::terminal_bench::{bytes, run};
use super::support::{Folder, codes};

macro_rules! shipped {
    ($($stem:literal),+) => {
        vec![$(
            named!(concat!($stem, ".json")),
            named!(concat!($stem, "_meta.json")),
        )+]
    };
}

macro_rules! named {
    ($name:expr) => {
        ($name.to_owned(), include_bytes!(concat!("../data/terminal-bench/", $name)).to_vec())
    };
}

fn shipped() -> Folder {
    shipped!(
        "qwen3-30b-a3b_qwen3-coder-480b-a30b",
        "qwen3-32b_grok-fast-1",
        "qwen3-32b_qwen3-coder-480b-a30b",
        "run-11-statefull-step80-qwen3-coder-30b-a3b"
    )
}

/// Whether a failure was resolved, and the same failure came again within a day (M-81, M-82).
fn contradicted(line: &[&Envelope]) -> bool {
    let mut open = BTreeMap::new();
    let mut resolved = BTreeMap::new();
    for envelope in line {
        let key = Keys::of(envelope).derived;
        if envelope.is_failing() {
            if resolved.remove(&key).is_some_and(|since| !envelope.ts.is_later_by_more_than(since, 86_400)) {
                return true;
            }
            open.insert(key, envelope.failed_gates().cloned().collect::<Vec<GateId>>());
        } else {
            let passed = |gate: &GateId| {
                envelope.gates.iter().any(|found| found.gate_id == *gate && found.status == Status::Pass)
            };
            let gone: BTreeSet<_> =
                open.iter().filter(|(_, gates)| gates.iter().all(passed)).map(|(key, _)| *key).collect();
            open.retain(|key, _| !gone.contains(key));
            resolved.extend(gone.into_iter().map(|key| (key, envelope.ts)));
        }
    }
    false
}

#[test]
fn the_shipped_set_shows_failures_that_recur_successes_and_contradictions() {
    let done = run(&shipped(), &ConvertOptions::default());
    assert_eq!((codes(&done.problems), codes(&done.notes)), (vec![], vec![]));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut support: BTreeMap<_, usize> = BTreeMap::new();
    let mut lines: BTreeMap<_, Vec<&Envelope>> = BTreeMap::new();
    for envelope in &done.envelopes {
        let code = &envelope.task_spec.failure_reason_code;
        *counts.entry(format!("{} {code}", envelope.signal)).or_default() += 1;
        lines.entry(Keys::of(envelope).line).or_default().push(envelope);
        if envelope.is_failing() {
            *support.entry(Keys::of(envelope).derived).or_default() += 1;
        }
    }
    let counts: Vec<_> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
    insta::assert_snapshot!(counts.join("\n"), @r#"
    8 failure AGENT.TIMEOUT
    5 failure AGENT.UNKNOWN_ERROR
    10 failure TESTS.PARSE_ERROR
    5 failure TESTS.TIMEOUT
    71 failure TESTS_FAILED
    36 success NONE
    "#);
    assert_eq!(support.values().filter(|support| **support >= 2).count(), 27, "failures that recur");
    let shaky: BTreeSet<_> = lines
        .values_mut()
        .filter_map(|line| {
            line.sort_by_key(|envelope| (envelope.ts, &envelope.run_id));
            contradicted(line).then(|| line[0].task_spec.target.id.as_str())
        })
        .collect();
    insta::assert_snapshot!(shaky.into_iter().collect::<Vec<_>>().join("\n"), @r#"
    hello-world
    heterogeneous-dates
    incompatible-python-fasttext
    new-encrypt-command
    oom
    qemu-startup
    sqlite-with-gcov
    "#);
}

#[test]
fn the_shipped_set_gives_these_bytes_in_any_order() {
    let mut folder = shipped();
    let done = run(&folder, &ConvertOptions::default());
    insta::assert_snapshot!(dome_core::Sha256Hash::of(&bytes(&done)), @"a92cde7e4d041da61e458e320c5193d43d071843215d3e27d4333a6911e09473");
    for _ in 0..folder.len() {
        folder.rotate_left(3);
        assert_eq!(run(&folder, &ConvertOptions::default()), done);
    }
}

#[test]
fn a_file_that_is_cut_off_is_a_problem_and_no_panic() {
    let whole = shipped();
    let (name, content) = &whole[0];
    for length in (0..content.len()).step_by(997).chain(content.len() - 3..content.len()) {
        let cut = vec![(name.clone(), content[..length].to_vec()), whole[1].clone()];
        let done = run(&cut, &ConvertOptions::default());
        assert_eq!((done.envelopes.len(), codes(&done.problems)), (0, vec!["json_invalid"]), "at byte {length}");
    }
}

#[test]
fn brackets_without_end_are_a_problem_and_no_overflow() {
    for (name, text) in [("a.json", "[".repeat(100_000)), ("b.json", "{\"results\":".repeat(100_000))] {
        let done = run(&vec![(name.to_owned(), text.into_bytes())], &ConvertOptions::default());
        assert_eq!(codes(&done.problems), ["json_invalid"]);
    }
}

/// What may come where a byte stood: an end of something, a beginning, or nonsense.
const BYTES: [u8; 12] = *b"\"{}[],:0-\\n\xFF";

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn mutated_files_convert_or_are_reported_and_never_panic(
        changes in proptest::collection::vec((0..2_usize, 0..1_000_000_usize, 0..BYTES.len()), 1..6),
        removed in 0..40_usize,
    ) {
        let mut pair: Folder = shipped().drain(..2).collect();
        for (file, place, byte) in changes {
            let content = &mut pair[file].1;
            let place = place % content.len();
            content[place] = BYTES[byte];
            content.drain(place..(place + removed).min(content.len() - 1));
        }
        let done = run(&pair, &ConvertOptions::default());
        proptest::prop_assert!(done.counts.records >= done.envelopes.len() as u64);
    }
}
