//! Files that grow, and secrets in lines that are not finished.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use dome_replay::{BUILT_IN, Masking};
use dome_store::{Ingest, Ingested, Opening, Result, Stop, StoreLimits, drop_off, ingest, status};

use super::support::{Bench, Outcome, as_made, files, opening, small, text};

fn follow(bench: &Bench, stop: &Stop) -> Result<Ingested> {
    let limits = StoreLimits { batch_age: Duration::from_millis(20), ..StoreLimits::default() };
    let what = Ingest {
        inputs: std::slice::from_ref(&bench.input),
        follow: true,
        masking: Masking::load(None).unwrap(),
        not_after: Some("off"),
        rules: &as_made,
        opening: Opening { limits, wait: Duration::ZERO },
    };
    ingest(&bench.store, what, stop, &mut |_| Ok(()), &())
}

/// Asks until the store has so many facts, or for a minute.
fn until(store: &Path, facts: u64) {
    let begun = Instant::now();
    let found = || status(store, small(), |_| Ok(Vec::<u8>::new()), &()).map_or(0, |status| status.facts);
    while found() < facts {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} of {facts}", found());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_question_sees_what_is_acknowledged_while_somebody_follows() {
    let bench = Bench::new();
    bench.put("a.jsonl", text("a", 0..3));
    let stop = Stop::never();
    std::thread::scope(|scope| {
        let follows = scope.spawn(|| follow(&bench, &stop));
        until(&bench.store, 3);
        let mut grown = OpenOptions::new().append(true).open(bench.input.join("a.jsonl")).unwrap();
        grown.write_all(text("a", 3..5).as_bytes()).unwrap();
        bench.put("b.jsonl", text("b", 0..2));
        until(&bench.store, 7);
        // A rotation: the old file is read to its end, the new one from its start.
        fs::rename(bench.input.join("a.jsonl"), bench.input.join("a.old")).unwrap();
        bench.put("a.jsonl", text("c", 0..2));
        until(&bench.store, 9);
        drop_off(&bench.store, &mut text("d", 0..4).as_bytes()).unwrap();
        until(&bench.store, 13);
        stop.ask();
        let ingested = follows.join().unwrap().unwrap();
        assert!(ingested.is_complete);
        assert_eq!((ingested.tally.lines, ingested.now.facts), (13, 13));
    });
}

#[test]
fn no_hash_is_over_a_secret_of_an_unfinished_line() {
    let bench = Bench::new();
    let take_in = || {
        let what = Ingest {
            inputs: &[bench.input.join("a.jsonl")],
            follow: false,
            masking: Masking::load(Some(Path::new(BUILT_IN))).unwrap(),
            not_after: Some("off"),
            rules: &as_made,
            opening: opening(small()),
        };
        ingest(&bench.store, what, &Stop::never(), &mut |_| Ok(()), &()).unwrap()
    };
    let secret = "fetch https://me:hunter2@example.org";
    bench.put("a.jsonl", secret);
    take_in();
    let log = || {
        let bytes = files(&bench.store.join("log")).into_iter().flat_map(|(_, bytes)| bytes).collect();
        String::from_utf8(bytes).unwrap()
    };
    let before = log();
    assert!(before.contains("[redacted:url-credentials]"), "{before}");
    assert!(!before.contains(&dome_core::Sha256Hash::of(secret.as_bytes()).to_string()), "{before}");
    // It is known again, and what it grows to is read.
    take_in();
    assert_eq!(log(), before);
    bench.put("a.jsonl", format!("{secret} failed\n"));
    assert_eq!(take_in().tally.lines, 1);
    assert_eq!(Outcome::of(&bench.store).quarantine.len(), 1);
}
