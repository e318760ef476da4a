//! What test reports share: one outcome of one test, and the codes of failures
//! (`docs/formats/tests.md`).

use dome_core::CodeClass::{self, Repairable};
use dome_core::{Signal, Status};

use crate::codes::{coded, means};
use crate::format::CodeMeaning;
use crate::record::OutcomeRecord;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestOutcome {
    Passed,
    /// What was tested is not as it should be.
    Failed,
    /// The test could not be carried out as it should.
    Errored,
    /// It ran out of time, by the report's own word for it.
    TimedOut,
    /// It ended in a way that is not an end of tests: a signal, an abort, a crash.
    Aborted,
    /// It did not run, or its result does not count.
    Skipped,
}

#[derive(Clone, Debug)]
pub(crate) struct TestCase {
    /// The class, module, package or file that the test's name is unique in.
    pub(crate) class: Option<String>,
    pub(crate) name: String,
    /// A suite that is not part of the test's name.
    pub(crate) suite: Option<String>,
    pub(crate) outcome: TestOutcome,
    /// The type of the exception, or another word for what failed that is a name and not prose.
    pub(crate) kind: Option<String>,
    /// Whether another attempt of the run ended otherwise.
    pub(crate) flaky: bool,
    /// All else that is known. Signal, target, code and gate follow from the above.
    pub(crate) record: OutcomeRecord,
}

impl TestCase {
    pub(crate) fn new(place: impl Into<String>, name: impl Into<String>, outcome: TestOutcome) -> Self {
        let record = OutcomeRecord::new(place, Signal::Observation, ("test", ""), "test");
        Self { class: None, name: name.into(), suite: None, outcome, kind: None, flaky: false, record }
    }

    /// `CLASS::NAME`, or the name alone where there is no class or it begins with it; nothing where there is no name.
    pub(crate) fn target(&self) -> String {
        match self.class.as_deref().map(str::trim).filter(|class| !class.is_empty()) {
            _ if self.name.trim().is_empty() => String::new(),
            Some(class) if !self.name.starts_with(class) => format!("{class}::{}", self.name),
            _ => self.name.clone(),
        }
    }

    pub(crate) fn record(self) -> OutcomeRecord {
        let (signal, status) = match self.outcome {
            TestOutcome::Passed => (Signal::Success, Status::Pass),
            TestOutcome::Skipped => (Signal::Observation, Status::Skip),
            _ => (Signal::Failure, Status::Fail),
        };
        let mut record = OutcomeRecord {
            signal,
            target: ("test", self.target()),
            code: code(self.outcome, self.kind.as_deref()),
            gates: vec![("test".to_owned(), status)],
            ..self.record
        };
        record.label_all([
            ("suite", self.suite.as_deref()),
            ("type", self.kind.as_deref()),
            ("flaky", self.flaky.then_some("true")),
        ]);
        record
    }
}

/// What a report says of the attempts at a test besides those that it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AttemptsSaid {
    /// How many there were.
    pub(crate) number: Option<u64>,
    /// Whether they ended in different ways.
    pub(crate) flaky: bool,
}

impl AttemptsSaid {
    /// Numbers the attempts that are there, the last of which is the last of all. `Some` is what is missing.
    pub(crate) fn number(self, held: &mut [TestCase]) -> Option<String> {
        let holds = held.len() as u64;
        let all = self.number.unwrap_or(holds).clamp(holds, ATTEMPTS.max(holds));
        let passed = held.last().is_some_and(|last| last.outcome == TestOutcome::Passed);
        let flaky = self.flaky || (all > 1 && passed);
        for (number, case) in (1..).zip(held.iter_mut()) {
            case.record.attempts = (all > 1).then_some(if number == holds { all } else { number });
            case.flaky = flaky;
        }
        if all > holds {
            return Some(format!("the report counts {all} attempts at the test, of which it holds {holds}"));
        }
        (flaky && holds == 1).then(|| "the report calls the test flaky, and holds one attempt at it".to_owned())
    }
}

/// As many attempts as an envelope can count.
const ATTEMPTS: u64 = 1_000_000;

