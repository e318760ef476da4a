//! From an event that ends a test to its outcome.

use super::Event;
use super::message::panic;
use crate::finding::quote;
use crate::report::{Case, Outcome};
use crate::when::milliseconds;

/// The outcome; else what is wrong with it.
pub(super) fn of(event: &Event, line: u64) -> Result<Case, String> {
    let said = event.event.as_deref().unwrap_or_default();
    let outcome = match (&*event.r#type, said) {
        ("bench", "" | "ok") | (_, "ok") => Outcome::Passed,
        (_, "failed") if event.reason.as_deref() == Some("time limit exceeded") => Outcome::TimedOut,
        (_, "failed") => Outcome::Failed,
        (_, "ignored") => Outcome::Skipped,
        (_, other) => return Err(format!("the event is {}", quote(other))),
    };
    let (name, attempt) = plain(event.name.as_deref().unwrap_or_default());
    if name.is_empty() {
        return Err("the event names no test".to_owned());
    }
    // nextest: BINARY$TEST. Its JUnit report has the binary as the class.
    let (class, name) = name.split_once('$').map_or((None, name), |(class, name)| (Some(class), name));
    let mut case = Case::new(format!("line {line}"), name, outcome);
    case.class = class.map(str::to_owned);
    case.attempt = attempt;
    case.flaky = attempt.is_some() && outcome == Outcome::Passed;
    case.duration_ms = event.exec_time.as_ref().and_then(|time| milliseconds(&time.to_string()));
    if outcome != Outcome::Passed {
        case.message = event.message.clone().or_else(|| panic(event.stdout.as_deref()?));
    }
    Ok(case)
}

/// The name, and which attempt it was where nextest tried it again: `NAME#3`.
pub(super) fn plain(name: &str) -> (&str, Option<u64>) {
    match name.rsplit_once('#') {
        Some((plain, attempt)) if attempt.bytes().all(|byte| byte.is_ascii_digit()) => {
            attempt.parse().map_or((name, None), |attempt: u64| (plain, Some(attempt.clamp(1, 1_000_000))))
        }
        _ => (name, None),
    }
}
