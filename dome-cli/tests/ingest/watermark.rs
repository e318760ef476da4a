//! Up to which instant the derived state is complete.

use super::steps::{failure, lines};
use crate::harness::Place;

#[test]
fn an_unfinished_last_line_holds_the_watermark_back_until_it_is_completed() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r1", 10), failure("r1", 50)]));
    let started = lines(&[failure("r2", 5), failure("r2", 20)]);
    place.file("b.jsonl", &started[..started.len() - 100]);
    let summary = place.json(&["ingest", "a.jsonl", "b.jsonl", "--store", "s"]);
    assert_eq!(summary["watermark"], "2026-02-01T10:00:05Z");
    assert_eq!(place.source("b.jsonl")["open"], true);
    let said = place.ends(0, &["store", "status", "--store", "s"]).stdout;
    assert!(said.contains("b.jsonl  (its last line has no end yet)"), "{said}");
    assert!(said.contains("complete up to 2026-02-01T10:00:05Z"), "{said}");
    place.file("b.jsonl", &started);
    place.ingest(&["b.jsonl"]);
    assert_eq!(place.status()["watermark"], "2026-02-01T10:00:50Z", "the last fact's ordered time");
    // Deriving the index again tells the same.
    place.ends(0, &["store", "rebuild", "--store", "s"]);
    assert_eq!(place.status()["watermark"], "2026-02-01T10:00:50Z");
}

#[test]
fn a_source_that_has_told_nothing_yet_leaves_no_watermark() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r1", 10)]));
    place.file("b.jsonl", "{\"envelope_ver");
    let summary = place.json(&["ingest", "a.jsonl", "b.jsonl", "--store", "s"]);
    assert_eq!(summary.get("watermark"), None, "{summary}");
    // Other content under its name: nobody will read the rest of it.
    place.file("b.jsonl", lines(&[failure("r2", 5)]));
    place.ingest(&["b.jsonl"]);
    assert_eq!(place.status()["watermark"], "2026-02-01T10:00:10Z");
}
