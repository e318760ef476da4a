//! Two stores in one: the same, whichever comes first (L-1).

use std::fs;

use dome_arbitrary::{dice, history, layout};
use dome_store::{ErrorClass, StoreLimits, merge, verify};
use proptest::prelude::*;

use super::support::{Bench, Outcome, files, opening, small, take_in, text};

#[test]
fn what_both_have_read_is_taken_once_and_what_one_has_read_on_too() {
    let bench = Bench::new();
    let (a, b, c) = (bench.path("a"), bench.path("b"), bench.path("c"));
    bench.put("same.jsonl", text("s", 0..4));
    bench.put("grown.jsonl", text("g", 0..4));
    take_in(&bench.input, &a, small()).unwrap();
    take_in(&bench.input, &b, small()).unwrap();
    bench.put("grown.jsonl", text("g", 0..9));
    bench.put("other.jsonl", text("o", 0..2));
    take_in(&bench.input, &b, small()).unwrap();
    let merged = merge(&a, &b, &c, opening(small()), &()).unwrap();
    assert_eq!((merged.damaged, merged.sources), (0, 3));
    assert_eq!(Outcome::of(&c), Outcome::of_files(&bench.input));
    assert_eq!(take_in(&bench.input, &c, small()).unwrap().tally.lines, 0, "and the merged store knows how far it was");
    assert_eq!(
        merge(&a, &b, &c, opening(small()), &()).unwrap_err().class(),
        ErrorClass::Failed,
        "something stands there"
    );
}

#[test]
fn contents_of_one_name_are_told_apart() {
    let bench = Bench::new();
    let (a, b, c) = (bench.path("a"), bench.path("b"), bench.path("c"));
    bench.put("x.jsonl", text("one", 0..4));
    take_in(&bench.input, &a, small()).unwrap();
    bench.put("x.jsonl", text("two", 0..5));
    take_in(&bench.input, &b, small()).unwrap();
    merge(&a, &b, &c, opening(small()), &()).unwrap();
    let status = dome_store::status(&c, small(), |_| Ok(Vec::<u8>::new()), &()).unwrap();
    let names: Vec<_> = status.sources.iter().map(|source| (source.name.as_str(), source.lines)).collect();
    assert_eq!(names, [("x.jsonl", 4), ("x.jsonl#2", 5)]);
    assert_eq!(take_in(&bench.input, &c, small()).unwrap().tally.lines, 0);
}

proptest! {
    #[test]
    fn l1_both_orders_come_to_the_same_store(
        first in history(), second in history(), one in layout(), other in layout(), mut dice in dice(8),
        batch_lines in 1_usize..6,
    ) {
        let bench = Bench::new();
        let [a, b, ab, ba] = ["a", "b", "ab", "ba"].map(|name| bench.path(name));
        let limits = StoreLimits { batch_lines, ..small() };
        for (lines, layout, store) in [(&first, one, &a), (&second, other, &b)] {
            for entry in fs::read_dir(&bench.input).unwrap() {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
            for file in layout.files(&lines.lines) {
                // At times in two steps, the first one in the middle of a line.
                bench.put(&file.name, &file.bytes[..dice.roll(file.bytes.len() + 1)]);
                take_in(&bench.input, store, limits).unwrap();
                bench.put(&file.name, &file.bytes);
            }
            take_in(&bench.input, store, limits).unwrap();
        }
        merge(&a, &b, &ab, opening(limits), &()).unwrap();
        merge(&b, &a, &ba, opening(limits), &()).unwrap();
        let same = files(&ab).into_iter().zip(files(&ba)).all(|(one, other)| one == other);
        prop_assert!(same, "both are the same to the last byte");
        prop_assert!(verify(&ab, |_, _| Ok(true)).unwrap().is_sound());
        let again = bench.path("again");
        let merged_with_b = merge(&ab, &b, &again, opening(limits), &()).unwrap();
        prop_assert_eq!(merged_with_b.damaged, 0);
        prop_assert_eq!(Outcome::of(&again), Outcome::of(&ab), "one of the two again adds nothing");
    }

    #[test]
    fn l1_stores_of_sources_with_different_names_merge_to_what_one_ingest_of_all_comes_to(
        history in history(), layout in layout(), mut dice in dice(16),
    ) {
        let bench = Bench::new();
        let [a, b, ab, one, two] = ["a", "b", "ab", "one", "two"].map(|name| bench.path(name));
        for folder in [&one, &two] {
            fs::create_dir(folder).unwrap();
        }
        for file in layout.files(&history.lines) {
            bench.put(&file.name, &file.bytes);
            let folder = if dice.rarely(2) { &one } else { &two };
            fs::write(folder.join(&file.name), &file.bytes).unwrap();
        }
        take_in(&one, &a, small()).unwrap();
        take_in(&two, &b, small()).unwrap();
        merge(&a, &b, &ab, opening(small()), &()).unwrap();
        prop_assert_eq!(Outcome::of(&ab), Outcome::of_files(&bench.input));
    }
}
