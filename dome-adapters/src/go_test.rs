//! JSON lines of `go test -json` (test2json). `docs/formats/go-test.md` has the mapping.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::CodeClass::Repairable;
use serde::Deserialize;

use crate::codes::means;
use crate::finding::{Finding, FindingCode, quote};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::FileReader;
use crate::record::{NAMELESS, append};
use crate::report::{TestCase, TestOutcome};
use crate::when::{When, milliseconds};

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "go-test",
    summary: "JSON lines of `go test -json` (test2json)",
    endings: &[".json", ".jsonl", ".ndjson", ".out"],
    codes: CODES,
    sniff: |head: &Head| head.has_event(GoTestEvent::is_known),
    converts: Converts::Each(convert),
};

const CODES: &[CodeMeaning] = &[
    means("PACKAGE.BUILD_FAILED", Repairable, "the package or one that it needs did not compile"),
    means(
        "PACKAGE.FAILED",
        Repairable,
        "the package failed, and none of its tests did: its main, its exit code, its set-up",
    ),
    means("PACKAGE.TESTS_FAILED", Repairable, "tests of the package failed"),
    means("TEST.ABORTED", Repairable, "the package ended with a failure while the test was running"),
    means("TEST.FAILED", Repairable, "the test failed"),
];

const EXPECTED: &str = "an event of test2json: an object with `Action` and `Package`";

#[rustfmt::skip]
const ACTIONS: [&str; 13] = [
    "start", "run", "pause", "cont", "pass", "bench", "fail", "output", "skip", "attr", "artifacts", "build-output",
    "build-fail",
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GoTestEvent {
    action: String,
    package: Option<String>,
    import_path: Option<String>,
    test: Option<String>,
    time: Option<String>,
    elapsed: Option<serde_json::Number>,
    output: Option<String>,
    failed_build: Option<String>,
}

impl GoTestEvent {
    /// Builds name their packages by the path of the import.
    fn package(&self) -> Option<&str> {
        self.package.as_deref().or(self.import_path.as_deref())
    }

    fn is_known(&self) -> bool {
        ACTIONS.contains(&&*self.action) && self.package().is_some()
    }
}

#[derive(Debug, Default)]
struct GoTestState {
    packages: BTreeMap<String, GoPackage>,
    builds: BTreeMap<String, String>,
}

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut state = GoTestState::default();
    reading.events(out, ("test2json", EXPECTED), |event: GoTestEvent, line, out| {
        state.take(&event, line, out);
        event.is_known()
    })?;
    for (name, package) in state.packages {
        package.lost(&name, out);
    }
    Ok(())
}

impl GoTestState {
    fn take(&mut self, event: &GoTestEvent, line: u64, out: &mut Out<'_>) {
        let Some(name) = event.package().filter(|_| event.is_known()) else {
            let message = format!("the action is {}", quote(&event.action));
            return out.leave_out(&line.to_string(), FindingCode::RecordMalformed, message, EXPECTED);
        };
        match (&*event.action, event.test.as_deref().filter(|test| !test.is_empty())) {
            ("build-output", _) => {
                let printed = self.builds.entry(name.to_owned()).or_default();
                event.output.iter().for_each(|output| append(printed, output));
            }
            ("build-fail", _) => {}
            ("pass" | "fail" | "skip", None) => {
                let package = self.packages.remove(name).unwrap_or_default();
                let build = event.failed_build.as_ref().map(|build| self.builds.get(build).map(String::as_str));
                package.end(name, event, build, line, out);
            }
            (_, test) => self.packages.entry(name.to_owned()).or_default().take(name, test, event, line, out),
        }
    }
}

#[derive(Debug, Default)]
struct GoPackage {
    running: BTreeSet<String>,
    /// What each test under way printed, and, under [`NAMELESS`], the package itself.
    printed: BTreeMap<String, String>,
    failed: bool,
}

