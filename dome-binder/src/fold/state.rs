//! What a task line's capsules count while the line is folded (M-80 to M-83).

use std::collections::BTreeMap;
use std::sync::Arc;

use dome_core::{
    FailureReasonCode, Fingerprint, GateId, Keys, PolicyReasonCode, Remedy, Sha256Hash, Signal, Status, TaskLine,
    Timestamp,
};

use crate::fold::Effect;
use crate::fold::runs::RunSets;
use crate::ledger::LineFact;
use crate::settle::{Fact, FactOrder};
use crate::trigger::{TriggerCounts, Triggers};

/// A fact, as capsules point at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRef {
    /// Its place in the total order.
    pub order: FactOrder,
    /// Its digest.
    pub digest: Sha256Hash,
}

impl FactRef {
    fn of(line_fact: &LineFact<'_>) -> Self {
        Self { order: line_fact.fact.order(), digest: line_fact.fact.keys.digest }
    }

    /// Its ordered time.
    #[must_use]
    pub const fn ts(&self) -> Timestamp {
        self.order.ts
    }
}

/// What minting facts say of a capsule (M-80).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// Minting facts.
    pub support_count: u64,
    /// Minting facts whose signal is `denial`.
    pub denial_count: u64,
    /// Distinct runs of minting facts.
    pub run_count: u64,
    /// The first minting fact.
    pub first: FactRef,
    /// The last minting fact.
    pub last: FactRef,
    /// Policy codes beside it.
    pub policy_reason_codes: BTreeMap<PolicyReasonCode, u64>,
    /// Triggers that fired, by name.
    pub triggers: TriggerCounts,
}

/// One capsule of a folded line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapsuleState {
    /// The task line that it belongs to.
    pub line: TaskLine,
    /// What failed.
    pub failure_reason_code: FailureReasonCode,
    /// The keys of its first minting fact, which all its facts share but for digest and outcome.
    pub keys: Keys,
    /// Why its facts are grouped.
    pub fingerprint: Arc<Fingerprint>,
    /// The gates that failed, sorted.
    pub failed_gates: Vec<GateId>,
    /// What minting facts say.
    pub support: Support,
    /// Minting facts that failed (M-81).
    pub failure_count: u64,
    /// Failures soon after a resolution (M-81).
    pub contradiction_count: u64,
    /// Failures long after a resolution (M-81).
    pub recurrence_count: u64,
    /// Resolutions (M-82).
    pub resolved_count: u64,
    /// The last fact that resolved it.
    pub last_resolved: Option<FactRef>,
    /// All its remedies (M-83).
    pub remedies: Remedies,
}

/// The remedies of a capsule or concept, by identity (M-83): boxed, since a tree has room for many where most
/// capsules have few.
pub type Remedies = BTreeMap<Sha256Hash, Box<RemedyState>>;

/// One remedy of a capsule or concept (M-83).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemedyState {
    /// Runs that resolved by it.
    pub count: u64,
    /// Facts that contradicted it.
    pub contradicted_count: u64,
    /// The last fact that resolved by it, counted or not.
    pub last: FactRef,
    /// The remedy as that fact gave it.
    pub remedy: Arc<Remedy>,
}

/// A fact that applied a capsule, with what M-84 asks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its place in the total order.
    pub order: FactOrder,
    /// The derived key that it applied.
    pub capsule: Sha256Hash,
    /// Whether it resolved or contradicted that capsule, and so was counted already.
    pub spoke_already: bool,
    /// M-72.
    pub succeeding: bool,
    /// M-72.
    pub failing: bool,
    /// Whether its signal is `denial`.
    pub denial: bool,
    /// Whether it lists gates at all.
    pub lists_gates: bool,
    /// The gates that it passed, sorted.
    pub passed: Vec<GateId>,
    /// The gates that it failed, sorted.
    pub failed: Vec<GateId>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Capsules(pub(super) BTreeMap<Sha256Hash, Box<CapsuleState>>);

