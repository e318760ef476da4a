//! The failure codes of tests: how a test ended, or the type of the exception that ended it.

use dome_core::CodeClass::{self, Repairable};

use super::{Coded, Outcome};
use crate::codes::{coded, means};
use crate::format::CodeMeaning;

/// What exceptions begin with, so that no name of theirs meets a code of ours.
const EXCEPTION: &str = "EXCEPTION";

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

/// The code of a test that ended like this; `None` where nothing failed.
pub(super) fn code(outcome: Outcome, kind: Option<&str>) -> Option<Coded> {
    let plain = match outcome {
        Outcome::Passed | Outcome::Skipped => return None,
        Outcome::TimedOut => return Some(known("TEST.TIMEOUT")),
        Outcome::Aborted => return Some(known("TEST.ABORTED")),
        Outcome::Failed => "TEST.FAILED",
        Outcome::Errored => "TEST.ERROR",
    };
    let named = kind.and_then(simple_name).and_then(|name| coded(EXCEPTION, name));
    Some(named.map_or_else(|| known(plain), |code| (code, CodeClass::Repairable)))
}

fn known(code: &str) -> Coded {
    (code.to_owned(), CodeClass::Repairable)
}

/// The last part of the name of a type, such as `AssertionError` of `java.lang.AssertionError`.
/// `None` for prose, and for words that only say that something failed.
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
        code(Outcome::Failed, Some(kind)).map(|(code, _)| code).unwrap_or_default()
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
        assert_eq!(code(Outcome::Passed, Some("ValueError")), None);
    }
}
