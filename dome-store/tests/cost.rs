//! What a batch costs, whatever was ingested before.

use std::time::{Duration, Instant};

use dome_replay::Masking;
use dome_store::{Ingest, Log, Stop, StoreLimits, ingest};

use super::support::{Bench, as_made, opening, text};

/// Bytes of the log that states take, however many sources there are.
#[test]
fn states_are_a_small_part_of_a_log_with_many_sources() {
    let bench = Bench::new();
    for number in 0..300 {
        bench.put(&format!("{number:03}.jsonl"), text(&format!("r{number}"), 0..2));
    }
    let limits = StoreLimits { state_bytes: 8 << 10, batch_lines: 7, ..StoreLimits::default() };
    bench.ingest(limits);
    let (mut states, mut all) = (0, 0);
    for found in Log::open(&bench.store).unwrap().scan(1) {
        let dome_store::log::LogItem::Entry { place, entry, .. } = found.unwrap() else { panic!("it is whole") };
        all += place.length;
        states += if matches!(entry, dome_store::log::Entry::State(_)) { place.length } else { 0 };
    }
    assert!(states * 3 < all, "{states} of {all} bytes");
}

/// A batch is written to the disk and named: nothing of that is worth it for lines without a word.
#[test]
fn blank_lines_take_no_batches() {
    for count in [20_000, 40_000] {
        let bench = Bench::new();
        bench.put("a.jsonl", format!("{}{}\n{}", " \n\r\n".repeat(count), text("a", 0..2), "\n\t".repeat(count)));
        let tally = bench.ingest(StoreLimits { batch_lines: 100, ..StoreLimits::default() }).tally;
        assert_eq!((tally.batches, tally.lines, tally.blank), (1, 3 * count as u64 + 4, 3 * count as u64 + 2));
    }
}

/// How long this thread has run on a processor, where the system tells it.
fn on_cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// `cargo test -p dome-store cost -- --nocapture` tells the figures; it asserts only what holds on a busy machine.
#[test]
fn a_batch_costs_what_it_holds() {
    let bench = Bench::new();
    bench.put("a.jsonl", text("a", 0..10_000));
    let limits = StoreLimits { batch_lines: 100, ..StoreLimits::default() };
    let what = Ingest {
        inputs: &[bench.input.join("a.jsonl")],
        follow: false,
        masking: Masking::load(Some(std::path::Path::new(dome_replay::BUILT_IN))).unwrap(),
        not_after: Some("off"),
        rules: &as_made,
        opening: opening(limits),
    };
    let (mut at, mut took, mut worked) = (Instant::now(), Vec::new(), vec![on_cpu()]);
    let mut told = |_: &dome_store::Acknowledged| {
        took.push(at.elapsed());
        worked.push(on_cpu());
        at = Instant::now();
        Ok(())
    };
    ingest(&bench.store, what, &Stop::never(), &mut told, &()).unwrap();
    assert!(took.len() >= 100, "{} batches", took.len());
    let mean = |part: &[Duration]| part.iter().sum::<Duration>() / u32::try_from(part.len()).unwrap();
    let begun = Instant::now();
    drop(dome_store::StoreWriter::open_existing(&bench.store, opening(limits), &()).unwrap());
    let cpu = |from: usize, to: usize| (worked[to] - worked[from]) / u32::try_from(to - from).unwrap();
    println!("CPU per batch: {:?}; first twenty {:?}, last twenty {:?}", cpu(0, 100), cpu(0, 20), cpu(80, 100));
    println!(
        "per batch of 100 lines: {:?}; first ten {:?}, last ten {:?}; opened again in {:?}",
        mean(&took),
        mean(&took[..10]),
        mean(&took[90..]),
        begun.elapsed()
    );
}

#[test]
fn the_first_question_keeps_the_digest_that_every_answer_names() {
    let bench = super::support::Bench::new();
    let kept = || {
        let log = dome_store::Log::open(&bench.store).unwrap();
        crate::derived::as_derived(&log).unwrap().unwrap().knows_snapshot().unwrap()
    };
    for facts in [4, 6] {
        bench.put("a.jsonl", super::support::text("a", 0..facts));
        bench.ingest(super::support::small());
        assert!(!kept(), "a writer does not wait for it");
        dome_store::DerivedStore::open(&bench.store, super::support::small(), &()).unwrap();
        assert!(kept());
    }
}
