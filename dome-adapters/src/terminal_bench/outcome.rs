//! How a trial ended: signal, failure code and gates.

use std::borrow::Cow;

use dome_core::{Signal, Status};

use super::codes::{CODE_MEANINGS, TESTS_FAILED, code_of};
use super::trials::Trial;
use crate::convert::Conversion;
use crate::draft::GateDraft;
use crate::finding::{Finding, FindingCode, quote};

/// What an envelope says about how it ended.
#[derive(Debug)]
pub(super) struct Outcome<'f> {
    pub(super) signal: Signal,
    pub(super) code: Cow<'static, str>,
    pub(super) gates: Vec<GateDraft<'f>>,
}

impl<'f> Outcome<'f> {
    /// The outcome, or why the trial does not say.
    pub(super) fn of(trial: &Trial<'f>, done: &mut Conversion) -> Result<Self, Finding> {
        let gates = gates(trial)?;
        let raw = trial.raw;
        if raw.is_resolved == Some(true) {
            return Ok(Self { signal: Signal::Success, code: "NONE".into(), gates });
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
        Ok(Self { signal: Signal::Failure, code, gates })
    }
}

fn gates<'f>(trial: &Trial<'f>) -> Result<Vec<GateDraft<'f>>, Finding> {
    let results = trial.raw.parser_results.iter().flatten();
    let gate = |(gate_id, status): (&'f String, &'f String)| match status_of(status) {
        Some(status) => Ok(GateDraft { gate_id, status }),
        None => {
            let message = format!("test {} has the status {}", quote(gate_id), quote(status));
            Err(trial.at().found(FindingCode::StatusUnknown, message, "`passed`, `failed` or `skipped`"))
        }
    };
    results.map(gate).collect()
}

fn status_of(status: &str) -> Option<Status> {
    match status {
        "passed" => Some(Status::Pass),
        "failed" => Some(Status::Fail),
        "skipped" => Some(Status::Skip),
        _ => None,
    }
}