impl Capsules {
    /// M-80, all but `support_count` and `run_count`, which are an effect; whether the run is new.
    pub(super) fn support(&mut self, line_fact: &LineFact<'_>, triggers: Triggers, runs: &mut RunSets) -> bool {
        let fact = line_fact.fact;
        let key = fact.keys.derived;
        let support = &mut self.0.entry(key).or_insert_with(|| Box::new(first_seen(line_fact))).support;
        support.last = FactRef::of(line_fact);
        support.denial_count += u64::from(fact.signal == Signal::Denial);
        if let Some(code) = fact.policy_reason_code() {
            *support.policy_reason_codes.entry(PolicyReasonCode::clone(code)).or_default() += 1;
        }
        support.triggers.add(triggers);
        runs.joins(key, &fact.run_id)
    }

    /// Whether a fact passes the gates that failed for a capsule (M-82).
    pub(super) fn is_passed(&self, key: &Sha256Hash, fact: &Fact) -> bool {
        self.0.get(key).is_some_and(|capsule| fact.passes(&capsule.failed_gates))
    }

    /// Adds an effect to its capsule's counters, and completes it.
    pub(super) fn apply(&mut self, line_fact: &LineFact<'_>, effect: &mut Effect, runs: &mut RunSets) {
        let Some(capsule) = self.0.get_mut(&effect.key()) else { return };
        match effect {
            Effect::Supported { new_run, .. } => {
                capsule.support.support_count += 1;
                capsule.support.run_count += u64::from(*new_run);
            }
            Effect::Failed { .. } => capsule.failure_count += 1,
            Effect::Recurred { .. } => capsule.recurrence_count += 1,
            Effect::Contradicted { remedy, .. } => {
                capsule.contradiction_count += 1;
                if let Some(remedy) = remedy.and_then(|identity| capsule.remedies.get_mut(&identity)) {
                    remedy.contradicted_count += 1;
                }
            }
            Effect::Resolved { key, remedy, new_run } => {
                capsule.resolved_count += 1;
                capsule.last_resolved = Some(FactRef::of(line_fact));
                if let Some((identity, remedy)) = remedy {
                    *new_run = runs.resolves(*key, *identity, &line_fact.fact.run_id);
                    capsule.resolved_by(*identity, remedy, FactRef::of(line_fact), *new_run);
                }
            }
        }
    }
}

impl CapsuleState {
    /// M-83: `counted` when the fact's run did not resolve the capsule by this remedy before.
    fn resolved_by(&mut self, identity: Sha256Hash, remedy: &Arc<Remedy>, last: FactRef, counted: bool) {
        let new = || RemedyState { count: 0, contradicted_count: 0, last: last.clone(), remedy: Arc::clone(remedy) };
        let state = self.remedies.entry(identity).or_insert_with(|| Box::new(new()));
        (state.last, state.remedy) = (last, Arc::clone(remedy));
        state.count += u64::from(counted);
    }
}

/// A capsule at its first minting fact, before anything is counted.
fn first_seen(line_fact: &LineFact<'_>) -> CapsuleState {
    let fact = line_fact.fact;
    let failed = fact.gates.iter().filter(|gate| gate.status == Status::Fail);
    CapsuleState {
        line: fact.keys.task_line.clone(),
        failure_reason_code: fact.keys.failure_reason_code.clone(),
        keys: fact.keys.keys(),
        fingerprint: Arc::clone(&fact.keys.fingerprint),
        failed_gates: failed.map(|gate| gate.gate_id.clone()).collect(),
        support: Support {
            support_count: 0,
            denial_count: 0,
            run_count: 0,
            first: FactRef::of(line_fact),
            last: FactRef::of(line_fact),
            policy_reason_codes: BTreeMap::new(),
            triggers: TriggerCounts::default(),
        },
        failure_count: 0,
        contradiction_count: 0,
        recurrence_count: 0,
        resolved_count: 0,
        last_resolved: None,
        remedies: BTreeMap::new(),
    }
}
