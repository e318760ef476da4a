//! The index of a store's log, however it grew, and of a result: each answers what a replay of it would.

use std::fs;
use std::path::Path;

use dome_arbitrary::history;
use dome_binder::Replay;
use dome_core::Sha256Hash;
use dome_replay::{Destined, ENVELOPES, Input, Limits, Masking, ResultDir, ResultFile, Spec, input, replay_into};
use dome_store::Log;
use dome_store::index::{
    Basis, ENTRIES, Explained, INDEX_NAME, Index, LogLines, ResultFiles, RowOrigin, Standing, beside,
};
use proptest::prelude::*;
use serde_json::Value;

use super::answers::{artifacts, expected};
use crate::tests::support::{Bench, Replayed, pinned, small};

fn seal() -> Sha256Hash {
    Sha256Hash::of(b"seal")
}

/// Every row of the quarantine is what is said of its line.
fn same_quarantine(index: &Index, origin: &mut dyn RowOrigin, quarantine: &[Value]) {
    for row in quarantine {
        let key = format!("{}:{}", row["source"]["name"].as_str().unwrap(), row["source"]["line"]);
        match index.explain(&key, (0, 0), origin).unwrap() {
            Explained::Told(told) => assert_eq!(&serde_json::to_value(told.rejected).unwrap(), row),
            other => panic!("{key}: {other:?}"),
        }
    }
}

fn same_answers(index: &Index, replay: &Replay) {
    assert_eq!(artifacts(index), expected(replay));
    assert_eq!(index.snapshot_digest().unwrap(), replay.ledger.snapshot_digest());
    assert_eq!(index.tallies().unwrap().runs, replay.ledger.counts);
    assert_eq!(index.as_of().unwrap(), replay.as_of);
}

proptest! {
    #[test]
    fn a_log_that_grows_is_taken_in_from_where_the_index_stands(
        history in history(), cut in 0_usize..10_000, asks in any::<bool>(),
        most in prop::sample::select(vec![1_usize, 5, 1 << 20]),
    ) {
        let bytes = history.lines.join(&b'\n');
        let bench = Bench::new();
        // Not the one that ingesting derives.
        let path = bench.path(INDEX_NAME);
        // A last line without an end is a line, until more of it comes.
        let cuts = [cut % (bytes.len() + 1), bytes.len()];
        for end in cuts {
            bench.put("a.jsonl", &bytes[..end]);
            bench.ingest(small());
            if end == bytes.len() || asks {
                let log = Log::open(&bench.store).unwrap();
                let basis = Basis::of_log(&log, seal()).unwrap();
                let catch_up = |index: &mut Index| index.catch_up(&log, most, &mut |damage| panic!("{damage:?}"));
                match Index::write(&path, basis.clone()) {
                    Ok(mut index) => catch_up(&mut index).unwrap(),
                    Err(error) => {
                        prop_assert!(error.is_unfit());
                        Index::build(&path, basis, catch_up).unwrap();
                    }
                }
            }
        }
        let log = Log::open(&bench.store).unwrap();
        let index = Index::read(&path, Basis::of_log(&log, seal()).unwrap()).unwrap();
        prop_assert_eq!(index.standing().unwrap().next, log.end());
        let derived = Replayed::of(&bench.store);
        same_answers(&index, &derived.replay);
        prop_assert_eq!(index.blank_lines().unwrap(), derived.lines.1);
        let rows: Vec<Value> = derived.quarantined.iter().map(|row| serde_json::to_value(row).unwrap()).collect();
        same_quarantine(&index, &mut LogLines::of(&log).unwrap(), &rows);
    }

    #[test]
    fn a_result_is_answered_from_its_files(history in history()) {
        let bench = Bench::new();
        bench.put("a.jsonl", history.lines.join(&b'\n'));
        let out = bench.path("result");
        let (index, result, files) = of_result(&bench.input, &out);
        same_answers(&index, &result.replay().unwrap().into_counts(&index));
        same_quarantine(&index, &mut files.lines().unwrap(), &result.rows(ResultFile::Quarantine).unwrap());
    }
}

/// A result keeps no duplicates, and says how many there were in its manifest.
trait IntoCounts {
    fn into_counts(self, index: &Index) -> Self;
}

impl IntoCounts for Replay {
    fn into_counts(mut self, index: &Index) -> Self {
        self.ledger.counts.duplicates = index.tallies().unwrap().runs.duplicates;
        self
    }
}

