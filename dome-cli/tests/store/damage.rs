//! Segments of the log that are not what was written.

use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;

use super::feed::{Dice, ingest, ingest_args, is_sound, lines, spread, status, times};
use crate::harness::{Ended, Place};

const SEGMENT: &str = "000000000001.jsonl";

fn copy(place: &Place, from: &str, to: &str) {
    let _none = std::fs::remove_dir_all(place.path(to));
    for name in place.files(from).into_keys() {
        let path = place.path(to).join(&name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // With its mode: a secret stays one.
        std::fs::copy(place.path(from).join(&name), path).unwrap();
    }
}

/// What `dome store verify` says.
fn verified(place: &Place, store: &str) -> (i32, Value) {
    let ended = place.dome(&["store", "verify", "--store", store, "--format", "json"], b"");
    assert!(ended.stdout.starts_with('{'), "{}", ended.stderr);
    (ended.code, serde_json::from_str(&ended.stdout).unwrap())
}

fn rebuild(place: &Place, store: &str) -> Ended {
    std::fs::remove_file(place.path(store).join("index.sqlite")).unwrap();
    place.dome(&["store", "rebuild", "--store", store], b"")
}

/// The entry that a byte of the log belongs to, from 1; whether it is the line feed behind one.
fn entry_at(log: &[u8], at: usize) -> (u64, bool) {
    let before = log[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
    (before + 1, log[at] == b'\n')
}

/// A place in a line feed, a hash, a position or anywhere.
fn place_of(log: &[u8], dice: &mut Dice) -> usize {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(log.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1))
        .collect();
    let line = usize::try_from(dice.roll(starts.len() as u64 - 1)).unwrap();
    let within =
        |from: u64, bytes: u64, dice: &mut Dice| starts[line] + usize::try_from(from + dice.roll(bytes)).unwrap();
    match dice.roll(6) {
        0 => starts[line + 1] - 1,
        1 => within(9, 64, dice),
        2 => within(74, 24, dice),
        _ => usize::try_from(dice.roll(log.len() as u64)).unwrap(),
    }
}

/// One flipped bit: found, named, the rest served.
fn flipped(place: &Place, store: &str, at: usize, bit: u64, whole: &Value, entries: u64) {
    copy(place, "whole", store);
    let path = place.path(store).join("log").join(SEGMENT);
    let mut log = std::fs::read(&path).unwrap();
    let (entry, is_end) = entry_at(&log, at);
    log[at] ^= 1 << bit;
    std::fs::write(&path, &log).unwrap();
    let what = format!("bit {bit} of byte {at}, entry {entry}");
    let lost = u64::from(!is_end);

    let check = |compared: bool| {
        let (code, report) = verified(place, store);
        assert_eq!(code, 5, "{what}: {report}");
        assert_eq!(report["compared"], compared, "{what}: {report}");
        assert_eq!(report["entries"].as_u64().unwrap(), entries - lost, "{what}: {report}");
        assert_eq!(report["difference_count"], 0, "{what}: {report}");
        let damage = report["damage"].as_array().unwrap();
        assert_eq!(damage.len(), 1, "{what}: {report}");
        assert_eq!(damage[0]["segment"], SEGMENT);
        let [start, length] = ["start", "length"].map(|name| damage[0][name].as_u64().unwrap());
        assert!(start <= at as u64 && at as u64 <= start + length, "{what}: {report}");
        let positions = if is_end { [entry + 1, entry] } else { [entry, entry] };
        assert_eq!(damage[0]["positions"], serde_json::json!(positions), "{what}: {report}");
    };
    check(false);
    let (code, found) = status(place, store);
    assert_eq!((code, &found["facts"]), (0, &whole["facts"]), "{what}: the index still serves everything");
    let args = ["store", "export", "--store", store, "--out", &format!("{store}-out"), "--force"];
    let exported = place.dome(&args, b"");
    assert_eq!(exported.code, 5, "{what}: {}", exported.stderr);
    assert!(exported.stderr.contains(&format!("`log/{SEGMENT}`, byte ")), "{what}: {}", exported.stderr);
    assert_eq!(place.dome(&["verify", &format!("{store}-out")], b"").code, 0, "{what}");

    let rebuilt = rebuild(place, store);
    assert_eq!(rebuilt.code, 5, "{what}: {}", rebuilt.stderr);
    assert!(rebuilt.stderr.contains(&format!("`log/{SEGMENT}`, byte ")), "{what}: {}", rebuilt.stderr);
    check(false);
}

#[test]
fn one_flipped_bit_anywhere_in_a_segment_is_found_and_named_and_the_rest_is_served() {
    let (place, flips) = (Place::new(), times("DOME_FLIPS", 150));
    spread(&place, &lines(1, 10)[..90]);
    assert_eq!(place.dome(&ingest_args("whole", "9"), b"").code, 0);
    is_sound(&place, "whole");
    let whole = status(&place, "whole").1;
    let entries = whole["entries"].as_u64().unwrap();
    let log = std::fs::read(place.path("whole/log").join(SEGMENT)).unwrap();
    let mut dice = Dice::new(11);
    let mut wanted: Vec<(usize, u64)> = (0..flips).map(|_| (place_of(&log, &mut dice), dice.roll(8))).collect();
    wanted.push((log.len() - 1, 0));
    let ends = wanted.iter().filter(|(at, _)| log[*at] == b'\n').count();
    eprintln!("{} flips in {} bytes and {entries} entries, {ends} of line feeds", wanted.len(), log.len());
    let wanted = Mutex::new(wanted);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (place, whole, wanted) = (&place, &whole, &wanted);
            scope.spawn(move || {
                let next = || wanted.lock().unwrap().pop();
                while let Some((at, bit)) = next() {
                    flipped(place, &format!("s{thread}"), at, bit, whole, entries);
                }
            });
        }
    });
}

