//! Capsules: one recurring failure of one task line, with all that is known of it (M-90).

use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;
use dome_core::{
    ActionKind, CodeClass, FailureReasonCode, Fingerprint, Job, Lane, PolicyReasonCode, Scope, Sha256Hash, TargetId,
    TargetKind, Timestamp,
};
use serde::Serialize;

use crate::applied::AppliedCounts;
use crate::eligibility::{Figures, FirstRemedy, Hold, Verdict, holds};
use crate::fold::{CapsuleStanding, CapsuleState, FactRef, LineFigures, RowFigures, Rules};
use crate::remedy::{RemedyRecord, best_remedies};
use crate::trigger::TriggerCounts;

/// What kind of thing recurs (M-90).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CapsuleKind {
    /// It failed at least once.
    Failure,
    /// It never failed, but was denied.
    Denial,
    /// Neither.
    Pattern,
}

/// A row of `capsules.jsonl`, its members in canonical order (M-90, M-120).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-90, under their names")]
pub struct Capsule {
    pub action_kind: ActionKind,
    pub blocked_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<CodeClass>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean_needed: Option<u64>,
    pub concept_key: Sha256Hash,
    pub confidence_ppm: u64,
    pub confirmed_count: u64,
    pub contradiction_count: u64,
    pub denial_count: u64,
    pub derived_key: Sha256Hash,
    pub execution_count: u64,
    pub failure_count: u64,
    pub failure_reason_code: FailureReasonCode,
    pub fingerprint: Arc<Fingerprint>,
    pub fingerprint_hash: Sha256Hash,
    pub first_fact: Sha256Hash,
    pub first_seen_ts: Timestamp,
    pub given_up_count: u64,
    pub held_count: u64,
    pub holds: Vec<Hold>,
    pub intermittent_count: u64,
    pub kind: CapsuleKind,
    pub last_fact: Sha256Hash,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_resolved_fact: Option<Sha256Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_resolved_ts: Option<Timestamp>,
    pub last_seen_ts: Timestamp,
    pub line_key: Sha256Hash,
    pub policy_reason_codes: BTreeMap<PolicyReasonCode, u64>,
    pub reason_code_known: bool,
    pub recurrence_count: u64,
    pub refuted_count: u64,
    pub remedies: Vec<RemedyRecord>,
    pub resolved_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub restart_mode: Option<CompactString>,
    /// What is known of the row that goes on: no part of the row of `capsules.jsonl`.
    #[serde(skip)]
    pub row: Option<RowFigures>,
    pub run_count: u64,
    pub scope: Scope,
    pub stale_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<CapsuleStanding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_job: Option<Job>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_lane: Option<Lane>,
    pub stream_count: u64,
    pub support_count: u64,
    pub target_id: TargetId,
    pub target_kind: TargetKind,
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<&'static str, u64>"))]
    pub triggers: TriggerCounts,
    pub unresolved_ppm: u64,
    pub verdict: Verdict,
}

impl CapsuleState {
    /// What kind of thing recurs (M-90).
    #[must_use]
    pub const fn kind(&self) -> CapsuleKind {
        if self.counts.failure_count > 0 {
            CapsuleKind::Failure
        } else if self.support.denial_count > 0 {
            CapsuleKind::Denial
        } else {
            CapsuleKind::Pattern
        }
    }
}

impl Capsule {
    /// What eligibility looks at (M-92), guards as the capsule's holds say.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            support_count: self.support_count,
            run_count: self.run_count,
            remedy: self.remedies.first().map(FirstRemedy::of),
            unresolved_ppm: Some(self.unresolved_ppm),
            confirmed_count: self.confirmed_count,
            refuted_count: self.refuted_count,
            broken: self.state == Some(CapsuleStanding::Broken),
            elsewhere: false,
            last_seen_ts: self.last_seen_ts,
            class: self.class,
            reason_code_known: self.reason_code_known,
            guard_denied: self.holds.contains(&Hold::GuardDenied),
        }
    }
}

