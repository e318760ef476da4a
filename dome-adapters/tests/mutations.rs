//! Every format's samples (`data/FORMAT`), damaged: what comes is envelopes and findings, no panic.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use dome_adapters::{ConvertOptions, Format, Head};

use super::support;
use super::support::mutate::{Dice, damaged};

/// Of larger samples this much is taken.
const SAMPLE_BYTES: usize = 20_000;

#[test]
fn every_format_has_samples_of_its_own_that_convert_and_are_known_by_their_content() {
    for format in Format::all() {
        for (name, bytes) in samples(format) {
            let done = support::one(format.name(), &name, &bytes);
            assert!(format.is_together() || !done.envelopes.is_empty(), "{format}/{name}: {}", support::shown(&done));
            let found: Vec<_> = Format::of(&Head::of(&bytes)).collect();
            assert_eq!(found, [format], "{name}");
        }
    }
}

#[test]
fn damaged_samples_convert_or_are_reported() {
    for format in Format::all() {
        let samples: Vec<_> = samples(format)
            .into_iter()
            .map(|(name, mut bytes)| {
                bytes.truncate(SAMPLE_BYTES);
                (name, bytes)
            })
            .collect();
        for seed in 0..proptest::test_runner::Config::default().cases {
            let mut dice = Dice::new(seed.into());
            let [sample, other] = [(); 2].map(|()| &samples[dice.roll(samples.len())]);
            let bytes = damaged(&sample.1, &other.1, &mut dice);
            let done = support::one(format.name(), &sample.0, &bytes);
            let nothing = done.envelopes.is_empty() && done.problems.is_empty() && done.notes.is_empty();
            assert!(!nothing || format.is_together(), "{format}, seed {seed}: not a word");
            let _formats = Format::of(&Head::of(&bytes)).count();
        }
    }
}

#[test]
fn what_nests_without_end_is_a_problem_and_no_overflow() {
    let deep = [
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "<testsuite>".repeat(100_000),
        format!("<testsuites>{}", "<testsuite>".repeat(100_000)),
        format!("<testsuite><testcase name='a'>{}", "<failure>".repeat(100_000)),
    ];
    for format in Format::all() {
        for text in &deep {
            let done = support::one(format.name(), "deep", text.as_bytes());
            assert!(!done.problems.is_empty(), "{format}: {}", &text[..20]);
            assert!(done.envelopes.is_empty());
        }
    }
}

#[test]
fn legs_of_one_run_that_write_the_same_file_share_no_id() {
    for format in Format::all() {
        let folder = samples(format);
        let legs = [None, Some("linux, 3.11"), Some("linux, 3.12")].map(|job| {
            let (revision, job) = (Some("r1".parse().unwrap()), job.map(|job| job.parse().unwrap()));
            support::run(format.name(), &folder, &ConvertOptions { revision, job, ..support::given() }).envelopes
        });
        let each = || legs.iter().flatten();
        let events: BTreeSet<_> = each().map(|one| (one.run_id.as_str(), one.event_id.as_str())).collect();
        let outcomes: BTreeSet<_> = each().map(|one| (&one.run_id, &one.task_id, &one.group_id)).collect();
        assert_eq!([events.len(), outcomes.len()], [each().count(); 2], "{format}");
        let jobs: BTreeSet<_> = legs[2].iter().map(|one| one.subject.as_ref().unwrap().job.as_ref().unwrap()).collect();
        assert_eq!((jobs.len(), legs[2].len()), (1, legs[0].len()), "{format}");
    }
}

#[test]
fn a_file_of_another_format_is_a_problem_and_gives_nothing() {
    for format in Format::all() {
        for other in Format::all().filter(|other| *other != format) {
            for (name, bytes) in samples(other) {
                let done = support::one(format.name(), &name, &bytes);
                assert!(done.envelopes.is_empty() && !done.problems.is_empty(), "{other}/{name} as {format}");
            }
        }
    }
}

fn samples(format: Format) -> Vec<(String, Vec<u8>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(format.name());
    let found = support::files(&folder);
    let samples: Vec<_> =
        found.into_iter().filter(|(name, _)| !name.ends_with(".md") && !name.starts_with("LICENSE")).collect();
    assert!(!samples.is_empty(), "{format} has no sample");
    samples
}
