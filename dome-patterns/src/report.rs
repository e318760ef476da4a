//! Which run it is that envelopes tell of, and when.

use dome_core::build::{Draft, Origin, SignalType};
use dome_core::{IdentifierError, Rejection, RunId, TaskId, Timestamp, Tool, WrapperPolicy};

use crate::pattern::PatternError;

/// Who reports: the run, the time as data, and where the sequence of its events goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporter {
    /// The run.
    pub run_id: RunId,
    /// When.
    pub ts: Timestamp,
    /// What the wrapper lets mint.
    pub wrapper_policy: WrapperPolicy,
    /// The tool that did the work, if it is to tell failures apart.
    pub tool: Option<Tool>,
    /// The sequence of the next event, from 1.
    pub next_sequence: u64,
}

/// Why there is no envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The pattern's binding lacks a step.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// An id comes out as none (M-03).
    #[error(transparent)]
    Identifier(#[from] IdentifierError),
    /// The envelope would be rejected: what is wrong with it (M-30).
    #[error("the envelope would be rejected: {0}")]
    Rejected(#[from] Rejection),
}

impl Reporter {
    /// A reporter that begins with event 1.
    #[must_use]
    pub const fn new(run_id: RunId, ts: Timestamp, wrapper_policy: WrapperPolicy) -> Self {
        Self { run_id, ts, wrapper_policy, tool: None, next_sequence: 1 }
    }

    /// The origin of the next event, about one outcome of `task`.
    pub(crate) fn origin(&mut self, step: &str, task: &str) -> Result<Origin, ReportError> {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.saturating_add(1);
        Ok(Origin {
            event_id: format!("{step}-{sequence}").parse()?,
            sequence,
            run_id: self.run_id.clone(),
            task_id: TaskId::new(task)?,
            group_id: format!("{step}-{sequence}").parse()?,
            ts: self.ts,
            wrapper_policy: self.wrapper_policy,
        })
    }

    /// With the reporter's tool, if it has one.
    pub(crate) fn with_tool<S: SignalType>(&self, draft: Draft<S>) -> Draft<S> {
        match &self.tool {
            Some(tool) => draft.tool(tool.clone()),
            None => draft,
        }
    }
}
