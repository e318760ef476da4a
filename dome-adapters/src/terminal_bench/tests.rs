//! The words of the harness, one by one.

use super::*;

/// The failure modes of terminal-bench 0.2.18.
const MODES: [&str; 11] = [
    "agent_installation_failed",
    "agent_timeout",
    "context_length_exceeded",
    "fatal_llm_parse_error",
    "none",
    "output_length_exceeded",
    "parse_error",
    "test_timeout",
    "unknown",
    "unknown_agent_error",
    "unset",
];

#[test]
fn every_mode_of_the_harness_has_a_code_with_a_meaning_of_its_own() {
    let mut codes: Vec<_> = MODES.iter().filter_map(|mode| code_of(mode)).collect();
    codes.push("TESTS_FAILED".to_owned());
    codes.sort();
    assert_eq!(codes, CODES.iter().map(|meaning| meaning.code).collect::<Vec<_>>());
}

#[test]
fn the_table_beside_this_file_is_the_one_that_is_printed() {
    let table = dome_core::CodeTable::parse(include_bytes!("reason-codes.json"));
    assert_eq!(table, Ok(crate::codes::table(CODES.iter().map(|known| (known.code, known.class)))));
}

#[test]
fn a_mode_of_a_later_harness_keeps_its_name() {
    assert_eq!(code_of("setup_timeout").as_deref(), Some("TRIAL.SETUP_TIMEOUT"));
}

#[test]
fn a_tests_name_ends_where_pytest_begins_its_text() {
    for (entry, name) in [
        ("test_success", "test_success"),
        ("test_public - AssertionError: Bucket is not public", "test_public"),
        ("../tests/test_outputs.py - TypeError: bad - worse", "../tests/test_outputs.py"),
        ("test_maze[10] - Failed", "test_maze[10]"),
        ("test_range[1 - 2]", "test_range[1 - 2]"),
        ("test_range[1 - 2] - AssertionError: [3]", "test_range[1 - 2]"),
        ("test_odd] - x", "test_odd]"),
        ("test_open[ - x", "test_open[ - x"),
        ("[1] ../tests/test_outputs.py:48: not running", "[1] ../tests/test_outputs.py:48: not running"),
        (" - x", " - x"),
        ("a-b", "a-b"),
        ("", ""),
    ] {
        assert_eq!(name_of(entry), name);
    }
}

#[test]
fn a_message_holds_whole_texts_up_to_its_limit() {
    let long = "x".repeat(MESSAGE_BYTES / 2);
    assert_eq!(message(&["a", "b"]).as_deref(), Some("a\nb"));
    assert_eq!(message(&[&long, "b", &long]), Some(format!("{long}\nb")));
    assert_eq!(message(&[]), None);
}

#[test]
fn a_test_that_failed_once_failed() {
    use Status::{Fail, Pass, Skip};
    for (a, b, both) in [(Pass, Fail, Fail), (Skip, Fail, Fail), (Skip, Pass, Pass), (Skip, Skip, Skip)] {
        assert_eq!((worse(a, b), worse(b, a)), (both, both));
    }
}

fn trial(task_id: &str, trial_name: &str) -> RawTrial {
    let json = serde_json::json!({"task_id": task_id, "trial_name": trial_name});
    RawTrial::read(FoundAt { input: "r.json", place: "" }, &json).unwrap_or_else(|finding| unreachable!("{finding}"))
}

#[test]
fn a_trial_is_named_by_task_attempt_and_run() {
    let dotted = trial("eval-mteb.hard", "eval-mteb.hard.2-of-5.2025-10-22__09-19-22");
    assert_eq!(dotted.attempt_and_run(), Some(("2-of-5", "2025-10-22__09-19-22")));
    assert_eq!(trial("a", "a.1-of-1.nightly.7").attempt_and_run(), Some(("1-of-1", "nightly.7")));
}

#[test]
fn any_other_name_says_neither_attempt_nor_run() {
    for name in ["", "a", "a.1-of-2", "a.1-of-2.", "a.x-of-2.r", "a.1-of-.r", "a.1of2.r", "b.1-of-2.r", "a1-of-2.r"] {
        assert_eq!(trial("a", name).attempt_and_run(), None, "{name}");
    }
}
