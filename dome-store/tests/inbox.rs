//! The inbox: every line once, whoever ends where.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use dome_store::{ErrorClass, StoreLimits, StoreWriter, catch_up, drop_off, status, waiting};
use proptest::prelude::*;

use super::support::{Bench, Notes, Replayed, copy, opening, small, take_in, take_in_telling, text};

fn facts(store: &Path) -> (u64, u64, u64) {
    let status = status(store, small(), |_| Ok(Vec::<u8>::new()), &()).unwrap();
    (status.facts, status.duplicates, status.quarantined)
}

fn made() -> Bench {
    let bench = Bench::new();
    bench.put("a.jsonl", text("a", 0..2));
    bench.ingest(small());
    bench
}

#[test]
fn a_question_takes_in_what_waits_and_says_what_still_does() {
    let bench = made();
    let name = drop_off(&bench.store, &mut text("b", 0..3).as_bytes()).unwrap();
    assert_eq!(waiting(&bench.store).unwrap(), 1);
    let writer = StoreWriter::open_existing(&bench.store, opening(small()), &()).unwrap();
    assert_eq!(catch_up(&bench.store, small(), &()).unwrap(), 1, "somebody else holds the lock");
    drop(writer);
    assert_eq!(facts(&bench.store), (5, 0, 0));
    assert_eq!(waiting(&bench.store).unwrap(), 0);
    let status = status(&bench.store, small(), |_| Ok(Vec::<u8>::new()), &()).unwrap();
    assert!(status.sources.iter().any(|source| source.name == name && source.lines == 3), "{status:?}");
}

#[test]
fn the_end_of_an_ingest_takes_in_what_waits() {
    let bench = made();
    drop_off(&bench.store, &mut text("b", 0..3).as_bytes()).unwrap();
    let ingested = take_in(&bench.input, &bench.store, small()).unwrap();
    assert_eq!((ingested.inbox.files, ingested.tally.lines), (1, 3));
}

#[test]
fn nothing_is_left_where_no_store_stands() {
    let bench = Bench::new();
    assert_eq!(drop_off(&bench.store, &mut &b"x"[..]).unwrap_err().class(), ErrorClass::Invalid);
}

#[test]
fn what_is_no_file_of_lines_is_moved_aside_and_never_followed() {
    let bench = made();
    let inbox = bench.store.join("inbox");
    fs::create_dir_all(inbox.join("folder.jsonl")).unwrap();
    fs::write(bench.path("secret"), text("s", 0..5)).unwrap();
    symlink(bench.path("secret"), inbox.join("link.jsonl")).unwrap();
    symlink("/dev/zero", inbox.join("zero.jsonl")).unwrap();
    let fifo = inbox.join("fifo.jsonl");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .unwrap();
    fs::write(inbox.join("huge.jsonl"), vec![b' '; 4096]).unwrap();
    fs::write(inbox.join("bad.jsonl"), b"{\"no\":\"envelope\"}\n\xff\xfe").unwrap();
    fs::write(inbox.join(".part"), text("p", 0..5)).unwrap();
    fs::write(inbox.join("later.tmp"), text("p", 0..5)).unwrap();
    let notes = Notes::default();
    let limits = StoreLimits { inbox_bytes: 2048, ..small() };
    let ingested = take_in_telling(&bench.input, &bench.store, limits, &notes).unwrap();
    assert_eq!((ingested.inbox.files, ingested.inbox.aside), (1, 5), "{}", notes.all());
    assert_eq!(facts(&bench.store), (2, 0, 2), "bad lines are in the quarantine");
    let mut aside: Vec<_> =
        fs::read_dir(bench.store.join("aside")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    aside.sort();
    assert_eq!(aside, ["fifo.jsonl", "folder.jsonl", "huge.jsonl", "link.jsonl", "zero.jsonl"]);
    assert!(inbox.join("later.tmp").exists() && inbox.join(".part").exists(), "a reporter may still write them");
    assert_eq!(fs::read(bench.path("secret")).unwrap(), text("s", 0..5).as_bytes());
}

#[test]
fn a_folder_in_place_of_the_inbox_is_not_followed() {
    let bench = made();
    fs::create_dir(bench.path("elsewhere")).unwrap();
    fs::write(bench.path("elsewhere/x.jsonl"), text("x", 0..2)).unwrap();
    symlink(bench.path("elsewhere"), bench.store.join("inbox")).unwrap();
    assert_eq!(take_in(&bench.input, &bench.store, small()).unwrap_err().class(), ErrorClass::Invalid);
    assert!(bench.path("elsewhere/x.jsonl").exists());
}

proptest! {
    /// Whoever drains may end before the batch, behind it, or between removing two files: each line is in once.
    #[test]
    fn each_line_is_taken_in_once_wherever_the_drain_ends(
        sizes in prop::collection::vec(0_u64..7, 1..6), back in prop::collection::vec(any::<bool>(), 6), batch_lines in 1_usize..5,
        names_are_given in any::<bool>(),
    ) {
        let bench = made();
        let limits = StoreLimits { batch_lines, ..small() };
        for (number, size) in sizes.iter().enumerate() {
            let lines = text(&format!("in{number}"), 0..*size);
            if names_are_given {
                drop_off(&bench.store, &mut lines.as_bytes()).unwrap();
            } else {
                fs::create_dir_all(bench.store.join("inbox")).unwrap();
                fs::write(bench.store.join(format!("inbox/{number}.jsonl")), lines).unwrap();
            }
        }
        let before = bench.path("before");
        copy(&bench.store, &before);
        let total = 2 + sizes.iter().sum::<u64>();
        take_in(&bench.input, &bench.store, limits).unwrap();
        prop_assert_eq!(facts(&bench.store), (total, 0, 0));
        // It was acknowledged, and some files were not removed yet.
        for ((entry, _), back) in fs::read_dir(before.join("inbox")).unwrap().zip(0..).zip(back) {
            let entry = entry.unwrap();
            if back {
                fs::copy(entry.path(), bench.store.join("inbox").join(entry.file_name())).unwrap();
            }
        }
        take_in(&bench.input, &bench.store, limits).unwrap();
        prop_assert_eq!(facts(&bench.store), (total, 0, 0));
        prop_assert_eq!(waiting(&bench.store).unwrap(), 0);
        let lines = Replayed::of(&bench.store).lines;
        prop_assert_eq!(lines, (total, 0), "no line was read twice");
    }
}
