//! Reporters that may not wait, writers that do, and two stores in one.

use std::process::{Command, Stdio};

use super::steps::{failure, lines};
use crate::harness::Place;

#[test]
fn what_is_left_in_the_inbox_is_taken_in_by_the_next_question_and_by_the_next_ingest() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r1", 1)]));
    place.file("b.jsonl", lines(&[failure("r2", 1)]));
    let early = place.dome(&["ingest", "b.jsonl", "--store", "s", "--inbox"], b"");
    assert_ne!(early.code, 0, "an inbox makes no store: {}", early.stdout);
    place.ingest(&["a.jsonl"]);
    let left = place.ends(0, &["ingest", "b.jsonl", "--store", "s", "--inbox"]).stdout;
    assert!(left.contains("waits in the inbox: inbox/"), "{left}");
    assert_eq!(place.files("s/inbox").len(), 1);
    let found = place.ends(0, &["query", "recent-failures", "--store", "s", "--run", "r2", "--require-match"]);
    assert!(found.stderr.is_empty(), "{}", found.stderr);
    assert_eq!(place.files("s/inbox").len(), 0);
    let left = place.json(&["ingest", "-", "--store", "s", "--inbox"]);
    assert_eq!(left["sources"].as_array().map(Vec::len), Some(1), "{left}");
    place.ingest(&["a.jsonl"]);
    assert_eq!(place.files("s/inbox").len(), 0);
    assert_eq!(place.status()["facts"], 2);
}

#[test]
fn while_another_process_writes_an_ingest_waits_and_a_question_says_what_waits() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r1", 1)]));
    place.file("b.jsonl", lines(&[failure("r2", 1)]));
    place.ingest(&["a.jsonl"]);
    let mut writer = Command::new(env!("CARGO_BIN_EXE_dome"));
    // It waits for its turn: an ingest of the loop below may hold the lock.
    writer.args(["ingest", "-", "--store", "s", "--follow", "--wait", "60"]).current_dir(place.path("."));
    let mut writer = writer.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    while place.dome(&["ingest", "b.jsonl", "--store", "s"], b"").code == 0 {}
    place.ends(0, &["ingest", "b.jsonl", "--store", "s", "--inbox"]);
    let asked = place.ends(0, &["query", "recent-failures", "--store", "s"]);
    assert!(asked.stderr.contains("1 files wait in the inbox of `s`"), "{}", asked.stderr);
    assert_eq!(place.status()["inbox"], 1);
    place.ends(1, &["ingest", "b.jsonl", "--store", "s", "--wait", "1"]);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| place.dome(&["ingest", "b.jsonl", "--store", "s", "--wait", "60"], b""));
        std::thread::sleep(std::time::Duration::from_millis(300));
        drop(writer.stdin.take());
        assert!(writer.wait().unwrap().success());
        let waited = waits.join().unwrap();
        assert_eq!(waited.code, 0, "{}", waited.stderr);
    });
    assert_eq!(place.status()["inbox"], 0);
}

#[test]
fn two_stores_become_one_in_either_order() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r1", 1), failure("r1", 2)]));
    place.file("b.jsonl", lines(&[failure("r1", 3), failure("r2", 1)]));
    place.ends(0, &["ingest", "a.jsonl", "--store", "a", "--not-after", "off"]);
    place.ends(0, &["ingest", "b.jsonl", "--store", "b", "--not-after", "off"]);
    place.ends(0, &["ingest", "a.jsonl", "b.jsonl", "--store", "both", "--not-after", "off"]);
    for (out, of) in [("ab", ["a", "b"]), ("ba", ["b", "a"])] {
        let said = place.ends(0, &["store", "merge", of[0], of[1], "--out", out]).stdout;
        assert!(said.contains("of 2 sources"), "{said}");
    }
    for store in ["both", "ab", "ba"] {
        place.ends(0, &["store", "export", "--store", store, "--out", &format!("{store}-out")]);
    }
    assert!(place.files("ab-out") == place.files("both-out") && place.files("ba-out") == place.files("both-out"));
    place.ends(1, &["store", "merge", "a", "b", "--out", "ab"]);
}
