//! Checkpoints: neither skipped nor read twice, whatever becomes of a source.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::steps::{failure, lines};
use crate::harness::Place;

#[test]
fn the_same_input_again_adds_nothing() {
    let place = Place::new();
    place.file("in/a.jsonl", lines(&[failure("r1", 1), failure("r1", 2)]));
    place.file("in/b.jsonl", lines(&[failure("r2", 1)]) + "junk\n\nlast line without an end");
    place.ingest(&["in"]);
    let before = (place.log(), place.files("s").remove("store.json"));
    let again = place.ingest(&["in"]);
    assert!(again.stdout.contains("0  lines read") && again.stderr.is_empty(), "{}{}", again.stdout, again.stderr);
    assert!((place.log(), place.files("s").remove("store.json")) == before, "not a byte of the log differs");
    place.equals_a_replay_of(&["in"]);
}

#[test]
fn a_source_that_grew_is_read_on_also_in_the_middle_of_a_line() {
    let place = Place::new();
    let whole = lines(&[failure("r1", 1), failure("r1", 2), failure("r1", 3)]);
    for end in [10, 700, 701, whole.len() - 1, whole.len()] {
        place.file("a.jsonl", &whole[..end]);
        let ended = place.ingest(&["a.jsonl"]);
        assert_eq!(ended.stderr, "", "{end}");
        place.equals_a_replay_of(&["a.jsonl"]);
    }
    assert_eq!(place.status()["facts"], 3);
    assert_eq!(place.source("a.jsonl")["lines"], 3);
}

#[test]
fn l3_a_last_line_that_was_quarantined_and_is_completed_later_is_one_line() {
    let place = Place::new();
    let line = lines(&[failure("r1", 1)]);
    place.file("a.jsonl", &line[..100]);
    place.ingest(&["a.jsonl"]);
    assert_eq!(place.status()["quarantined"], 1);
    assert_eq!(place.source("a.jsonl")["unfinished"], true);
    place.equals_a_replay_of(&["a.jsonl"]);
    place.file("a.jsonl", &line);
    place.ingest(&["a.jsonl"]);
    let status = place.status();
    assert_eq!((&status["facts"], &status["quarantined"]), (&1.into(), &0.into()));
    assert_eq!(place.source("a.jsonl")["lines"], 1);
    place.equals_a_replay_of(&["a.jsonl"]);
    // The other way: a sound line that goes on, and is none.
    place.file("b.jsonl", lines(&[failure("r2", 1)]).trim_end());
    place.ingest(&["b.jsonl"]);
    place.file("b.jsonl", lines(&[failure("r2", 1)]).trim_end().to_owned() + "} and more\n");
    place.ingest(&["b.jsonl"]);
    place.equals_a_replay_of(&["a.jsonl", "b.jsonl"]);
}

#[test]
fn a_short_line_that_grows_too_long_is_one_line() {
    let place = Place::new();
    place.file("a.jsonl", "junk");
    place.ingest(&["a.jsonl"]);
    place.file("a.jsonl", format!("junk{}\n{}", "x".repeat(3 << 20), lines(&[failure("r1", 1)])));
    place.ingest(&["a.jsonl"]);
    place.equals_a_replay_of(&["a.jsonl"]);
}

