//! One fact of a story.

use dome_core::{
    Decision, EventId, FailureReasonCode, GroupId, Lane, PolicyReasonCode, RunId, Sha256Hash, Signal, Source, Status,
    TaskId, Timestamp, WrapperPolicy,
};
use serde::Serialize;

use super::change::Change;
use super::told::Deed;
use crate::applied::Application;
use crate::fold::Rules;
use crate::ledger::LineFact;
use crate::policy::Policy;
use crate::record::Record;
use crate::trigger::{Trigger, Triggers};

/// A fact with what it did, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// What became of it as an application of a capsule (M-84).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<Application>,
    /// The counters that it changed, each by one.
    pub changes: Vec<Change>,
    /// Its digest.
    pub digest: Sha256Hash,
    /// Its event's id.
    pub event_id: EventId,
    /// Whether it is failing (M-72).
    pub failing: bool,
    /// What failed.
    pub failure_reason_code: FailureReasonCode,
    /// Its evidence group.
    pub group_id: GroupId,
    /// Its lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
    /// What made it mint, by its mode (M-70); empty when it did not.
    pub mint_reasons: Vec<MintReason>,
    /// Whether it minted (M-70).
    pub minted: bool,
    /// The mode that it was bound under.
    pub mode: WrapperPolicy,
    /// Its ordered time (M-42).
    pub ordered_ts: Timestamp,
    /// What was not allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_reason_code: Option<PolicyReasonCode>,
    /// Its place in the total order, from 0.
    pub position: u64,
    /// Its run.
    pub run_id: RunId,
    /// Its sequence in its run.
    pub sequence: u64,
    /// What its outcome says.
    pub signal: Signal,
    /// Where it first appeared.
    pub source: Source,
    /// Whether it is succeeding (M-72).
    pub succeeding: bool,
    /// Its task.
    pub task_id: TaskId,
    /// The triggers that fired, with their numbers (M-71).
    pub triggers: Vec<Fired>,
}

/// What makes a fact mint (M-70).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MintReason {
    /// Its signal is `failure` or `denial`: every mode.
    Signal,
    /// Its signal is `anomaly`: `hybrid` and `lenient`.
    Anomaly,
    /// A gate failed: `hybrid` and `lenient`.
    FailedGate,
    /// A guard denied or stopped it: `hybrid` and `lenient`.
    DenyingGuard,
    /// A trigger fired: `hybrid` and `lenient`.
    Trigger,
    /// Every fact does: `lenient`.
    Lenient,
}

/// A trigger that fired, and the numbers that made it (M-71).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fired {
    /// The attempts or the milliseconds that it had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// From how many it fires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// The lower median of the latest durations before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_ms: Option<u64>,
    /// The code that no earlier fact of this scope, kind of target and action has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_reason_code: Option<PolicyReasonCode>,
    /// Earlier facts of its line with a duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// Which.
    pub trigger: Trigger,
}

impl Step {
    pub(super) fn of(line_fact: &LineFact<'_>, deed: &Deed, rules: &Rules) -> Self {
        let fact = line_fact.fact;
        let mode = rules.mode_of(fact.wrapper_policy);
        Self {
            application: None,
            changes: deed.changes.clone(),
            digest: fact.keys.digest,
            event_id: fact.event_id.clone(),
            failing: fact.is_failing(),
            failure_reason_code: fact.keys.failure_reason_code.clone(),
            group_id: fact.group_id.clone(),
            lane: fact.lane.clone(),
            mint_reasons: mint_reasons(mode, fact, deed.triggers),
            minted: deed.minted,
            mode,
            ordered_ts: fact.ordered_ts,
            policy_reason_code: fact.policy_reason_code().cloned(),
            position: line_fact.position as u64,
            run_id: fact.run_id.clone(),
            sequence: fact.sequence,
            signal: fact.signal,
            source: fact.source.clone(),
            succeeding: fact.is_succeeding(),
            task_id: fact.task_id.clone(),
            triggers: deed.triggers.iter().map(|trigger| fired(trigger, fact, deed, &rules.policy)).collect(),
        }
    }
}

/// Everything that makes a record mint under a mode; nothing when it does not (M-70).
fn mint_reasons(mode: WrapperPolicy, record: &Record, triggers: Triggers) -> Vec<MintReason> {
    let hybrid = mode != WrapperPolicy::Strict;
    let denies = |decision: Option<Decision>| decision.is_some_and(Decision::denies);
    [
        (matches!(record.signal, Signal::Failure | Signal::Denial), MintReason::Signal),
        (hybrid && record.signal == Signal::Anomaly, MintReason::Anomaly),
        (hybrid && record.gates.iter().any(|gate| gate.status == Status::Fail), MintReason::FailedGate),
        (hybrid && record.guard_evals().iter().any(|eval| denies(eval.decision)), MintReason::DenyingGuard),
        (hybrid && !triggers.is_empty(), MintReason::Trigger),
        (mode == WrapperPolicy::Lenient, MintReason::Lenient),
    ]
    .into_iter()
    .filter_map(|(holds, reason)| holds.then_some(reason))
    .collect()
}

fn fired(trigger: Trigger, record: &Record, deed: &Deed, policy: &Policy) -> Fired {
    let bare = Fired { found: None, from: None, median_ms: None, policy_reason_code: None, samples: None, trigger };
    match trigger {
        Trigger::RetryStorm => Fired {
            found: record.attempts.map(|attempts| attempts.get().into()),
            from: Some(policy.retry_storm_attempts),
            ..bare
        },
        Trigger::LatencyDelta => {
            let least = |median: u64| {
                let (times, more) =
                    (policy.latency_factor.saturating_mul(median), median.saturating_add(policy.latency_min_excess_ms));
                times.max(more)
            };
            let from = deed.median_ms.map(least);
            Fired { found: record.duration_ms(), from, median_ms: deed.median_ms, samples: Some(deed.samples), ..bare }
        }
        Trigger::UnseenDenial => Fired { policy_reason_code: record.policy_reason_code().cloned(), ..bare },
    }
}
