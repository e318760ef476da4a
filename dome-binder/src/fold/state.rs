//! What a task line's capsules count while the line is folded (M-80 to M-87).

use std::collections::BTreeMap;
use std::sync::Arc;

use dome_core::{
    FailureReasonCode, Fingerprint, Job, Keys, Lane, PolicyReasonCode, Sha256Hash, TaskLine, Timestamp, choice,
};
use serde::Serialize;

use crate::fold::proof::proof;
use crate::fold::trials::{RunSets, Trials};
use crate::ledger::LineFact;
use crate::settle::{Fact, FactOrder};
use crate::trigger::TriggerCounts;

choice! {
    /// How a failure stands in the stream in which it was seen last (M-85).
    CapsuleStanding {
        /// Work on it was given up.
        GivenUp = "given_up",
        /// It fails, and too often in a row to do so by chance (M-77).
        Broken = "broken",
        /// It fails.
        Failing = "failing",
        /// It passed, and nothing says that anything was mended.
        Cleared = "cleared",
        /// It was resolved, and too few clean runs came since.
        Pending = "pending",
        /// It was resolved, and that is proven.
        Held = "held",
    }
}

/// A fact, as capsules point at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRef {
    /// Its place in the total order.
    pub order: FactOrder,
    /// Its digest.
    pub digest: Sha256Hash,
}

impl FactRef {
    pub(super) fn of(fact: &Fact) -> Self {
        Self { order: fact.order(), digest: fact.keys.digest }
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
    /// The first minting fact.
    pub first: FactRef,
    /// The last minting fact.
    pub last: FactRef,
    /// Policy codes beside it.
    pub policy_reason_codes: BTreeMap<PolicyReasonCode, u64>,
    /// Triggers that fired, by name.
    pub triggers: TriggerCounts,
}

/// What failures and endings of a capsule come to, under the names of M-120.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct FailureCounts {
    pub contradiction_count: u64,
    pub failure_count: u64,
    pub given_up_count: u64,
    pub held_count: u64,
    pub intermittent_count: u64,
    pub recurrence_count: u64,
    pub resolved_count: u64,
    pub stale_count: u64,
    pub stream_count: u64,
}

/// How a capsule stands, and where (M-85).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingIn {
    /// How it stands.
    pub standing: CapsuleStanding,
    /// The lane of the stream that says so.
    pub lane: Option<Lane>,
    /// The job of that stream.
    pub job: Option<Job>,
    /// With `pending`: the clean runs so far, and how many are needed.
    pub clean: Option<(u64, u64)>,
    /// What is known of the row that goes on, if one does.
    pub row: Option<RowFigures>,
}

/// What M-77 looks at of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowFigures {
    /// f: runs of earlier failures, taken when it began.
    pub failed_runs: u64,
    /// s: runs of earlier successes, taken when it began.
    pub passed_runs: u64,
    /// m: its runs that no later success at the same subject has cleared.
    pub uncleared_runs: u64,
}

impl RowFigures {
    /// How many more such runs make it broken (M-77); 0 where it is.
    ///
    /// ```
    /// use dome_binder::RowFigures;
    /// let row = RowFigures { failed_runs: 0, passed_runs: 20, uncleared_runs: 1 };
    /// assert_eq!(row.until_broken(300), 1, "what failed in none of twenty runs does not fail twice by chance");
    /// ```
    #[must_use]
    pub fn until_broken(&self, proof_max: u64) -> u64 {
        let Self { failed_runs, passed_runs, uncleared_runs } = *self;
        (proof(failed_runs + 1, failed_runs + passed_runs + 2, proof_max) + 1).saturating_sub(uncleared_runs)
    }
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
    /// What minting facts say.
    pub support: Support,
    /// What failures and endings come to.
    pub counts: FailureCounts,
    /// The last fact that resolved it.
    pub last_resolved: Option<FactRef>,
    /// How it stands; none where it never failed but in vain.
    pub standing: Option<StandingIn>,
    /// What was tried, and in which runs.
    pub trials: Trials,
}

impl CapsuleState {
    /// A capsule at its first minting fact, before anything is counted.
    pub(super) fn first_seen(line_fact: &LineFact<'_>) -> Self {
        let fact = line_fact.fact;
        Self {
            line: fact.keys.task_line.clone(),
            failure_reason_code: fact.keys.failure_reason_code.clone(),
            keys: fact.keys.keys(),
            fingerprint: Arc::clone(&fact.keys.fingerprint),
            support: Support {
                support_count: 0,
                denial_count: 0,
                first: FactRef::of(fact),
                last: FactRef::of(fact),
                policy_reason_codes: BTreeMap::new(),
                triggers: TriggerCounts::default(),
            },
            counts: FailureCounts::default(),
            last_resolved: None,
            standing: None,
            trials: Trials::default(),
        }
    }

    /// Distinct runs of minting facts (M-80).
    #[must_use]
    pub fn run_count(&self) -> u64 {
        self.trials.count(RunSets::MINTED)
    }
}