#[test]
fn truncated_rotated_and_rewritten_sources_are_told_and_read_under_a_name_of_their_own() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r1", 1), failure("r1", 2)]));
    place.ingest(&["a.jsonl"]);
    place.file("a.jsonl", lines(&[failure("r2", 1)]));
    let shorter = place.ingest(&["a.jsonl"]).stderr;
    assert!(shorter.contains("is shorter than what was read") && shorter.contains("`a.jsonl#2`"), "{shorter}");
    place.file("a.jsonl", lines(&[failure("r3", 1), failure("r3", 2), failure("r3", 3)]));
    let other = place.ingest(&["a.jsonl"]).stderr;
    assert!(other.contains("does not begin with what was read") && other.contains("`a.jsonl#3`"), "{other}");
    // What stood there first is known, and read on.
    place.file("a.jsonl", lines(&[failure("r1", 1), failure("r1", 2), failure("r1", 3)]));
    assert_eq!(place.ingest(&["a.jsonl"]).stderr, "");
    let status = place.status();
    let names: Vec<_> = status["sources"].as_array().unwrap().iter().map(|source| &source["name"]).collect();
    assert_eq!(names, ["a.jsonl", "a.jsonl#2", "a.jsonl#3"]);
    assert_eq!(status["facts"], 7);
    place.file("all.jsonl", lines(&[1, 2, 3].map(|sequence| failure("r1", sequence))));
    place.file("b.jsonl", lines(&[failure("r2", 1), failure("r3", 1), failure("r3", 2), failure("r3", 3)]));
    place.derives_as_a_replay_of(&["all.jsonl", "b.jsonl"]);
}

#[test]
fn compressed_sources_are_read_and_read_on() {
    let place = Place::new();
    let texts = [lines(&[failure("r1", 1)]), lines(&[failure("r1", 1), failure("r1", 2)])];
    for text in &texts {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(text.as_bytes()).unwrap();
        place.file("in/a.jsonl.gz", gz.finish().unwrap());
        place.file("in/b.jsonl.zst", zstd::encode_all(text.replace("r1", "r2").as_bytes(), 1).unwrap());
        assert_eq!(place.ingest(&["in"]).stderr, "");
        place.equals_a_replay_of(&["in"]);
    }
    assert_eq!(place.status()["facts"], 4);
    let before = place.log();
    place.ingest(&["in"]);
    assert!(place.log() == before);
}

#[test]
fn two_folders_with_a_file_of_one_name_are_two_sources() {
    let place = Place::new();
    place.file("mon/a.jsonl", lines(&[failure("r1", 1)]));
    place.file("tue/a.jsonl", lines(&[failure("r2", 1)]));
    place.file("wed/a.jsonl", lines(&[failure("r2", 1)]));
    let args = ["mon", "tue", "wed"];
    let said = place.ingest(&args).stderr;
    assert!(said.contains("more than one source is called `a.jsonl`") && !said.contains("rotated"), "{said}");
    let status = place.status();
    assert_eq!((&status["facts"], &status["duplicates"]), (&2.into(), &1.into()), "as a replay counts them");
    place.derives_as_a_replay_of(&args);
    let before = place.log();
    place.ingest(&args);
    assert!(place.log() == before, "each is found again");
    place.file("mon/a.jsonl", lines(&[failure("r1", 1), failure("r1", 2)]));
    let said = place.ingest(&args).stderr;
    assert!(!said.contains("rotated"), "{said}");
    assert_eq!(place.source("a.jsonl")["lines"], 2);
}

#[test]
fn stdin_twice_is_two_streams_and_the_same_again_is_none() {
    let place = Place::new();
    let [one, two] = ["r1", "r2"].map(|run| lines(&[failure(run, 1)]));
    let args = ["ingest", "-", "--store", "s"];
    for (text, facts) in [(&one, 1), (&two, 2), (&one, 2), (&two, 2)] {
        let ended = place.dome(&args, text.as_bytes());
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        assert_eq!(place.status()["facts"], facts);
    }
    assert_eq!(place.status()["sources"].as_array().unwrap().len(), 2);
    place.file("all.jsonl", one + &two);
    place.derives_as_a_replay_of(&["all.jsonl"]);
}

#[test]
fn many_small_files_go_into_few_batches() {
    let place = Place::new();
    for number in 0..50 {
        place.file(&format!("in/{number}.jsonl"), lines(&[failure(&format!("r{number}"), 1)]));
    }
    let summary = place.json(&["ingest", "in", "--store", "s"]);
    assert_eq!((&summary["batches"], &summary["lines"]), (&1.into(), &50.into()));
    place.equals_a_replay_of(&["in"]);
}
