//! Secrets: masked before anything is hashed or stored.

use serde_json::{Value, json};

use super::steps::{failure, lines, with};
use crate::harness::Place;

const TOKEN: &str = "ghp_0123456789abcdefghij0123456789abcdef";

/// A fact, a conflict, a bad envelope, junk, a line that is too long, and a last line without an end,
/// each with a secret.
fn input() -> String {
    let message = json!({"message": format!("push with {TOKEN} failed")});
    let fact = with(failure("r1", 1), message.clone());
    let conflict = with(failure("r1", 2), json!({"event_id": "e1", "message": TOKEN}));
    let bad = with(failure("r2", 1), json!({"message": TOKEN, "attempts": 0}));
    let long = format!("{TOKEN} {}\n", "x".repeat(3 << 20));
    let last = with(failure("r3", 1), message).to_string();
    lines(&[fact, conflict, bad]) + &format!("junk {TOKEN}\n{long}{last}")
}

/// Whether these bytes stand in any file of the store.
fn is_somewhere(place: &Place, bytes: &[u8]) -> bool {
    place.files("s").values().any(|file| file.windows(bytes.len()).any(|window| window == bytes))
}

fn redacted(place: &Place) -> Value {
    let manifest: Value = serde_json::from_str(&place.exported()["manifest.json"]).unwrap();
    manifest.get("redaction").or_else(|| manifest.get("redacted")).cloned().unwrap_or_default()
}

#[test]
fn no_byte_of_a_secret_is_in_the_store_by_default() {
    let place = Place::new();
    place.file("a.jsonl", input());
    place.ingest(&["a.jsonl"]);
    assert!(is_somewhere(&place, b"[redacted:github-token]"));
    assert!(!is_somewhere(&place, &TOKEN.as_bytes()[4..24]));
    place.equals_a_replay_of(&["a.jsonl"]);
    let told = redacted(&place);
    assert_eq!(told["counts"]["github-token"], 6, "{told}");
    assert!(told["digest"].is_string() && told["version"].is_string() && told["rules"].is_object(), "{told}");
}

#[test]
fn masks_of_a_last_line_that_is_completed_are_counted_once() {
    let place = Place::new();
    let whole = input() + "\n";
    for end in [whole.len() - 60, whole.len() - 1, whole.len()] {
        place.file("a.jsonl", &whole[..end]);
        place.ingest(&["a.jsonl"]);
        place.equals_a_replay_of(&["a.jsonl"]);
    }
    assert_eq!(redacted(&place)["counts"]["github-token"], 6);
}

#[test]
fn off_keeps_what_came_and_a_document_masks_what_it_says() {
    let place = Place::new();
    place.file("a.jsonl", input());
    place.ingest(&["a.jsonl", "--redact", "off"]);
    assert!(is_somewhere(&place, TOKEN.as_bytes()));
    assert_eq!(redacted(&place), Value::Null);
    let own = Place::new();
    let rules = json!({"redaction_version": "1", "patterns": [{"name": "push", "pattern": "push with \\S+"}]});
    own.file("rules.json", rules.to_string());
    own.file("a.jsonl", input());
    own.ingest(&["a.jsonl", "--redact", "rules.json"]);
    assert!(is_somewhere(&own, b"[redacted:push]"));
    assert_eq!(redacted(&own)["counts"]["push"], 2);
}
