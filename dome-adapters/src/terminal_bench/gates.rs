//! Test results as gates, and what pytest says beside a failed one as the failure's message.

use std::collections::BTreeMap;

use dome_core::Status;
use dome_core::limits::MESSAGE_BYTES;

use super::trials::Trial;
use crate::draft::GateDraft;
use crate::finding::{Finding, FindingCode, quote};

/// What the tests of a trial came to.
#[derive(Debug)]
pub(super) struct Gates<'f> {
    pub(super) gates: Vec<GateDraft<'f>>,
    /// One line a failed test that has a text, by test: `TEST - TEXT`.
    pub(super) message: Option<String>,
}

impl<'f> Gates<'f> {
    /// One gate a test, by name. A test that stands there with and without a text is one test,
    /// and failed if it failed once.
    pub(super) fn of(trial: &Trial<'f>) -> Result<Self, Finding> {
        let mut gates: BTreeMap<&str, Status> = BTreeMap::new();
        let mut texts = Vec::new();
        for (entry, result) in trial.raw.parser_results.iter().flatten() {
            let status = status_of(result).ok_or_else(|| {
                let message = format!("test {} has the status {}", quote(entry), quote(result));
                trial.at().found(FindingCode::StatusUnknown, message, "`passed`, `failed` or `skipped`")
            })?;
            let name = name_of(entry);
            if name != entry && status == Status::Fail {
                texts.push(entry.as_str());
            }
            let merged = gates.entry(name).or_insert(status);
            *merged = worse(*merged, status);
        }
        let gates = gates.into_iter().map(|(gate_id, status)| GateDraft { gate_id, status }).collect();
        Ok(Self { gates, message: message(&texts) })
    }
}

/// The texts, a line each, as many whole ones as a message holds.
fn message(texts: &[&str]) -> Option<String> {
    let mut message = String::new();
    for text in texts {
        if message.len() + 1 + text.len() > MESSAGE_BYTES {
            break;
        }
        if !message.is_empty() {
            message.push('\n');
        }
        message.push_str(text);
    }
    (!message.is_empty()).then_some(message)
}

fn status_of(result: &str) -> Option<Status> {
    match result {
        "passed" => Some(Status::Pass),
        "failed" => Some(Status::Fail),
        "skipped" => Some(Status::Skip),
        _ => None,
    }
}

fn worse(a: Status, b: Status) -> Status {
    let either = |status| a == status || b == status;
    match () {
        () if either(Status::Fail) => Status::Fail,
        () if either(Status::Pass) => Status::Pass,
        () => Status::Skip,
    }
}

/// The test's name: what stands before pytest's own separator of name and text, ` - `. One inside
/// brackets belongs to a parameter, and so to the name.
fn name_of(entry: &str) -> &str {
    let mut depth = 0_usize;
    for (place, found) in entry.char_indices() {
        match found {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && place > 0 => match entry.split_at_checked(place) {
                Some((name, rest)) if rest.starts_with(" - ") => return name,
                _ => {}
            },
            _ => {}
        }
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
