//! JSON lines of `go test -json` (test2json). `docs/formats/go-test.md` has the mapping.

mod codes;
mod package;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::finding::{Finding, FindingCode};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::Reading;
use package::Package;

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "go-test",
    summary: "JSON lines of `go test -json` (test2json)",
    endings: &[".json", ".jsonl", ".ndjson", ".out"],
    codes: codes::CODES,
    sniff,
    converts: Converts::Each(convert),
};

/// What an event is expected to be.
const EVENT: &str = "an event of test2json: an object with `Action` and `Package`";

fn sniff(head: &Head<'_>) -> bool {
    head.lines().take(20).any(|line| serde_json::from_str::<Event>(line.trim()).is_ok_and(|event| event.is_known()))
}

/// One line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: Option<String>,
    #[serde(default)]
    import_path: Option<String>,
    #[serde(default)]
    test: Option<String>,
    #[serde(default)]
    time: Option<String>,
    #[serde(default)]
    elapsed: Option<serde_json::Number>,
    #[serde(default)]
    output: Option<String>,
    #[serde(default)]
    failed_build: Option<String>,
}

impl Event {
    /// Builds name their packages by the path of the import.
    fn package(&self) -> Option<&str> {
        self.package.as_deref().or(self.import_path.as_deref())
    }

    fn is_known(&self) -> bool {
        let known = [
            "start",
            "run",
            "pause",
            "cont",
            "pass",
            "bench",
            "fail",
            "output",
            "skip",
            "attr",
            "artifacts",
            "build-output",
            "build-fail",
        ];
        known.contains(&&*self.action) && self.package().is_some()
    }
}

/// Packages that are under way, and what builds said.
#[derive(Debug, Default)]
struct State {
    packages: BTreeMap<String, Package>,
    builds: BTreeMap<String, String>,
    known: bool,
}

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut state = State::default();
    reading.events(out, EVENT, |event: Event, line, out| state.take(&event, line, out))?;
    if !state.known {
        return Err(reading.at("").found(FindingCode::WrongFormat, "no line of it is an event of test2json", EVENT));
    }
    for (name, package) in state.packages {
        package.lost(&name, out);
    }
    Ok(())
}

impl State {
    fn take(&mut self, event: &Event, line: u64, out: &mut Out<'_>) {
        let Some(name) = event.package().filter(|_| event.is_known()) else {
            let message = format!("the action is {}", crate::finding::quote(&event.action));
            let problem = out.at(&line.to_string()).found(FindingCode::RecordMalformed, message, EVENT);
            return out.left_out(problem);
        };
        self.known = true;
        match (&*event.action, event.test.as_deref().filter(|test| !test.is_empty())) {
            ("build-output", _) => {
                package::append(self.builds.entry(name.to_owned()).or_default(), event.output.as_deref());
            }
            ("build-fail", _) => {}
            ("pass" | "fail" | "skip", None) => {
                let package = self.packages.remove(name).unwrap_or_default();
                let build = event.failed_build.as_ref().map(|build| self.builds.get(build).map_or("", String::as_str));
                package.end(name, event, build, line, out);
            }
            (_, test) => self.packages.entry(name.to_owned()).or_default().take(name, test, event, line, out),
        }
    }
}
