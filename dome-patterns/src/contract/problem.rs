//! What is wrong with an output, said without a word of it.

use std::fmt;

use serde::Serialize;

use crate::codes::MapFailureCode;

/// One thing that is wrong with an output. The pointer is made of the contract's names and of places in
/// arrays; a name that the contract does not know is told by the object that it stands in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OutputProblem {
    /// What kind of problem it is.
    pub code: MapFailureCode,
    /// Where: a JSON Pointer; empty for the whole output.
    pub pointer: String,
}

/// Why the work on an item came to nothing. Nothing in it was written by the worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct MapFailure {
    /// The code that decides.
    #[serde(rename = "failure_reason_code")]
    pub code: MapFailureCode,
    /// All that is wrong with the output, by code, then pointer; at most
    /// [`crate::limits::PROBLEMS`]. Empty when the output is not the cause.
    pub problems: Vec<OutputProblem>,
}

impl MapFailure {
    pub(crate) const fn of(code: MapFailureCode) -> Self {
        Self { code, problems: Vec::new() }
    }

    /// Sorts `problems`; `None` when there are none.
    pub(super) fn listing(mut problems: Vec<OutputProblem>) -> Option<Self> {
        problems.sort_unstable();
        problems.dedup();
        problems.truncate(crate::limits::PROBLEMS);
        let code = problems.first()?.code;
        Some(Self { code, problems })
    }
}

impl fmt::Display for MapFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.problems.is_empty() {
            return write!(formatter, "{}", self.code);
        }
        for (place, problem) in self.problems.iter().enumerate() {
            let line = if place > 0 { "\n" } else { "" };
            write!(formatter, "{line}{} at `{}`", problem.code, problem.pointer)?;
        }
        Ok(())
    }
}