/// What a table says of a reason code (M-97).
pub(crate) struct CodeFacts {
    pub(crate) class: Option<CodeClass>,
    pub(crate) restart_mode: Option<CompactString>,
    pub(crate) known: bool,
}

impl CodeFacts {
    pub(crate) fn of(code: &FailureReasonCode, kind: CapsuleKind, rules: &Rules) -> Self {
        let class = rules.codes.class(code.as_str());
        let restart_mode = class.and_then(|class| rules.codes.restart_mode(class)).map(CompactString::from);
        let known = class.is_some() || (code.is_none() && kind != CapsuleKind::Failure);
        Self { class, restart_mode, known }
    }
}

/// Finishes a capsule: what was applied elsewhere (M-84), confidence (M-91), holds and verdict (M-92).
///
/// `line` is what its task line says; staleness is measured at `as_of`.
#[must_use]
pub fn finish(
    state: &CapsuleState,
    applied: AppliedCounts,
    line: LineFigures,
    rules: &Rules,
    as_of: Option<Timestamp>,
) -> Capsule {
    let code = CodeFacts::of(&state.failure_reason_code, state.kind(), rules);
    let (counts, standing, remedies) = (&state.counts, state.standing.as_ref(), best_remedies(&state.trials));
    let clean = standing.and_then(|standing| standing.clean);
    let mut capsule = Capsule {
        action_kind: state.line.action_kind.clone(),
        blocked_count: applied.blocked_count,
        class: code.class,
        clean_count: clean.map(|(count, _)| count),
        clean_needed: clean.map(|(_, needed)| needed),
        concept_key: state.keys.concept,
        confidence_ppm: remedies.first().map_or(0, |first| first.confidence_ppm),
        confirmed_count: applied.confirmed_count,
        contradiction_count: counts.contradiction_count,
        denial_count: state.support.denial_count,
        derived_key: state.keys.derived,
        execution_count: line.execution_count,
        failure_count: counts.failure_count,
        failure_reason_code: state.failure_reason_code.clone(),
        fingerprint: Arc::clone(&state.fingerprint),
        fingerprint_hash: state.keys.fingerprint_hash,
        first_fact: state.support.first.digest,
        first_seen_ts: state.support.first.ts(),
        given_up_count: counts.given_up_count,
        held_count: counts.held_count,
        holds: Vec::new(),
        intermittent_count: counts.intermittent_count,
        kind: state.kind(),
        last_fact: state.support.last.digest,
        last_resolved_fact: state.last_resolved.as_ref().map(|fact| fact.digest),
        last_resolved_ts: state.last_resolved.as_ref().map(FactRef::ts),
        last_seen_ts: state.support.last.ts(),
        line_key: state.keys.line,
        policy_reason_codes: state.support.policy_reason_codes.clone(),
        reason_code_known: code.known,
        recurrence_count: counts.recurrence_count,
        refuted_count: applied.refuted_count,
        remedies,
        resolved_count: counts.resolved_count,
        restart_mode: code.restart_mode,
        row: standing.and_then(|standing| standing.row),
        run_count: state.run_count(),
        scope: state.line.scope,
        stale_count: counts.stale_count,
        state: standing.map(|standing| standing.standing),
        state_job: standing.and_then(|standing| standing.job.clone()),
        state_lane: standing.and_then(|standing| standing.lane.clone()),
        stream_count: counts.stream_count,
        support_count: state.support.support_count,
        target_id: state.line.target_id.clone(),
        target_kind: state.line.target_kind.clone(),
        triggers: state.support.triggers,
        unresolved_ppm: state.trials.unresolved_ppm(),
        verdict: Verdict::Prescriptive,
    };
    let figures = Figures { guard_denied: line.guard_denied, ..capsule.figures() };
    capsule.holds = holds(&figures, &rules.policy, as_of);
    capsule.verdict = Verdict::of(&capsule.holds);
    capsule
}