#[test]
fn a_store_with_a_damaged_line_goes_on_taking_lines_in() {
    let place = Place::new();
    let lines = lines(1, 12);
    spread(&place, &lines[..90]);
    ingest(&place, "s");
    let path = place.path("s/log").join(SEGMENT);
    let mut log = std::fs::read(&path).unwrap();
    let third = log.len() / 3;
    log[third] ^= 1;
    std::fs::write(&path, &log).unwrap();
    assert_eq!(rebuild(&place, "s").code, 5);
    let before = status(&place, "s").1;
    spread(&place, &lines);
    ingest(&place, "s");
    let (code, after) = status(&place, "s");
    assert_eq!(code, 0, "{after}");
    assert!(after["facts"].as_u64() > before["facts"].as_u64());
    let (code, report) = verified(&place, "s");
    assert_eq!(
        (code, &report["difference_count"], &report["compared"]),
        (5, &Value::from(0), &Value::from(false)),
        "{report}"
    );
}

#[test]
fn a_checkpoint_that_is_lost_makes_its_lines_be_read_again_and_no_fact_twice() {
    let place = Place::new();
    spread(&place, &lines(1, 14)[..90]);
    ingest(&place, "s");
    let whole = status(&place, "s").1;
    let path = place.path("s/log").join(SEGMENT);
    let mut log = std::fs::read(&path).unwrap();
    let last = log.len() - 30;
    log[last] ^= 1;
    std::fs::write(&path, &log).unwrap();
    assert_eq!(rebuild(&place, "s").code, 5);
    ingest(&place, "s");
    let (code, found) = status(&place, "s");
    assert_eq!((code, &found["facts"]), (0, &whole["facts"]), "{found}");
    let (code, report) = verified(&place, "s");
    assert_eq!((code, &report["difference_count"]), (5, &Value::from(0)), "{report}");
    let export = ["store", "export", "--store", "s", "--out", "out"];
    assert_eq!(place.dome(&export, b"").code, 5);
    assert_eq!(place.dome(&["verify", "out"], b"").code, 0);
}

fn truncate(path: &Path, bytes: u64) {
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(bytes).unwrap();
}

#[test]
fn a_segment_that_lost_its_end_or_is_gone_is_named_and_the_store_goes_on_behind_it() {
    let place = Place::new();
    let lines = lines(1, 13);
    spread(&place, &lines[..90]);
    assert_eq!(place.dome(&ingest_args("whole", "9"), b"").code, 0);
    let whole = status(&place, "whole").1;
    let entries = whole["entries"].as_u64().unwrap();
    let length = std::fs::metadata(place.path("whole/log").join(SEGMENT)).unwrap().len();
    for kept in [Some(length / 2), Some(length - 1), Some(0), None] {
        copy(&place, "whole", "s");
        let path = place.path("s/log").join(SEGMENT);
        let log = std::fs::read(&path).unwrap();
        let kept_entries = kept.map_or(0, |kept| {
            log[..usize::try_from(kept).unwrap()].iter().filter(|byte| **byte == b'\n').count() as u64
                + u64::from(kept == length - 1)
        });
        match kept {
            Some(kept) => truncate(&path, kept),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let (code, report) = verified(&place, "s");
        assert_eq!(code, 5, "{kept:?}: {report}");
        assert_eq!(report["entries"], kept_entries, "{kept:?}: {report}");
        assert_eq!(report["damage"].as_array().unwrap().len(), 1, "{kept:?}: {report}");
        assert_eq!(report["damage"][0]["positions"][1], entries, "{kept:?}: {report}");
        let (code, found) = status(&place, "s");
        assert_eq!((code, &found["damaged"]), (5, &Value::from(1)), "{kept:?}");
        let export = ["store", "export", "--store", "s", "--out", "out", "--force"];
        assert_eq!(place.dome(&export, b"").code, 5, "{kept:?}");
        spread(&place, &lines);
        let ended = ingest(&place, "s");
        assert!(ended.stderr.contains("part of the log is gone"), "{kept:?}: {}", ended.stderr);
        let (code, report) = verified(&place, "s");
        assert_eq!(code, 5, "{kept:?}: {report}");
        assert_eq!(report["damage"][0]["positions"][1], entries, "{kept:?}: what was lost stays lost: {report}");
        // A rebuild finds that the checkpoints are gone too: what the sources still have is read again.
        assert_eq!(rebuild(&place, "s").code, 5, "{kept:?}");
        let (code, report) = verified(&place, "s");
        assert_eq!((code, &report["difference_count"]), (5, &Value::from(0)), "{kept:?}: {report}");
        spread(&place, &lines[..90]);
    }
}
