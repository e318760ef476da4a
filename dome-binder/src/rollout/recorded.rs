//! What was recorded: answers of `dome priors --record`, and what became of what they offered.

use std::collections::BTreeMap;

use dome_core::{ActionKind, Scope, Sha256Hash, TargetId, TargetKind, TaskLine, Timestamp};
use serde::{Deserialize, Serialize};

use crate::backtest::{Decision, Score, Walked};
use crate::ledger::Ledger;
use crate::priors::Rollout;

/// A line of `dome priors --record`, as far as it is scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAnswer {
    /// The instant that it was answered at: what was known then had happened.
    pub as_of: Option<Timestamp>,
    /// The task line that was asked for.
    pub line: TaskLine,
    /// The mode that was on.
    pub rollout: Rollout,
    /// The remedy that the answer names first.
    pub advised: Option<Sha256Hash>,
    /// The remedy of the prior that could be followed under the mode `prescriptive`.
    pub prescribed: Option<Sha256Hash>,
}

/// Why a line is no recorded answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordedError {
    /// It is not the document that is expected.
    #[error("not an answer of `dome priors`: {message}")]
    Document {
        /// What the reader said.
        message: String,
    },
    /// It has another version.
    #[error("`/format_version`: expected \"1\", found \"{found}\"")]
    Version {
        /// The version found.
        found: String,
    },
}

/// The members of the answer that are read.
#[derive(Deserialize)]
struct Row {
    as_of: Option<Timestamp>,
    format_version: String,
    priors: Vec<PriorRow>,
    query: QueryRow,
    rollout: Rollout,
}

#[derive(Deserialize)]
struct QueryRow {
    action_kind: ActionKind,
    scope: Scope,
    target_id: TargetId,
    target_kind: TargetKind,
}

#[derive(Deserialize)]
struct PriorRow {
    remedies: Vec<RemedyRow>,
    would_be_prescriptive: bool,
}

#[derive(Clone, Copy, Deserialize)]
struct RemedyRow {
    identity: Sha256Hash,
}

impl RecordedAnswer {
    /// Reads one line.
    ///
    /// # Errors
    ///
    /// [`RecordedError`] with what was found.
    pub fn parse(line: &[u8]) -> Result<Self, RecordedError> {
        let row: Row =
            serde_json::from_slice(line).map_err(|why| RecordedError::Document { message: why.to_string() })?;
        if row.format_version != "1" {
            return Err(RecordedError::Version { found: row.format_version });
        }
        let first = |prior: &PriorRow| prior.remedies.first().map(|remedy| remedy.identity);
        let QueryRow { action_kind, scope, target_id, target_kind } = row.query;
        Ok(Self {
            as_of: row.as_of,
            line: TaskLine { scope, target_kind, target_id, action_kind },
            rollout: row.rollout,
            advised: row.priors.first().and_then(first),
            prescribed: row.priors.iter().find(|prior| prior.would_be_prescriptive).and_then(first),
        })
    }
}

/// What recorded answers come to, in canonical order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordedFigures {
    /// What came of what they advised.
    pub advised: Score,
    /// Answers.
    pub answers: u64,
    /// Decisions that an answer was recorded before. Where one was asked before more than once, the
    /// last answer counts.
    pub decisions: u64,
    /// What came of what they would have prescribed.
    pub prescribed: Score,
    /// Answers that no failing fact of their line followed, or that a later one counts for.
    pub without_decision: u64,
}

/// Scores the answers that were recorded while one of these modes was on.
///
/// An answer is scored by the first failing fact of its task line later than its `as_of`.
#[must_use]
pub fn recorded(answers: &[RecordedAnswer], modes: &[Rollout], ledger: &Ledger, walked: &Walked) -> RecordedFigures {
    let mut decisions: BTreeMap<&TaskLine, Vec<&Decision>> = BTreeMap::new();
    for decision in &walked.decisions {
        if let Some(fact) = ledger.facts.get(decision.position) {
            decisions.entry(&fact.keys.task_line).or_default().push(decision);
        }
    }
    let own: Vec<&RecordedAnswer> = answers.iter().filter(|answer| modes.contains(&answer.rollout)).collect();
    let mut scored: BTreeMap<usize, (&Decision, &RecordedAnswer)> = BTreeMap::new();
    for answer in &own {
        let line = decisions.get(&answer.line).map(Vec::as_slice).unwrap_or_default();
        let next = line.partition_point(|decision| answer.as_of.is_some_and(|as_of| decision.ts <= as_of));
        let Some(decision) = line.get(next) else { continue };
        let later = scored.get(&decision.position).is_none_or(|(_, other)| order(other) <= order(answer));
        if later {
            scored.insert(decision.position, (decision, answer));
        }
    }
    RecordedFigures {
        advised: Score::of(scored.values().map(|(decision, answer)| (*decision, answer.advised))),
        answers: own.len() as u64,
        decisions: scored.len() as u64,
        prescribed: Score::of(scored.values().map(|(decision, answer)| (*decision, answer.prescribed))),
        without_decision: own.len().saturating_sub(scored.len()) as u64,
    }
}

/// Which of two answers before one decision is the later; total, so that the order of lines says nothing.
fn order(answer: &RecordedAnswer) -> (Option<Timestamp>, Rollout, Option<Sha256Hash>, Option<Sha256Hash>) {
    (answer.as_of, answer.rollout, answer.advised, answer.prescribed)
}
