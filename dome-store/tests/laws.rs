//! Whatever the way lines came into a store, it is one reading of everything (L-1 to L-3).

use std::fs;
use std::path::Path;

use dome_arbitrary::{Dice, LaidOutFile, dice, history, layout};
use dome_store::{Log, StoreLimits, compare_index, rebuild, verify};
use proptest::prelude::*;

use super::support::{Bench, Outcome, as_made, copy, files, opening, segments, small, take_in};
use crate::log::KnownLog;

/// Writes the files as far as they have grown: at any byte, so also in the middle of a line.
fn grow(folder: &Path, files: &[LaidOutFile], dice: &mut Dice) {
    for file in files {
        let path = folder.join(&file.name);
        let there = fs::metadata(&path).map_or(0, |found| usize::try_from(found.len()).unwrap());
        let grown = there + dice.roll(file.bytes.len() - there + 1);
        fs::write(&path, &file.bytes[..grown]).unwrap();
    }
}

fn is_sound(store: &Path) -> bool {
    let report = verify(store, compare_index).unwrap();
    assert!(report.compared, "the index is derived at the end of each ingest");
    assert!(report.is_sound(), "{report:#?}");
    true
}

/// What a writer knows by the last state is what the whole log says.
fn states_repeat_the_log(store: &Path) {
    let log = Log::open(store).unwrap();
    let manifest = log.manifest().clone();
    let by_state = KnownLog::read(&log).unwrap().state(&manifest);
    let whole = KnownLog::read_whole(&log).unwrap().state(&manifest);
    assert_eq!(by_state, whole);
}

proptest! {
    #[test]
    fn l1_a_store_fed_bit_by_bit_is_one_reading_of_everything(
        history in history(), layout in layout(), mut dice in dice(64), batch_lines in 1_usize..9, stages in 0_usize..4,
    ) {
        let bench = Bench::new();
        let limits = StoreLimits { batch_lines, ..small() };
        let laid_out = layout.files(&history.lines);
        for _ in 0..stages {
            grow(&bench.input, &laid_out, &mut dice);
            bench.ingest(limits);
            prop_assert!(is_sound(&bench.store));
            states_repeat_the_log(&bench.store);
        }
        for file in &laid_out {
            bench.put(&file.name, &file.bytes);
        }
        bench.ingest(limits);
        prop_assert!(is_sound(&bench.store));
        prop_assert_eq!(Outcome::of(&bench.store), Outcome::of_files(&bench.input));
        let before = files(&bench.store);
        bench.ingest(limits);
        prop_assert!(files(&bench.store) == before, "the same input again adds nothing");
        // The log says what the manifest said.
        fs::remove_file(bench.store.join("store.json")).unwrap();
        if !segments(&bench.store).is_empty() {
            let rebuilt = rebuild(&bench.store, opening(limits), &as_made, &()).unwrap().0;
            prop_assert!(rebuilt.is_whole());
            prop_assert!(files(&bench.store) == before, "the log says what the manifest said");
        }
    }

    /// A writer may end between any two bytes that it writes. Whatever the next one finds is the store before the batch or
    /// behind it, and the same command goes on.
    #[test]
    fn l1_a_batch_that_was_cut_short_never_was(history in history(), layout in layout(), mut dice in dice(64), cuts in 1_usize..4) {
        let bench = Bench::new();
        let laid_out = layout.files(&history.lines);
        let limits = StoreLimits { batch_lines: 4, ..small() };
        for _ in 0..cuts {
            let before = bench.path("before");
            grow(&bench.input, &laid_out, &mut dice);
            if !bench.store.exists() {
                bench.ingest(limits);
                continue;
            }
            let _none = fs::remove_dir_all(&before);
            copy(&bench.store, &before);
            // One batch more than was acknowledged, and of that some bytes.
            let one = StoreLimits { batch_lines: usize::MAX, ..limits };
            bench.ingest(one);
            fs::copy(before.join("store.json"), bench.store.join("store.json")).unwrap();
            for path in segments(&bench.store) {
                let old = fs::metadata(before.join("log").join(path.file_name().unwrap())).map_or(0, |found| found.len());
                let bytes = fs::read(&path).unwrap();
                let old = usize::try_from(old).unwrap();
                let kept = old + dice.roll(bytes.len() - old + 1);
                fs::write(&path, &bytes[..kept]).unwrap();
            }
            prop_assert_eq!(Outcome::of(&bench.store), Outcome::of(&before), "a reader sees the store before");
            take_in(&bench.input, &bench.store, limits).unwrap();
            prop_assert!(is_sound(&bench.store));
            prop_assert!(!bench.store.join("aside").exists(), "what a killed writer leaves is known");
        }
        for file in &laid_out {
            bench.put(&file.name, &file.bytes);
        }
        bench.ingest(limits);
        prop_assert_eq!(Outcome::of(&bench.store), Outcome::of_files(&bench.input));
    }
}
