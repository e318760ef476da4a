//! JSON lines of libtest and of nextest, which writes the same. `docs/formats/libtest.md` has the
//! mapping.

mod message;
mod outcome;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::finding::{Finding, FindingCode, quote};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::Reading;

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "libtest",
    summary: "JSON lines of libtest and nextest (`--format json`, `--message-format libtest-json`)",
    endings: &[".jsonl", ".json", ".ndjson"],
    codes: crate::report::CODES,
    sniff,
    converts: Converts::Each(convert),
};

/// What an event is expected to be.
const EVENT: &str = "an event of libtest: an object with `type` and `event`";

fn sniff(head: &Head<'_>) -> bool {
    let event = |line: &str| serde_json::from_str::<Event>(line.trim()).is_ok_and(|event| event.is_known());
    head.lines().take(20).any(event)
}

/// One line.
#[derive(Debug, Deserialize)]
struct Event {
    r#type: String,
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    exec_time: Option<serde_json::Number>,
    #[serde(default)]
    stdout: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

impl Event {
    fn is_known(&self) -> bool {
        matches!(&*self.r#type, "suite" | "test" | "bench" | "report")
            && (self.event.is_some() || matches!(&*self.r#type, "bench" | "report"))
    }
}

/// What is known so far.
#[derive(Debug, Default)]
struct State {
    /// Tests that began and did not end, with the line.
    running: BTreeMap<String, u64>,
    /// Suites that began and did not end.
    suites: u64,
    /// Whether any event was one of the format.
    known: bool,
}

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut state = State::default();
    reading.events(out, EVENT, |event: Event, line, out| state.take(event, line, out))?;
    if !state.known {
        return Err(reading.at("").found(FindingCode::WrongFormat, "no line of it is an event of libtest", EVENT));
    }
    state.end(out);
    Ok(())
}

impl State {
    fn take(&mut self, event: Event, line: u64, out: &mut Out<'_>) {
        self.known |= event.is_known();
        let name = event.name.clone().unwrap_or_default();
        match (&*event.r#type, event.event.as_deref().unwrap_or_default()) {
            ("suite", "started") => self.suites += 1,
            ("suite", _) => self.suites = self.suites.saturating_sub(1),
            ("test", "started") => {
                self.running.insert(name, line);
            }
            // It has been running for a minute; how it ends is still to come.
            ("test", "timeout") | ("report", _) => {}
            ("test" | "bench", _) => {
                self.running.remove(outcome::plain(&name).0);
                match outcome::of(&event, line) {
                    Ok(case) => out.push(&case.record()),
                    Err(message) => {
                        let expected = "`started`, `ok`, `failed`, `ignored` or `timeout`, and a `name`";
                        let problem = out.at(&line.to_string()).found(FindingCode::StatusUnknown, message, expected);
                        out.left_out(problem);
                    }
                }
            }
            (other, _) => {
                let message = format!("an event of type {}", quote(other));
                let problem = out.at(&line.to_string()).found(FindingCode::RecordMalformed, message, EVENT);
                out.left_out(problem);
            }
        }
    }

    /// Tests without an end: lost where the stream broke off, unsaid where all suites ended.
    fn end(self, out: &mut Out<'_>) {
        for (name, line) in self.running {
            let message = format!("the test {} began, and nothing says how it ended", quote(&name));
            if self.suites == 0 {
                out.note(FindingCode::OutcomeUnsaid, &line.to_string(), message);
            } else {
                let expected = "its end, or that of its suite";
                let problem = out.at(&line.to_string()).found(FindingCode::OutcomeMissing, message, expected);
                out.left_out(problem);
            }
        }
    }
}
