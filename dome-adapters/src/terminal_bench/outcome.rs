//! How a trial ended: signal, failure code and tests.

use std::borrow::Cow;

use dome_core::Signal;

use super::codes::{CODE_MEANINGS, TESTS_FAILED, code_of};
use super::gates::Gates;
use super::trials::Trial;
use crate::convert::Conversion;
use crate::finding::{Finding, FindingCode, quote};

/// What an envelope says about how it ended.
#[derive(Debug)]
pub(super) struct Outcome<'f> {
    pub(super) signal: Signal,
    pub(super) code: Cow<'static, str>,
    pub(super) tests: Gates<'f>,
}

impl<'f> Outcome<'f> {
    /// The outcome, or why the trial does not say.
    pub(super) fn of(trial: &Trial<'f>, done: &mut Conversion) -> Result<Self, Finding> {
        let tests = Gates::of(trial)?;
        let raw = trial.raw;
        if raw.is_resolved == Some(true) {
            return Ok(Self { signal: Signal::Success, code: "NONE".into(), tests });
        }
        let code = match code_of(raw.mode()) {
            Some(code) => code,
            None if raw.is_resolved.is_some() || raw.parser_results.is_some() => TESTS_FAILED.into(),
            None => {
                let message = "the trial was neither judged nor did it fail";
                let expected = "`is_resolved`, `parser_results`, or a `failure_mode` that says what failed";
                return Err(trial.at().found(FindingCode::OutcomeMissing, message, expected));
            }
        };
        if CODE_MEANINGS.iter().all(|known| known.code != code) {
            let message = format!("`failure_mode` {} is new here and becomes `{code}`", quote(raw.mode()));
            done.notes.push(trial.at().found(FindingCode::CodeUnlisted, message, ""));
        }
        Ok(Self { signal: Signal::Failure, code, tests })
    }
}
