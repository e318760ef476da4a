//! The filters of a question (M-110).

use dome_core::{
    ActionKind, FailureReasonCode, GateId, GuardId, PolicyReasonCode, RunId, Scope, Sha256Hash, TargetId, TargetKind,
    TaskLine, Timestamp, canonical,
};
use serde::Serialize;

use super::filter::{Filter, OrEmpty};
use crate::settle::Fact;

/// What rows must be like; a filter that is not given lets everything through. In canonical order.
///
/// Most filters select facts, and a view of the selected facts is the answer: a row that counts
/// facts counts those that were selected. `gate`, and in the view of denials `guard` and
/// `policy_reason_code`, select rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Filters {
    /// Facts of task lines with this action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_kind: Option<ActionKind>,
    /// Facts with this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason_code: Option<FailureReasonCode>,
    /// Rows of this gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateId>,
    /// Rows of this guard; the empty one is that of codes that no guard explains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<OrEmpty<GuardId>>,
    /// Rows with this code; the empty one is that of denials, or failures, without a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_reason_code: Option<OrEmpty<PolicyReasonCode>>,
    /// Facts of this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Facts of task lines with this scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Facts whose ordered time is this or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Facts of task lines with this target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
    /// Facts of task lines with this kind of target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_kind: Option<TargetKind>,
    /// Facts whose ordered time is earlier than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Whether a filter is not given, or given and met.
fn met<T>(filter: Option<&T>, meets: impl FnOnce(&T) -> bool) -> bool {
    filter.is_none_or(meets)
}

impl Filters {
    /// The filters that are given, with their values as text.
    #[must_use]
    pub fn given(&self) -> Vec<(Filter, String)> {
        let text = |filter, value: Option<&str>| value.map(|value| (filter, value.to_owned()));
        let time = |filter, value: Option<Timestamp>| value.map(|value| (filter, value.to_string()));
        [
            text(Filter::Scope, self.scope.map(Scope::as_str)),
            text(Filter::TargetKind, self.target_kind.as_ref().map(TargetKind::as_str)),
            text(Filter::TargetId, self.target_id.as_ref().map(TargetId::as_str)),
            text(Filter::ActionKind, self.action_kind.as_ref().map(ActionKind::as_str)),
            text(Filter::FailureReasonCode, self.failure_reason_code.as_ref().map(FailureReasonCode::as_str)),
            text(Filter::PolicyReasonCode, self.policy_reason_code.as_ref().map(OrEmpty::as_str)),
            text(Filter::Gate, self.gate.as_ref().map(GateId::as_str)),
            text(Filter::Guard, self.guard.as_ref().map(OrEmpty::as_str)),
            text(Filter::Run, self.run.as_ref().map(RunId::as_str)),
            time(Filter::Since, self.since),
            time(Filter::Until, self.until),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// SHA-256 of the canonical bytes: what a cursor is bound to.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        let mut bytes = Vec::new();
        canonical::append(self, &mut bytes);
        Sha256Hash::of(&bytes)
    }

    /// Whether a fact is one that a view of the answer is made of.
    pub(super) fn select(&self, fact: &Fact) -> bool {
        self.select_by(&fact.keys.task_line, &fact.keys.failure_reason_code, &fact.run_id, fact.ordered_ts)
    }

    /// Whether facts of a task line may be selected.
    #[must_use]
    pub fn select_line(&self, line: &TaskLine) -> bool {
        met(self.scope.as_ref(), |scope| line.scope == *scope)
            && met(self.target_kind.as_ref(), |kind| line.target_kind == *kind)
            && met(self.target_id.as_ref(), |id| line.target_id == *id)
            && met(self.action_kind.as_ref(), |kind| line.action_kind == *kind)
    }

    /// As much of a fact as selects it: its task line, its code, its run and its ordered time.
    #[must_use]
    pub fn select_by(&self, line: &TaskLine, code: &FailureReasonCode, run: &RunId, ordered_ts: Timestamp) -> bool {
        self.select_line(line)
            && met(self.failure_reason_code.as_ref(), |wanted| code == wanted)
            && met(self.run.as_ref(), |wanted| run == wanted)
            && met(self.since.as_ref(), |since| ordered_ts >= *since)
            && met(self.until.as_ref(), |until| ordered_ts < *until)
    }

    /// Whether a row of this gate is asked for.
    #[must_use]
    pub fn gate_is(&self, gate: &GateId) -> bool {
        met(self.gate.as_ref(), |wanted| wanted == gate)
    }

    /// Whether a row of this guard is asked for; the empty one is that of no guard.
    #[must_use]
    pub fn guard_is(&self, guard: &str) -> bool {
        met(self.guard.as_ref(), |wanted| wanted.as_str() == guard)
    }

    /// Whether a row of this policy code is asked for; the empty one is that of none.
    #[must_use]
    pub fn policy_code_is(&self, code: &str) -> bool {
        met(self.policy_reason_code.as_ref(), |wanted| wanted.as_str() == code)
    }
}
