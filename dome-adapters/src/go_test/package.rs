//! A package under way: its tests, what they print, how they and it end.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::limits::MESSAGE_BYTES;

use super::{Event, codes};
use crate::finding::{FindingCode, quote};
use crate::out::Out;
use crate::record::cut;
use crate::report::{Case, Outcome};
use crate::when::{When, milliseconds};

/// What is known of a package so far.
#[derive(Debug, Default)]
pub(super) struct Package {
    /// Tests that began and did not end.
    running: BTreeSet<String>,
    /// What each test under way printed, and, under the empty name, the package itself.
    printed: BTreeMap<String, String>,
    failed: bool,
}

/// Adds what was printed, up to what a message may have.
pub(super) fn append(text: &mut String, more: Option<&str>) {
    let room = MESSAGE_BYTES.saturating_sub(text.len());
    text.push_str(cut(more.unwrap_or_default(), room));
}

impl Package {
    /// An event that does not end the package.
    pub(super) fn take(&mut self, package: &str, test: Option<&str>, event: &Event, line: u64, out: &mut Out<'_>) {
        let name = test.unwrap_or_default();
        let outcome = match &*event.action {
            "run" => {
                self.running.insert(name.to_owned());
                return;
            }
            "output" => return self.print(name, event.output.as_deref().unwrap_or_default()),
            "pass" | "bench" => Outcome::Passed,
            "fail" => Outcome::Failed,
            "skip" => Outcome::Skipped,
            _ => return,
        };
        if test.is_none() {
            return;
        }
        self.failed |= outcome == Outcome::Failed;
        self.running.remove(name);
        let printed = self.printed.remove(name);
        let mut case = case(package, name, outcome, event, line);
        case.message = printed.filter(|_| outcome != Outcome::Passed);
        out.push(&case.record());
    }

    /// Keeps what is no frame of the tool: `=== RUN`, `--- FAIL`, `FAIL`, `exit status`.
    fn print(&mut self, name: &str, text: &str) {
        let bare = text.trim_start();
        let framed = ["=== ", "--- PASS", "--- FAIL", "--- SKIP"].iter().any(|frame| bare.starts_with(frame));
        let summed = name.is_empty()
            && (["FAIL\t", "ok  \t", "PASS", "FAIL\n", "coverage: "].iter().any(|frame| bare.starts_with(frame)));
        if !framed && !summed {
            append(self.printed.entry(name.to_owned()).or_default(), Some(text));
        }
    }

    /// The end of the package. Tests that were running when it failed ended with it.
    pub(super) fn end(mut self, name: &str, event: &Event, build: Option<&str>, line: u64, out: &mut Out<'_>) {
        let failed = event.action == "fail";
        for test in std::mem::take(&mut self.running) {
            if failed {
                self.failed = true;
                let mut case = case(name, &test, Outcome::Aborted, event, line);
                (case.duration_ms, case.message) = (None, self.printed.remove(&test));
                out.push(&case.record());
            } else {
                let message = format!("the test {} began, and nothing says how it ended", quote(&test));
                out.note(FindingCode::OutcomeUnsaid, &line.to_string(), message);
            }
        }
        let outcome = match &*event.action {
            "pass" => Outcome::Passed,
            "skip" => Outcome::Skipped,
            _ => Outcome::Failed,
        };
        let mut case = case("", name, outcome, event, line);
        let own = self.printed.remove("").filter(|_| failed && !self.failed);
        case.message = build.filter(|build| !build.is_empty()).map(str::to_owned).or(own);
        let mut record = case.record();
        record.target.0 = "package";
        record.code = failed.then(|| match (build, self.failed) {
            (Some(_), _) => codes::coded(codes::BUILD_FAILED),
            (None, true) => codes::coded(codes::TESTS_FAILED),
            (None, false) => codes::coded(codes::FAILED),
        });
        out.push(&record);
    }

    /// The stream broke off before the package ended.
    pub(super) fn lost(self, name: &str, out: &mut Out<'_>) {
        for test in self.running {
            let message = format!("the test {} of {} began, and nothing says how it ended", quote(&test), quote(name));
            let problem = out.at("").found(FindingCode::OutcomeMissing, message, "its end, or that of its package");
            out.left_out(problem);
        }
        let message = format!("nothing says how the package {} ended", quote(name));
        let problem = out.at("").found(FindingCode::OutcomeMissing, message, "a last `pass`, `fail` or `skip`");
        out.problem(problem);
    }
}

fn case(package: &str, name: &str, outcome: Outcome, event: &Event, line: u64) -> Case {
    let mut case = Case::new(format!("line {line}"), name, outcome);
    case.class = (!package.is_empty()).then(|| package.to_owned());
    case.when = event.time.as_deref().map(When::of).unwrap_or_default();
    case.duration_ms = event.elapsed.as_ref().and_then(|elapsed| milliseconds(&elapsed.to_string()));
    case
}