impl GoPackage {
    /// An event that does not end the package.
    fn take(&mut self, package: &str, test: Option<&str>, event: &GoTestEvent, line: u64, out: &mut Out<'_>) {
        let name = test.unwrap_or(NAMELESS);
        let outcome = match (&*event.action, test) {
            ("output", _) => return event.output.iter().for_each(|output| self.print(name, output)),
            ("run", _) => {
                self.running.insert(name.to_owned());
                return;
            }
            ("pass" | "bench", Some(_)) => TestOutcome::Passed,
            ("fail", Some(_)) => TestOutcome::Failed,
            ("skip", Some(_)) => TestOutcome::Skipped,
            _ => return,
        };
        self.failed |= outcome == TestOutcome::Failed;
        self.running.remove(name);
        let printed = self.printed.remove(name);
        let mut case = case(Some(package), name, outcome, event, line);
        case.record.message = printed.filter(|_| outcome != TestOutcome::Passed);
        out.push(&case.record());
    }

    /// Keeps what is no frame of the tool: `=== RUN`, `--- FAIL`, `FAIL`, `exit status`.
    fn print(&mut self, name: &str, text: &str) {
        let begins = |frames: &[&str]| frames.iter().any(|frame| text.trim_start().starts_with(frame));
        let framed = begins(&["=== ", "--- PASS", "--- FAIL", "--- SKIP"]);
        let summed = name == NAMELESS && begins(&["FAIL\t", "ok  \t", "PASS", "FAIL\n", "coverage: "]);
        if !framed && !summed {
            append(self.printed.entry(name.to_owned()).or_default(), text);
        }
    }

    /// Tests that were running when it failed ended with it. `build` is there, with what it printed, where one failed.
    fn end(mut self, name: &str, event: &GoTestEvent, build: Option<Option<&str>>, line: u64, out: &mut Out<'_>) {
        let failed = event.action == "fail";
        for test in std::mem::take(&mut self.running) {
            if failed {
                self.failed = true;
                let mut case = case(Some(name), &test, TestOutcome::Aborted, event, line);
                (case.record.duration_ms, case.record.message) = (None, self.printed.remove(&test));
                out.push(&case.record());
            } else {
                let message = format!("the test {} began, and nothing says how it ended", quote(&test));
                out.note(FindingCode::OutcomeUnsaid, &line.to_string(), message);
            }
        }
        let outcome = match &*event.action {
            "pass" => TestOutcome::Passed,
            "skip" => TestOutcome::Skipped,
            _ => TestOutcome::Failed,
        };
        let mut record = case(None, name, outcome, event, line).record();
        let own = self.printed.remove(NAMELESS).filter(|_| failed && !self.failed);
        record.message = build.flatten().filter(|build| !build.is_empty()).map(str::to_owned).or(own);
        record.target.0 = "package";
        let code = match (build, self.failed) {
            (Some(_), _) => "PACKAGE.BUILD_FAILED",
            (None, true) => "PACKAGE.TESTS_FAILED",
            (None, false) => "PACKAGE.FAILED",
        };
        record.code = failed.then(|| (code.to_owned(), Repairable));
        out.push(&record);
    }

    fn lost(self, name: &str, out: &mut Out<'_>) {
        for test in self.running {
            let message = format!("the test {} of {} began, and nothing says how it ended", quote(&test), quote(name));
            out.leave_out("", FindingCode::OutcomeMissing, message, "its end, or that of its package");
        }
        let message = format!("nothing says how the package {} ended", quote(name));
        let problem = out.at("").found(FindingCode::OutcomeMissing, message, "a last `pass`, `fail` or `skip`");
        out.problem(problem);
    }
}

fn case(package: Option<&str>, name: &str, outcome: TestOutcome, event: &GoTestEvent, line: u64) -> TestCase {
    let mut case = TestCase::new(format!("line {line}"), name, outcome);
    case.class = package.map(str::to_owned);
    case.record.when = When::said(event.time.as_deref());
    case.record.duration_ms = event.elapsed.as_ref().and_then(|elapsed| milliseconds(&elapsed.to_string()));
    case
}
