//! JSON lines of libtest and of nextest, which writes the same. `docs/formats/libtest.md` has the
//! mapping.

use std::collections::BTreeMap;

use dome_core::limits::MESSAGE_BYTES;
use serde::Deserialize;

use crate::finding::{Finding, FindingCode, quote};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::FileReader;
use crate::record::{NAMELESS, cut};
use crate::report::{TestCase, TestOutcome};
use crate::when::milliseconds;

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "libtest",
    summary: "JSON lines of libtest and nextest (`--format json`, `--message-format libtest-json`)",
    endings: &[".jsonl", ".json", ".ndjson"],
    codes: crate::report::CODES,
    sniff: |head: &Head| head.has_event(LibtestEvent::is_known),
    converts: Converts::Each(convert),
};

const EXPECTED: &str = "an event of libtest: an object with `type` and `event`";

#[derive(Debug, Deserialize)]
struct LibtestEvent {
    r#type: String,
    event: Option<String>,
    name: Option<String>,
    exec_time: Option<serde_json::Number>,
    stdout: Option<String>,
    message: Option<String>,
    reason: Option<String>,
}

impl LibtestEvent {
    fn is_known(&self) -> bool {
        matches!(&*self.r#type, "suite" | "test" | "bench" | "report")
            && (self.event.is_some() || matches!(&*self.r#type, "bench" | "report"))
    }
}

#[derive(Debug, Default)]
struct LibtestState {
    /// Tests that began and did not end, with the line.
    running: BTreeMap<String, u64>,
    /// Suites that began and did not end.
    suites: u64,
    /// The last attempt that ended, of tests that were tried again.
    tried: BTreeMap<String, u64>,
}

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut state = LibtestState::default();
    reading.events(out, ("libtest", EXPECTED), |event: LibtestEvent, line, out| {
        state.take(&event, line, out);
        event.is_known()
    })?;
    state.end(out);
    Ok(())
}

impl LibtestState {
    fn take(&mut self, event: &LibtestEvent, line: u64, out: &mut Out<'_>) {
        let name = event.name.as_deref().unwrap_or(NAMELESS);
        match (&*event.r#type, event.event.as_deref()) {
            ("suite", Some("started")) => self.suites += 1,
            ("suite", _) => self.suites = self.suites.saturating_sub(1),
            ("test", Some("started")) => {
                self.running.insert(name.to_owned(), line);
            }
            // It has been running for a minute; how it ends is still to come.
            ("test", Some("timeout")) | ("report", _) => {}
            ("test" | "bench", _) => {
                self.running.remove(plain(name).0);
                match outcome(event, line) {
                    Ok(case) => self.push(case, out),
                    Err(message) => {
                        let expected = "`started`, `ok`, `failed`, `ignored` or `timeout`, and a `name`";
                        out.leave_out(&line.to_string(), FindingCode::StatusUnknown, message, expected);
                    }
                }
            }
            (other, _) => {
                let message = format!("an event of type {}", quote(other));
                out.leave_out(&line.to_string(), FindingCode::RecordMalformed, message, EXPECTED);
            }
        }
    }

    /// nextest writes the last attempt alone: what came before it is not there.
    fn push(&mut self, case: TestCase, out: &mut Out<'_>) {
        if let Some(attempt) = case.record.attempts {
            let before = self.tried.insert(case.target(), attempt).unwrap_or(0);
            let lost = attempt.saturating_sub(before.saturating_add(1));
            if lost > 0 {
                let message = format!("attempts before attempt {attempt} that the stream does not hold: {lost}");
                out.note(FindingCode::AttemptsLost, &case.record.place, message);
            }
        }
        out.test(case);
    }

    /// Tests without an end: lost where the stream broke off, unsaid where all suites ended.
    fn end(self, out: &mut Out<'_>) {
        for (name, line) in self.running {
            let (place, message) =
                (line.to_string(), format!("the test {} began, and nothing says how it ended", quote(&name)));
            if self.suites == 0 {
                out.note(FindingCode::OutcomeUnsaid, &place, message);
            } else {
                out.leave_out(&place, FindingCode::OutcomeMissing, message, "its end, or that of its suite");
            }
        }
    }
}

fn outcome(event: &LibtestEvent, line: u64) -> Result<TestCase, String> {
    let outcome = match (&*event.r#type, event.event.as_deref()) {
        ("bench", None | Some("")) | (_, Some("ok")) => TestOutcome::Passed,
        (_, Some("failed")) if event.reason.as_deref() == Some("time limit exceeded") => TestOutcome::TimedOut,
        (_, Some("failed")) => TestOutcome::Failed,
        (_, Some("ignored")) => TestOutcome::Skipped,
        (_, other) => return Err(format!("the event is {}", quote(other.unwrap_or("")))),
    };
    let (name, attempt) = plain(event.name.as_deref().unwrap_or(NAMELESS));
    if name == NAMELESS {
        return Err("the event names no test".to_owned());
    }
    // nextest: BINARY$TEST. Its JUnit report has the binary as the class.
    let (class, name) = name.split_once('$').map_or((None, name), |(class, name)| (Some(class), name));
    let mut case = TestCase::new(format!("line {line}"), name, outcome);
    case.class = class.map(str::to_owned);
    case.flaky = attempt.is_some() && outcome == TestOutcome::Passed;
    case.record.attempts = attempt;
    case.record.duration_ms = event.exec_time.as_ref().and_then(|time| milliseconds(&time.to_string()));
    if outcome != TestOutcome::Passed {
        case.record.message = event.message.clone().or_else(|| panic(event.stdout.as_deref()?));
    }
    Ok(case)
}

/// The name, and which attempt it was where nextest tried it again: `NAME#3`.
fn plain(name: &str) -> (&str, Option<u64>) {
    match name.rsplit_once('#') {
        Some((plain, attempt)) if attempt.bytes().all(|byte| byte.is_ascii_digit()) => {
            attempt.parse().map_or((name, None), |attempt: u64| (plain, Some(attempt.clamp(1, 1_000_000))))
        }
        _ => (name, None),
    }
}

/// The report of the panic, from `thread 'NAME' panicked at PLACE:` to the note on backtraces; else the error that the
/// test returned (`Error: ...`). `None` where there is neither: the rest is output, not failure.
fn panic(stdout: &str) -> Option<String> {
    let begins = |line: &str| line.starts_with("thread '") && line.contains(" panicked at ");
    let ends = |line: &str| line.starts_with("note: ") || line == "stack backtrace:";
    let report: Vec<&str> = stdout.lines().skip_while(|line| !begins(line)).take_while(|line| !ends(line)).collect();
    let text = if report.is_empty() {
        stdout.lines().find(|line| line.starts_with("Error: "))?.to_owned()
    } else {
        report.join("\n")
    };
    Some(cut(text.trim(), MESSAGE_BYTES).to_owned())
}

#[cfg(test)]
mod tests {
    use super::panic;

    #[test]
    fn a_panic_is_found_among_what_was_printed() {
        let stdout = "noise\n\nthread 'a' (31909) panicked at src/lib.rs:17:5:\nassertion failed\n  left: 4\nnote: run with\nmore";
        assert_eq!(
            panic(stdout).as_deref(),
            Some("thread 'a' (31909) panicked at src/lib.rs:17:5:\nassertion failed\n  left: 4")
        );
        assert_eq!(panic("x\nError: \"no\"\ny").as_deref(), Some("Error: \"no\""));
        assert_eq!((panic("only noise"), panic("")), (None, None));
    }
}
