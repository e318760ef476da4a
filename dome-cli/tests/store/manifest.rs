//! A store whose manifest or index is damaged or gone.

use super::feed::{Dice, exports_as, ingest, ingest_args, is_sound, lines, replay, spread, status};
use crate::harness::Place;

/// A store that is half full, made with settings that are not the usual ones.
fn half(place: &Place) {
    let lines = lines(1, 7);
    spread(place, &lines[..80]);
    let args = [ingest_args("s", "7"), vec!["--mode", "lenient"]].concat();
    assert_eq!(place.dome(&args, b"").code, 0);
    spread(place, &lines);
    place.dome(&["replay", "in", "--out", "declared"], b"");
    let args = ["replay", "in", "--out", "replayed", "--redact", "built-in", "--mode", "lenient", "--not-after"];
    assert_eq!(place.dome(&[&args[..], &[super::feed::NOT_AFTER]].concat(), b"").code, 0);
}

/// What the store was goes on, and comes to the same.
#[track_caller]
fn goes_on(place: &Place) {
    is_sound(place, "s");
    ingest(place, "s");
    is_sound(place, "s");
    let args = ["store", "export", "--store", "s", "--out", "exported", "--force"];
    assert_eq!(place.dome(&args, b"").code, 0);
    let facts = |folder: &str| std::fs::read(place.path(folder).join("facts.jsonl")).unwrap();
    assert!(facts("exported") == facts("replayed"), "mode and all");
}

#[test]
fn a_flipped_bit_of_the_manifest_is_said_and_the_log_makes_it_again() {
    let (place, mut dice) = (Place::new(), Dice::new(8));
    half(&place);
    let manifest = place.path("s/store.json");
    let whole = std::fs::read(&manifest).unwrap();
    for _ in 0..8 {
        let mut bytes = whole.clone();
        let at = usize::try_from(dice.roll(bytes.len() as u64 - 1)).unwrap();
        bytes[at] ^= 1 << dice.roll(8);
        std::fs::write(&manifest, &bytes).unwrap();
        for args in [
            vec!["store", "status", "--store", "s"],
            vec!["store", "verify", "--store", "s"],
            vec!["store", "export", "--store", "s", "--out", "none"],
            ingest_args("s", "5"),
        ] {
            let ended = place.dome(&args, b"");
            assert_eq!(ended.code, 3, "byte {at}, {args:?}: {}", ended.stderr);
            let said = &ended.stderr;
            assert!(said.contains("store.json` is damaged") && said.contains("store rebuild --store s"), "{said}");
        }
        assert!(!place.path("none").exists());
        let rebuilt = place.dome(&["store", "rebuild", "--store", "s"], b"");
        assert_eq!(rebuilt.code, 0, "{}", rebuilt.stderr);
        assert!(rebuilt.stderr.contains("made again from the log"), "{}", rebuilt.stderr);
        assert!(std::fs::read(&manifest).unwrap() == whole, "it is what it was");
        is_sound(&place, "s");
    }
    goes_on(&place);
}

#[test]
fn a_manifest_that_is_gone_costs_no_line_of_the_log() {
    let place = Place::new();
    half(&place);
    std::fs::remove_file(place.path("s/store.json")).unwrap();
    let log = place.files("s/log");
    for args in [ingest_args("s", "5"), vec!["store", "status", "--store", "s"]] {
        let ended = place.dome(&args, b"");
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert!(ended.stderr.contains("is gone") && ended.stderr.contains("store rebuild"), "{}", ended.stderr);
        assert!(place.files("s/log") == log, "nothing is cut");
    }
    // The settings stand in the log as well.
    std::fs::remove_file(place.path("s/index.sqlite")).unwrap();
    let rebuilt = place.dome(&["store", "rebuild", "--store", "s", "--mode", "lenient"], b"");
    assert_eq!(rebuilt.code, 0, "{}", rebuilt.stderr);
    goes_on(&place);
}

#[test]
fn half_a_batch_behind_a_lost_manifest_is_no_part_of_the_store() {
    let place = Place::new();
    half(&place);
    ingest(&place, "s");
    // The last batch loses its checkpoint: it was never acknowledged.
    let log = place.path("s/log/000000000001.jsonl");
    let bytes = std::fs::read(&log).unwrap();
    let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    std::fs::write(&log, &bytes[..last]).unwrap();
    std::fs::remove_file(place.path("s/store.json")).unwrap();
    let rebuilt = place.dome(&["store", "rebuild", "--store", "s"], b"");
    assert_eq!(rebuilt.code, 5, "{}", rebuilt.stderr);
    assert!(rebuilt.stderr.contains("are kept in `s/aside/"), "{}", rebuilt.stderr);
    goes_on(&place);
}

#[test]
fn an_index_that_is_garbage_is_made_again_by_whoever_asks() {
    let place = Place::new();
    spread(&place, &lines(1, 9));
    replay(&place, "in", "replayed");
    ingest(&place, "s");
    let index = place.path("s/index.sqlite");
    let whole = std::fs::read(&index).unwrap();
    let holes =
        |from: usize| whole.iter().enumerate().map(|(at, byte)| if at < from { *byte } else { !byte }).collect();
    let broken: [Vec<u8>; 4] = [b"garbage".to_vec(), vec![0; 100_000], whole[..5_000].to_vec(), holes(4096)];
    for (which, bytes) in broken.into_iter().enumerate() {
        std::fs::write(&index, &bytes).unwrap();
        for end in ["-wal", "-shm"] {
            let _none = std::fs::remove_file(place.path(&format!("s/index.sqlite{end}")));
        }
        let ended = place.dome(&["store", "status", "--store", "s"], b"");
        assert_eq!(ended.code, 0, "{which}: {}{}", ended.stdout, ended.stderr);
        exports_as(&place, "s", "replayed");
        ingest(&place, "s");
        assert_eq!(status(&place, "s").0, 0);
        is_sound(&place, "s");
        exports_as(&place, "s", "replayed");
    }
}