/// What the codes mean, by code. Types of exceptions are open: these are the common ones.
pub(crate) const CODES: &[CodeMeaning] = &[
    means("EXCEPTION.ASSERTION_ERROR", Repairable, "an assertion of the test did not hold"),
    means("EXCEPTION.ASSERTION_FAILED_ERROR", Repairable, "an assertion of the test did not hold"),
    means("EXCEPTION.ATTRIBUTE_ERROR", Repairable, "an object lacks the attribute that was asked for"),
    means("EXCEPTION.COMPARISON_FAILURE", Repairable, "two texts that should be equal differ"),
    means("EXCEPTION.CONNECTION_ERROR", Repairable, "a connection could not be made or was lost"),
    means("EXCEPTION.ERROR", Repairable, "an error of no particular type ended the test"),
    means("EXCEPTION.EXCEPTION", Repairable, "an exception of no particular type ended the test"),
    means("EXCEPTION.FILE_NOT_FOUND_ERROR", Repairable, "a file that was asked for is not there"),
    means("EXCEPTION.FILE_NOT_FOUND_EXCEPTION", Repairable, "a file that was asked for is not there"),
    means("EXCEPTION.ILLEGAL_ARGUMENT_EXCEPTION", Repairable, "a method was given an argument that it does not take"),
    means("EXCEPTION.ILLEGAL_STATE_EXCEPTION", Repairable, "a method was called when it may not be"),
    means("EXCEPTION.IMPORT_ERROR", Repairable, "a module could not be imported"),
    means("EXCEPTION.INDEX_ERROR", Repairable, "an index lies outside of a sequence"),
    means("EXCEPTION.INDEX_OUT_OF_BOUNDS_EXCEPTION", Repairable, "an index lies outside of a sequence"),
    means("EXCEPTION.INVALID_OPERATION_EXCEPTION", Repairable, "a method was called when it may not be"),
    means("EXCEPTION.IO_EXCEPTION", Repairable, "reading or writing failed"),
    means("EXCEPTION.KEY_ERROR", Repairable, "a map lacks the key that was asked for"),
    means("EXCEPTION.MODULE_NOT_FOUND_ERROR", Repairable, "a module that was asked for is not there"),
    means("EXCEPTION.NAME_ERROR", Repairable, "a name that was used is not defined"),
    means("EXCEPTION.NOT_IMPLEMENTED_ERROR", Repairable, "what was called is not implemented"),
    means("EXCEPTION.NULL_POINTER_EXCEPTION", Repairable, "nothing stood where an object was expected"),
    means("EXCEPTION.NULL_REFERENCE_EXCEPTION", Repairable, "nothing stood where an object was expected"),
    means("EXCEPTION.OS_ERROR", Repairable, "the operating system refused what was asked of it"),
    means("EXCEPTION.PERMISSION_ERROR", Repairable, "the operating system did not permit what was asked of it"),
    means("EXCEPTION.REFERENCE_ERROR", Repairable, "a name that was used is not defined"),
    means("EXCEPTION.RUNTIME_ERROR", Repairable, "an error of no particular type ended the test"),
    means("EXCEPTION.RUNTIME_EXCEPTION", Repairable, "an exception of no particular type ended the test"),
    means("EXCEPTION.SYNTAX_ERROR", Repairable, "source code could not be parsed"),
    means("EXCEPTION.SYSTEM_EXIT", Repairable, "the program under test asked to end"),
    means("EXCEPTION.TIMEOUT_ERROR", Repairable, "something took longer than it may"),
    means("EXCEPTION.TIMEOUT_EXCEPTION", Repairable, "something took longer than it may"),
    means("EXCEPTION.TYPE_ERROR", Repairable, "a value is of a type that the operation does not take"),
    means("EXCEPTION.VALUE_ERROR", Repairable, "a value is of the right type and yet not one that is taken"),
    means("TEST.ABORTED", Repairable, "the test's process was ended by a signal, or crashed"),
    means("TEST.ERROR", Repairable, "the test could not be carried out; the report names no type of exception"),
    means("TEST.FAILED", Repairable, "the test failed; the report names no type of exception"),
    means("TEST.TIMEOUT", Repairable, "the test did not end in its time"),
];

/// Words that say that something failed, and not what.
const SAYS_NOTHING: [&str; 12] =
    ["assert", "assertion", "err", "error", "fail", "failed", "failure", "none", "null", "test", "unknown", "warning"];

fn code(outcome: TestOutcome, kind: Option<&str>) -> Option<(String, CodeClass)> {
    // No name of an exception meets a code of ours.
    let named = || kind.and_then(simple_name).and_then(|name| coded("EXCEPTION", name));
    let code = match outcome {
        TestOutcome::Passed | TestOutcome::Skipped => return None,
        TestOutcome::TimedOut => "TEST.TIMEOUT".to_owned(),
        TestOutcome::Aborted => "TEST.ABORTED".to_owned(),
        TestOutcome::Failed => named().unwrap_or_else(|| "TEST.FAILED".to_owned()),
        TestOutcome::Errored => named().unwrap_or_else(|| "TEST.ERROR".to_owned()),
    };
    Some((code, Repairable))
}

/// The last part of a type's name: `AssertionError` of `java.lang.AssertionError`. `None` for prose, [`SAYS_NOTHING`].
fn simple_name(kind: &str) -> Option<&str> {
    let name = kind.trim().trim_end_matches([':', '.']);
    let bare = name.split(['<', '`', '[', '(']).next().unwrap_or(name);
    let last = bare.rsplit(['.', ':', '$', '\\', '/', '+']).next()?;
    let shaped = last.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && last.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && !bare.contains(char::is_whitespace);
    let lower = last.to_ascii_lowercase();
    (shaped && !SAYS_NOTHING.contains(&lower.as_str())).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str) -> String {
        code(TestOutcome::Failed, Some(kind)).map(|(code, _)| code).unwrap_or_default()
    }

    #[test]
    fn a_type_gives_the_code_and_prose_does_not() {
        for (kind, code) in [
            ("java.lang.AssertionError", "EXCEPTION.ASSERTION_ERROR"),
            ("AssertionError", "EXCEPTION.ASSERTION_ERROR"),
            ("org.junit.ComparisonFailure", "EXCEPTION.COMPARISON_FAILURE"),
            ("Outer$InnerException", "EXCEPTION.INNER_EXCEPTION"),
            ("App\\Errors\\NotFound", "EXCEPTION.NOT_FOUND"),
            ("my::mod::Error_", "EXCEPTION.ERROR"),
            ("System.Collections.Generic.KeyNotFoundException`1[System.String]", "EXCEPTION.KEY_NOT_FOUND_EXCEPTION"),
            ("test failure with exit code 101", "TEST.FAILED"),
            ("failure", "TEST.FAILED"),
            ("ERROR", "TEST.FAILED"),
            ("", "TEST.FAILED"),
            ("5", "TEST.FAILED"),
        ] {
            assert_eq!(of(kind), code, "{kind}");
        }
        assert_eq!(code(TestOutcome::Passed, Some("ValueError")), None);
    }
}
