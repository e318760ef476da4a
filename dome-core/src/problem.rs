//! What can be wrong with a line, each with a stable code (M-30).

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::choice::choice;

choice! {
    /// The stable code of a problem (M-30). Codes are added, never renamed.
    #[non_exhaustive]
    ProblemCode {
        /// The line is not UTF-8.
        Utf8Invalid = "utf8_invalid",
        /// The line is longer than [`crate::limits::LINE_BYTES`].
        LineTooLong = "line_too_long",
        /// The line is not one JSON value (RFC 8259), or has a lone surrogate escape.
        JsonInvalid = "json_invalid",
        /// The line nests deeper than [`crate::limits::DEPTH_LEVELS`].
        JsonTooDeep = "json_too_deep",
        /// A name stands twice in one object.
        JsonDuplicateKey = "json_duplicate_key",
        /// An integer lies beyond 2^53 - 1.
        NumberUnsafe = "number_unsafe",
        /// A required member is not there.
        MissingField = "missing_field",
        /// A member that the model does not list.
        UnknownField = "unknown_field",
        /// A value of another JSON type than expected; `null` always.
        WrongType = "wrong_type",
        /// A string that is none of the words allowed here.
        ValueNotAllowed = "value_not_allowed",
        /// A number, a length or a count outside its limits.
        OutOfRange = "out_of_range",
        /// Not an identifier (M-03).
        IdentifierInvalid = "identifier_invalid",
        /// Not a `kind` token (M-03).
        TokenInvalid = "token_invalid",
        /// Not a reason code (M-04).
        ReasonCodeInvalid = "reason_code_invalid",
        /// Not a time (M-05).
        TimestampInvalid = "timestamp_invalid",
        /// A time later than `--not-after` allows (M-32).
        TimestampFuture = "timestamp_future",
        /// Not a SHA-256 value (M-02).
        HashInvalid = "hash_invalid",
        /// Not a safe path or URI (M-12).
        PathUnsafe = "path_unsafe",
        /// A second item where one is allowed: a gate, a guard, an `env` key in other case.
        DuplicateItem = "duplicate_item",
        /// A signal that contradicts what stands beside it (M-11).
        SignalMismatch = "signal_mismatch",
        /// No evidence.
        EvidenceMissing = "evidence_missing",
        /// A member and its alias with different values (M-13).
        AliasConflict = "alias_conflict",
        /// An `envelope_version` that this build does not read.
        UnsupportedVersion = "unsupported_version",
        /// Another fact of the run has this `event_id` (M-41).
        EventIdConflict = "event_id_conflict",
        /// Another fact of the run has this task and evidence group (M-41).
        IdempotencyConflict = "idempotency_conflict",
        /// A code that the reason-code table says may not stand there (M-97).
        ReasonCodeMisplaced = "reason_code_misplaced",
    }
}

/// One thing that is wrong with a line (M-30).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// What kind of problem it is.
    pub code: ProblemCode,
    /// One line that says what was found and what was expected.
    pub message: String,
    /// Where: a JSON Pointer (RFC 6901) into the input as written; empty for the whole line.
    pub pointer: String,
    /// Where on the line, in bytes; not part of any artifact.
    #[serde(skip)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub span: Range<usize>,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "line" } else { &self.pointer };
        write!(formatter, "{place}: {} [{}]", self.message, self.code)
    }
}

/// All that is wrong with a line, sorted by pointer, then code (M-30); never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    problems: Vec<Problem>,
}

impl Rejection {
    /// These problems, in any order; none where there are none.
    #[must_use]
    pub fn of(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by(|a, b| (&a.pointer, a.code.as_str()).cmp(&(&b.pointer, b.code.as_str())));
        (!problems.is_empty()).then_some(Self { problems })
    }

    /// The problems, sorted by pointer, then code.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The same problems at other places, for whoever put a document into another one to have it read.
    #[must_use]
    pub fn at(self, place: impl Fn(&str) -> String) -> Self {
        let moved = |problem: Problem| Problem { pointer: place(&problem.pointer), ..problem };
        let problems = self.problems.into_iter().map(moved).collect();
        Self::of(problems).unwrap_or(Self { problems: Vec::new() })
    }

    /// The problems as values.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

impl From<Problem> for Rejection {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, problem) in self.problems.iter().enumerate() {
            let separator = if count > 0 { "; " } else { "" };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejection {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m30_codes_are_written_as_serde_writes_them() {
        for code in ProblemCode::ALL {
            let written = serde_json::to_string(code).ok();
            assert_eq!(written, Some(format!("\"{}\"", code.as_str())));
        }
    }
}