fn of_result(input: &Path, out: &Path) -> (Index, ResultDir, ResultFiles) {
    let (rules, masking) = (pinned(), Masking::off());
    let spec = Spec {
        rules: &rules,
        binder: dome_core::BinderVersion::default(),
        not_after: None,
        masking: &masking,
        threads: 1,
        limits: Limits::within(64 << 20),
    };
    let sources = input::find(&[input.to_owned()], ENVELOPES, &()).unwrap();
    let to = Destined { out: out.to_owned(), force: false };
    replay_into(&to, spec, None, Input::Sources(&sources), &()).unwrap();
    let result = ResultDir::open(out).unwrap();
    let files = ResultFiles::of(&result).unwrap();
    let basis = files.basis(seal()).unwrap();
    let path = beside(out).unwrap();
    Index::build(&path, basis.clone(), |index| files.fill(index)).unwrap();
    (Index::read(&path, basis).unwrap(), result, files)
}

#[test]
fn a_result_that_was_edited_is_found_out() {
    let bench = Bench::new();
    bench.put("a.jsonl", dome_core::EXAMPLE_LINE);
    let out = bench.path("result");
    let (_, _, files) = of_result(&bench.input, &out);
    let facts = out.join("facts.jsonl");
    let edited = fs::read_to_string(&facts).unwrap().replace("TESTS_FAILED", "TESTS_FAULTY");
    fs::write(&facts, edited).unwrap();
    let basis = files.basis(seal()).unwrap();
    assert!(Index::read(&beside(&out).unwrap(), basis.clone()).err().unwrap().is_unfit());
    let mut again = Index::in_memory(basis).unwrap();
    let error = files.fill(&mut again).unwrap_err();
    assert!(error.to_string().contains("is not the file that the manifest names"), "{error}");
}

#[test]
fn an_index_of_another_log_is_not_caught_up_with_this_one() {
    let [one, other] = [Bench::new(), Bench::new()];
    one.put("a.jsonl", dome_core::EXAMPLE_LINE);
    other.put("b.jsonl", [dome_core::EXAMPLE_LINE, b"\n{}"].concat());
    let [one, other] = [one, other].map(|bench| {
        bench.ingest(small());
        let log = Log::open(&bench.store).unwrap();
        (bench, log)
    });
    // Even under one identity, the last entry that it holds has to stand where it stood.
    let basis = Basis { identity: "same".to_owned(), ..Basis::of_log(&one.1, seal()).unwrap() };
    let mut index = Index::in_memory(basis).unwrap();
    index.catch_up(&one.1, ENTRIES, &mut |_| ()).unwrap();
    assert!(index.is_behind(&one.1).unwrap() && !index.is_behind(&other.1).unwrap());
    assert!(index.catch_up(&other.1, ENTRIES, &mut |_| ()).unwrap_err().is_unfit());
}

#[test]
fn two_that_derive_do_not_derive_one_entry_twice() {
    let bench = Bench::new();
    bench.put("a.jsonl", dome_core::EXAMPLE_LINE);
    bench.ingest(small());
    let log = Log::open(&bench.store).unwrap();
    let (path, basis) = (bench.store.join(INDEX_NAME), Basis::of_log(&log, seal()).unwrap());
    Index::build(&path, basis.clone(), |_| Ok(())).unwrap();
    let [mut first, mut second] = [(), ()].map(|()| Index::write(&path, basis.clone()).unwrap());
    let from = second.standing().unwrap();
    first.catch_up(&log, ENTRIES, &mut |_| ()).unwrap();
    let nothing = dome_store::index::Batch::default();
    let to = Standing { next: log.end(), mark: String::new() };
    let late = second.derive(nothing, &from, &to, &mut LogLines::of(&log).unwrap());
    assert!(matches!(late, Err(dome_store::index::IndexError::Moved)));
    second.catch_up(&log, ENTRIES, &mut |_| ()).unwrap();
    assert_eq!(second.tallies().unwrap(), first.tallies().unwrap());
}

#[test]
fn a_reader_sees_one_moment_while_another_derives() {
    let bench = Bench::new();
    bench.put("a.jsonl", dome_core::EXAMPLE_LINE);
    bench.ingest(small());
    let log = Log::open(&bench.store).unwrap();
    let (path, basis) = (bench.store.join(INDEX_NAME), Basis::of_log(&log, seal()).unwrap());
    Index::build(&path, basis.clone(), |_| Ok(())).unwrap();
    let mut writer = Index::write(&path, basis.clone()).unwrap();
    let before = Index::read(&path, basis.clone()).unwrap();
    writer.catch_up(&log, ENTRIES, &mut |_| ()).unwrap();
    let after = Index::read(&path, basis).unwrap();
    assert_eq!((before.tallies().unwrap().facts, after.tallies().unwrap().facts), (0, 1));
}
