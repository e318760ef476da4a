//! What a tool answers: one JSON document on stdout.

use schema_compat::json;
use serde_json::{Map, Value};

use super::run::{Ending, Run};

/// What became of a run, as the tool says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It worked, and there is an output.
    Success,
    /// It did not work.
    Failure,
    /// It was not allowed.
    Denial,
}

impl Status {
    /// The word as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Denial => "denial",
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The whole document.
    pub document: Value,
    /// What went wrong; `None` where nothing did (`NONE`).
    pub failure_reason_code: Option<String>,
    /// The output, where there is one.
    pub output: Option<Value>,
    /// Why it was not allowed.
    pub policy_reason_code: Option<String>,
    /// What became of it.
    pub status: Status,
    /// The telemetry.
    pub telemetry: Map<String, Value>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// It took longer than it may.
    #[error("no answer in time")]
    TimedOut,
    /// It wrote more than it may.
    #[error("more output than its limit")]
    TooMuch,
    /// A signal ended it.
    #[error("ended by signal {signal}: {complaint}")]
    Signalled {
        /// The signal.
        signal: i32,
        /// The last line of stderr.
        complaint: String,
    },
    /// What it wrote is not one JSON document.
    #[error("no JSON document on stdout ({message}), exit code {code}: {complaint}")]
    NotJson {
        /// What the reader said.
        message: String,
        /// The exit code.
        code: i32,
        /// The last line of stderr.
        complaint: String,
    },
    /// The document is not an answer.
    #[error("`{pointer}`: {message}")]
    Shape {
        /// Where.
        pointer: &'static str,
        /// What.
        message: String,
    },
}

impl Run {
    /// The answer that the run gave.
    ///
    /// # Errors
    ///
    /// [`AnswerError`], when it gave none.
    pub fn answer(&self) -> Result<Answer, AnswerError> {
        let complaint = || self.complaint().to_owned();
        let code = match self.ending {
            Ending::TimedOut => return Err(AnswerError::TimedOut),
            Ending::TooMuchOutput => return Err(AnswerError::TooMuch),
            Ending::Signalled(signal) => return Err(AnswerError::Signalled { signal, complaint: complaint() }),
            Ending::Exited(code) => code,
        };
        let document = json::parse(&self.stdout).map_err(|why| AnswerError::NotJson {
            message: why.to_string(),
            code,
            complaint: complaint(),
        })?;
        read(document)
    }
}

fn shape(pointer: &'static str, message: impl Into<String>) -> AnswerError {
    AnswerError::Shape { pointer, message: message.into() }
}

fn read(document: Value) -> Result<Answer, AnswerError> {
    let members = document.as_object().ok_or_else(|| shape("", "an answer is an object"))?;
    if let Some(other) = members.keys().find(|name| !["message", "output", "telemetry"].contains(&name.as_str())) {
        return Err(shape("", format!("`{other}` is no member of an answer")));
    }
    let telemetry = members.get("telemetry").and_then(Value::as_object).cloned();
    let telemetry = telemetry.ok_or_else(|| shape("/telemetry", "the member is missing, or no object"))?;
    let status = match telemetry.get("status").and_then(Value::as_str) {
        Some("success") => Status::Success,
        Some("failure") => Status::Failure,
        Some("denial") => Status::Denial,
        _ => return Err(shape("/telemetry/status", "expected `success`, `failure` or `denial`")),
    };
    let output = members.get("output").cloned();
    if status == Status::Success && output.is_none() {
        return Err(shape("/output", "a success has an output"));
    }
    let code = |name| telemetry.get(name).and_then(Value::as_str).filter(|code| *code != "NONE").map(str::to_owned);
    Ok(Answer {
        failure_reason_code: code("failure_reason_code"),
        output,
        policy_reason_code: code("policy_reason_code"),
        status,
        telemetry,
        document,
    })
}
