//! `mv_recent_failures_by_taskspec` (M-110).

use dome_core::{
    ActionKind, EventId, FailureReasonCode, GroupId, PolicyReasonCode, RunId, Scope, Sha256Hash, TargetId, TargetKind,
    TaskId, Timestamp,
};
use serde::Serialize;

use crate::settle::Fact;

/// A row of `views/mv_recent_failures_by_taskspec.jsonl`: a failing fact, whether it minted or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct RecentFailure<'f> {
    pub action_kind: &'f ActionKind,
    pub derived_key: Sha256Hash,
    pub digest: Sha256Hash,
    pub event_id: &'f EventId,
    pub failure_reason_code: &'f FailureReasonCode,
    pub fingerprint_hash: Sha256Hash,
    pub group_id: &'f GroupId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_reason_code: Option<&'f PolicyReasonCode>,
    pub run_id: &'f RunId,
    pub scope: Scope,
    pub sequence: u64,
    pub target_id: &'f TargetId,
    pub target_kind: &'f TargetKind,
    pub task_id: &'f TaskId,
    pub ts: Timestamp,
}

impl<'f> RecentFailure<'f> {
    /// The row of a fact; it stands in the view when the fact is failing ([`crate::Record::is_failing`]).
    #[must_use]
    pub fn of(fact: &'f Fact) -> Self {
        Self {
            action_kind: &fact.keys.task_line.action_kind,
            derived_key: fact.keys.derived,
            digest: fact.keys.digest,
            event_id: &fact.event_id,
            failure_reason_code: &fact.keys.failure_reason_code,
            fingerprint_hash: fact.keys.fingerprint_hash,
            group_id: &fact.group_id,
            policy_reason_code: fact.policy_reason_code(),
            run_id: &fact.run_id,
            scope: fact.keys.task_line.scope,
            sequence: fact.sequence,
            target_id: &fact.keys.task_line.target_id,
            target_kind: &fact.keys.task_line.target_kind,
            task_id: &fact.task_id,
            ts: fact.ordered_ts,
        }
    }
}

/// The rows of the failing facts: by ordered time descending, then `run_id` and place ascending (M-110).
///
/// `facts` are in total order; each row is made when it is asked for.
pub fn recent_failures<'f>(
    facts: impl IntoIterator<Item = &'f Fact>,
) -> impl ExactSizeIterator<Item = RecentFailure<'f>> {
    let failing: Vec<&Fact> = facts.into_iter().filter(|fact| fact.is_failing()).collect();
    latest_first(&failing).into_iter().map(RecentFailure::of)
}

/// Failing facts, which come in total order, in the order of [`recent_failures`], for callers that build
/// the rows themselves.
///
/// ```
/// use dome_binder::{Fact, Record, views::latest_first};
/// let fact = |ordered_ts: &str, place| {
///     let envelope = dome_core::read(dome_core::EXAMPLE_LINE).unwrap();
///     let record = Box::new(Record::new(envelope, dome_core::Source { line: 1, name: "a.jsonl".into() }));
///     Fact { record, ordered_ts: ordered_ts.parse().unwrap(), place }
/// };
/// let facts = [fact("2026-01-01T00:00:00Z", 0), fact("2026-01-02T00:00:00Z", 1), fact("2026-01-02T00:00:00Z", 2)];
/// let places: Vec<u64> = latest_first(&facts.iter().collect::<Vec<_>>()).iter().map(|fact| fact.place).collect();
/// assert_eq!(places, [1, 2, 0]);
/// ```
#[must_use]
pub fn latest_first<'f>(facts: &[&'f Fact]) -> Vec<&'f Fact> {
    // Facts of one instant keep their total order, which is by run and place.
    facts.chunk_by(|a, b| a.ordered_ts == b.ordered_ts).rev().flatten().copied().collect()
}
