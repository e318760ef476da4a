//! Where reading goes on: decided by the log alone.

use std::fs;
use std::time::Duration;

use dome_store::{ErrorClass, Ingest, Log, Opening, Stop, StoreLimits, StoreWriter, ingest};

use super::support::{Bench, Notes, Outcome, as_made, line, opening, small, take_in, take_in_telling, text};

#[test]
fn a_source_that_grew_is_read_on_and_the_same_again_adds_nothing() {
    let bench = Bench::new();
    bench.put("a.jsonl", text("a", 0..5));
    assert_eq!(bench.ingest(small()).tally.lines, 5);
    bench.put("a.jsonl", text("a", 0..9));
    assert_eq!(bench.ingest(small()).tally.lines, 4);
    assert_eq!(bench.ingest(small()).tally.lines, 0);
    assert_eq!(Outcome::of(&bench.store), Outcome::of_files(&bench.input));
}

#[test]
fn a_source_that_was_rewritten_is_another_content_of_its_name() {
    let bench = Bench::new();
    let notes = Notes::default();
    for (first, second) in [("a", "b"), ("b", "a")] {
        bench.put("x.jsonl", text(first, 0..3));
        take_in(&bench.input, &bench.store, small()).unwrap();
        bench.put("x.jsonl", text(second, 0..3));
        take_in_telling(&bench.input, &bench.store, small(), &notes).unwrap();
    }
    let status = dome_store::status(&bench.store, small(), |_| Ok(Vec::<u8>::new()), &()).unwrap();
    let names: Vec<&str> = status.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["x.jsonl", "x.jsonl#2"], "the first content is known again");
    assert_eq!((status.facts, status.duplicates), (6, 0));
    assert!(notes.all().contains("read from its start, as `x.jsonl#2`"), "{}", notes.all());
}

#[test]
fn a_source_with_another_name_is_read_again_and_counts_nothing_twice_but_lines() {
    let bench = Bench::new();
    bench.put("x.jsonl", text("a", 0..4));
    bench.ingest(small());
    fs::rename(bench.input.join("x.jsonl"), bench.input.join("y.jsonl")).unwrap();
    bench.ingest(small());
    let status = dome_store::status(&bench.store, small(), |_| Ok(Vec::<u8>::new()), &()).unwrap();
    assert_eq!((status.facts, status.duplicates), (4, 4));
}

#[test]
fn m121_a_line_that_was_cut_between_its_carriage_return_and_its_line_feed_is_one_line() {
    let bench = Bench::new();
    for end in ["\r", "\r\n"] {
        bench.put("a.jsonl", line("r", 1) + end);
        bench.ingest(small());
    }
    assert_eq!(Outcome::of(&bench.store), Outcome::of_files(&bench.input));
}

/// Issue 21, 5: what was read before is decided by the log; nothing that is derived has a say.
#[test]
fn what_was_read_does_not_depend_on_the_index() {
    let bench = Bench::new();
    bench.put("a.jsonl", text("a", 0..60));
    bench.ingest(small());
    for garbage in [&b""[..], b"no database", &[0; 8192]] {
        fs::write(bench.store.join("index.sqlite"), garbage).unwrap();
        assert_eq!(bench.ingest(small()).tally.lines, 0);
    }
}

#[test]
fn m32_a_line_that_was_too_late_is_admitted_as_the_instant_moves_on() {
    let bench = Bench::new();
    bench.put("a.jsonl", text("a", 0..40));
    let at = |not_after: &str| {
        let what = Ingest {
            inputs: &[bench.input.join("a.jsonl")],
            follow: false,
            masking: dome_replay::Masking::load(None).unwrap(),
            not_after: Some(not_after),
            rules: &as_made,
            opening: opening(small()),
        };
        ingest(&bench.store, what, &Stop::never(), &mut |_| Ok(()), &())
    };
    let facts = || dome_store::status(&bench.store, small(), |_| Ok(Vec::<u8>::new()), &()).unwrap().facts;
    at("2026-01-01T00:00:09Z").unwrap();
    assert_eq!(facts(), 10);
    at("2026-01-01T00:00:19Z").unwrap();
    assert_eq!(facts(), 20);
    assert_eq!(at("2026-01-01T00:00:10Z").unwrap_err().class(), ErrorClass::Usage, "the instant does not go back");
    at("off").unwrap();
    assert_eq!(facts(), 40);
}

#[test]
fn a_second_writer_is_refused_or_waits_and_nobody_is_told_to_kill_anything() {
    let bench = Bench::new();
    bench.put("a.jsonl", text("a", 0..3));
    bench.ingest(small());
    let first = StoreWriter::open_existing(&bench.store, opening(small()), &()).unwrap();
    let refused = take_in(&bench.input, &bench.store, small()).unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Failed);
    assert!(refused.to_string().contains(&format!("names process {}", std::process::id())), "{refused}");
    assert!(!refused.to_string().contains("kill"), "{refused}");
    let waits = Opening { limits: StoreLimits::default(), wait: Duration::from_secs(60) };
    std::thread::scope(|scope| {
        let second = scope.spawn(|| StoreWriter::open_existing(&bench.store, waits, &()).map(drop));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap().unwrap();
    });
}

#[test]
fn a_store_that_derives_by_other_rules_is_not_written_to_until_it_is_made_anew() {
    let bench = Bench::new();
    bench.put("a.jsonl", text("a", 0..30));
    bench.ingest(small());
    let lenient = |before: Option<&dome_binder::Rules>| {
        let mut rules = as_made(before)?;
        rules.mode = Some(dome_core::WrapperPolicy::Lenient);
        Ok(rules)
    };
    let refused = StoreWriter::open(&bench.store, opening(small()), &lenient, &()).map(drop).unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Usage);
    let (rebuilt, writer) = dome_store::rebuild(&bench.store, opening(small()), &lenient, &()).unwrap();
    assert!(rebuilt.is_whole());
    drop(writer);
    // The log says it, too.
    let manifest = fs::read(bench.store.join("store.json")).unwrap();
    assert_eq!(Log::open(&bench.store).unwrap().manifest().generation, 2);
    fs::remove_file(bench.store.join("store.json")).unwrap();
    drop(dome_store::rebuild(&bench.store, opening(small()), &as_made, &()).unwrap());
    assert_eq!(fs::read(bench.store.join("store.json")).unwrap(), manifest);
}
