//! Writers that are ended in the middle.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use super::feed::{
    Dice, exports_as, ingest, ingest_args, is_sound, lines, replay, signal, spread, start, status, times,
};
use crate::harness::Place;

/// Kills in one store before it is filled and held against the replay.
const KILLS_A_STORE: usize = 8;

/// What happened to the writers of one thread.
#[derive(Default, Debug)]
struct Told {
    /// Processes that were running when they were killed.
    kills: usize,
    /// Of these, such that had not made the store yet.
    before_store: usize,
    /// Of these, such that left bytes behind the acknowledged end.
    torn: usize,
    /// Stores that were filled and equal a replay.
    stores: usize,
}

/// Kills the writers of stores at random moments until `kills` were killed.
fn kill(place: &Place, thread: u64, kills: usize, whole: Duration) -> Told {
    let (mut told, mut dice, store) = (Told::default(), Dice::new(thread), format!("s{thread}"));
    while told.kills < kills {
        for _ in 0..KILLS_A_STORE.min(kills - told.kills) {
            let batch = ["1", "3", "7"][usize::try_from(dice.roll(3)).unwrap()];
            let mut child = start(place, &ingest_args(&store, batch));
            let longest = u64::try_from(whole.as_micros()).unwrap() / if told.kills.is_multiple_of(4) { 12 } else { 3 };
            std::thread::sleep(Duration::from_micros(dice.roll(longest)));
            if child.try_wait().unwrap().is_some() {
                break;
            }
            child.kill().unwrap();
            if child.wait().unwrap().signal() != Some(9) {
                break;
            }
            told.kills += 1;
            if place.path(&store).join("store.json").exists() {
                is_sound(place, &store);
            } else {
                told.before_store += 1;
            }
        }
        let ended = ingest(place, &store);
        told.torn += usize::from(ended.stderr.contains("never acknowledged"));
        is_sound(place, &store);
        exports_as(place, &store, "replayed");
        told.stores += 1;
        std::fs::remove_dir_all(place.path(&store)).unwrap();
    }
    told
}

#[test]
fn a_writer_killed_at_random_moments_loses_nothing_and_invents_nothing() {
    let (place, kills) = (Place::new(), times("DOME_KILLS", 200));
    spread(&place, &lines(2, 1));
    replay(&place, "in", "replayed");
    let began = Instant::now();
    assert_eq!(place.dome(&ingest_args("timed", "3"), b"").code, 0);
    let whole = began.elapsed();
    let told: Vec<Told> = std::thread::scope(|scope| {
        let threads = [1, 2].map(|thread| {
            scope.spawn({
                let place = &place;
                move || kill(place, thread, kills.div_ceil(2), whole)
            })
        });
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    eprintln!("{told:?}; an ingest takes {whole:?}");
    assert!(told.iter().map(|told| told.kills).sum::<usize>() >= kills);
    assert!(told.iter().any(|told| told.stores > 0));
}

#[test]
fn a_signal_in_the_middle_finishes_the_batch_and_leaves_a_clean_store() {
    let place = Place::new();
    spread(&place, &lines(4, 2));
    replay(&place, "in", "replayed");
    for name in ["-TERM", "-INT"] {
        let child = start(&place, &ingest_args("s", "1"));
        while !place.path("s/store.json").exists() || status(&place, "s").1["entries"].as_u64() < Some(20) {}
        signal(&child, name);
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("stopped by a signal"), "{said}");
        let before = status(&place, "s").1;
        assert!(before["facts"].as_u64() < Some(200), "it was stopped in the middle: {before}");
        is_sound(&place, "s");
        let ended = ingest(&place, "s");
        assert!(!ended.stderr.contains("never acknowledged"), "{}", ended.stderr);
        exports_as(&place, "s", "replayed");
        std::fs::remove_dir_all(place.path("s")).unwrap();
    }
}

#[test]
fn a_killed_writer_leaves_no_lock_behind() {
    let place = Place::new();
    spread(&place, &lines(1, 3));
    replay(&place, "in", "replayed");
    let mut child = start(&place, &[ingest_args("s", "5"), vec!["--follow"]].concat());
    while !place.path("s/store.json").exists() || status(&place, "s").1["entries"].as_u64() < Some(20) {}
    assert_eq!(place.dome(&ingest_args("s", "5"), b"").code, 1, "the lock is held");
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    is_sound(&place, "s");
    ingest(&place, "s");
    exports_as(&place, "s", "replayed");
}
