//! One fact of a story: the counters that it changed, and why it minted.

use std::collections::BTreeMap;

use dome_core::{
    EventId, FailureReasonCode, GroupId, Lane, PolicyReasonCode, RunId, Sha256Hash, Signal, Source, TaskId, Timestamp,
    WrapperPolicy, choice,
};
use serde::Serialize;

use crate::applied::Application;
use crate::fold::{Applied, Effect, LineState, Rules, Step};
use crate::ledger::{LineFact, LineFacts};
use crate::policy::Policy;
use crate::settle::{Fact, FactOrder};
use crate::trigger::{Latency, MintReason, Trigger, Triggers, fired, mint_reasons};

choice! {
    /// A counter of a capsule, under its own name; those of a remedy under `remedy_`.
    #[expect(missing_docs, reason = "the names are those of M-120")]
    Counter {
        SupportCount = "support_count",
        RunCount = "run_count",
        DenialCount = "denial_count",
        PolicyReasonCodes = "policy_reason_codes",
        Triggers = "triggers",
        FailureCount = "failure_count",
        ContradictionCount = "contradiction_count",
        RemedyContradictedCount = "remedy_contradicted_count",
        RecurrenceCount = "recurrence_count",
        ResolvedCount = "resolved_count",
        RemedyCount = "remedy_count",
        ConfirmedCount = "confirmed_count",
        RefutedCount = "refuted_count",
        BlockedCount = "blocked_count",
    }
}

impl Counter {
    /// The rule that changes it.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::SupportCount | Self::RunCount | Self::DenialCount | Self::PolicyReasonCodes | Self::Triggers => {
                "M-80"
            }
            Self::FailureCount | Self::ContradictionCount | Self::RemedyContradictedCount | Self::RecurrenceCount => {
                "M-81"
            }
            Self::ResolvedCount | Self::RemedyCount => "M-82",
            Self::ConfirmedCount | Self::RefutedCount | Self::BlockedCount => "M-84",
        }
    }
}

/// A fact adds one to a counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Change"))]
pub struct CounterChange {
    /// The capsule, by derived key.
    pub capsule: Sha256Hash,
    /// Its counter.
    pub counter: Counter,
    /// Of which policy code, trigger or remedy (by identity), where the counter is one a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The rule.
    pub rule: &'static str,
}

impl CounterChange {
    fn new(capsule: Sha256Hash, counter: Counter, of: Option<String>) -> Self {
        Self { capsule, counter, of, rule: counter.rule() }
    }

    /// What an effect of the fold changes (M-80 to M-83).
    pub(super) fn of_effect(effect: &Effect, fact: &Fact, triggers: Triggers) -> Vec<Self> {
        let capsule = effect.key();
        let one = |counter| Self::new(capsule, counter, None);
        let of = |counter, name: String| Self::new(capsule, counter, Some(name));
        match effect {
            Effect::Supported { new_run, .. } => {
                let mut changes = vec![one(Counter::SupportCount)];
                changes.extend(new_run.then(|| one(Counter::RunCount)));
                changes.extend((fact.signal == Signal::Denial).then(|| one(Counter::DenialCount)));
                let code = fact.policy_reason_code();
                changes.extend(code.map(|code| of(Counter::PolicyReasonCodes, code.to_string())));
                changes.extend(triggers.iter().map(|trigger| of(Counter::Triggers, trigger.as_str().to_owned())));
                changes
            }
            Effect::Failed { .. } => vec![one(Counter::FailureCount)],
            Effect::Contradicted { remedy, .. } => {
                let remedy = remedy.map(|identity| of(Counter::RemedyContradictedCount, identity.to_string()));
                [one(Counter::ContradictionCount)].into_iter().chain(remedy).collect()
            }
            Effect::Recurred { .. } => vec![one(Counter::RecurrenceCount)],
            Effect::Resolved { remedy, new_run, .. } => {
                let remedy = remedy.as_ref().filter(|_| *new_run);
                let remedy = remedy.map(|(identity, _)| of(Counter::RemedyCount, identity.to_string()));
                [one(Counter::ResolvedCount)].into_iter().chain(remedy).collect()
            }
        }
    }

    /// What an application changes (M-84).
    pub(super) fn of_application(capsule: Sha256Hash, application: Application) -> Option<Self> {
        let counter = match application {
            Application::Confirmed => Counter::ConfirmedCount,
            Application::Refuted => Counter::RefutedCount,
            Application::Blocked => Counter::BlockedCount,
            _ => return None,
        };
        Some(Self::new(capsule, counter, None))
    }
}

/// The counters of one remedy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the names are those of M-120")]
pub struct RemedyCounters {
    pub contradicted_count: u64,
    pub count: u64,
}

/// What the changes of a capsule add up to, in canonical order: all its counters, and those of all
/// its remedies, by identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the names are those of M-120")]
pub struct Counters {
    pub blocked_count: u64,
    pub confirmed_count: u64,
    pub contradiction_count: u64,
    pub denial_count: u64,
    pub failure_count: u64,
    pub policy_reason_codes: BTreeMap<String, u64>,
    pub recurrence_count: u64,
    pub refuted_count: u64,
    pub remedies: BTreeMap<String, RemedyCounters>,
    pub resolved_count: u64,
    pub run_count: u64,
    pub support_count: u64,
    pub triggers: BTreeMap<String, u64>,
}

impl Counters {
    /// Adds changes up.
    pub fn sum<'c>(changes: impl IntoIterator<Item = &'c CounterChange>) -> Self {
        let mut sum = Self::default();
        for change in changes {
            if let Some(counter) = sum.counter(change) {
                *counter += 1;
            }
        }
        sum
    }

    /// The counter that changes; `None` for one per name without the name.
    fn counter(&mut self, change: &CounterChange) -> Option<&mut u64> {
        let of = || change.of.clone();
        Some(match change.counter {
            Counter::SupportCount => &mut self.support_count,
            Counter::RunCount => &mut self.run_count,
            Counter::DenialCount => &mut self.denial_count,
            Counter::PolicyReasonCodes => self.policy_reason_codes.entry(of()?).or_default(),
            Counter::Triggers => self.triggers.entry(of()?).or_default(),
            Counter::FailureCount => &mut self.failure_count,
            Counter::ContradictionCount => &mut self.contradiction_count,
            Counter::RemedyContradictedCount => &mut self.remedies.entry(of()?).or_default().contradicted_count,
            Counter::RecurrenceCount => &mut self.recurrence_count,
            Counter::ResolvedCount => &mut self.resolved_count,
            Counter::RemedyCount => &mut self.remedies.entry(of()?).or_default().count,
            Counter::ConfirmedCount => &mut self.confirmed_count,
            Counter::RefutedCount => &mut self.refuted_count,
            Counter::BlockedCount => &mut self.blocked_count,
        })
    }
}

/// A fact with what it did, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Step"))]
pub struct FactStep {
    /// What became of it as an application of a capsule (M-84).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<Application>,
    /// The counters that it changed, each by one.
    pub changes: Vec<CounterChange>,
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

impl FactStep {
    pub(super) fn apply(&mut self, key: Sha256Hash, application: Option<Application>) {
        self.application = application;
        self.changes.extend(application.and_then(|application| CounterChange::of_application(key, application)));
    }
}

pub(super) fn told(line: &LineFacts<'_>, rules: &Rules) -> (LineState, BTreeMap<FactOrder, FactStep>, Vec<Applied>) {
    let (mut state, mut latency) = (LineState::default(), Latency::default());
    let (mut steps, mut applications) = (BTreeMap::new(), Vec::new());
    for line_fact in &line.facts {
        let before = latency.clone();
        fired(&mut latency, line_fact, &rules.policy);
        let step = state.push(line_fact, rules);
        steps.insert(line_fact.fact.order(), told_fact(line_fact, &step, &before, rules));
        applications.extend(step.applied);
    }
    (state, steps, applications)
}

fn told_fact(line_fact: &LineFact<'_>, step: &Step, latency: &Latency, rules: &Rules) -> FactStep {
    let (fact, triggers) = (line_fact.fact, step.bound.triggers);
    let mode = rules.mode_of(fact.wrapper_policy);
    let changes = step.effects.iter().flat_map(|effect| CounterChange::of_effect(effect, fact, triggers));
    FactStep {
        application: None,
        changes: changes.collect(),
        digest: fact.keys.digest,
        event_id: fact.event_id.clone(),
        failing: fact.is_failing(),
        failure_reason_code: fact.keys.failure_reason_code.clone(),
        group_id: fact.group_id.clone(),
        lane: fact.tested.lane.clone(),
        mint_reasons: mint_reasons(mode, fact, triggers).collect(),
        minted: step.bound.minted,
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
        triggers: triggers.iter().map(|trigger| numbers(trigger, fact, latency, &rules.policy)).collect(),
    }
}

/// The numbers that made a trigger fire, after the durations before it (M-71).
fn numbers(trigger: Trigger, fact: &Fact, latency: &Latency, policy: &Policy) -> Fired {
    let bare = Fired { found: None, from: None, median_ms: None, policy_reason_code: None, samples: None, trigger };
    match trigger {
        Trigger::RetryStorm => Fired {
            found: fact.attempts.map(|attempts| attempts.get().into()),
            from: Some(policy.retry_storm_attempts),
            ..bare
        },
        Trigger::LatencyDelta => {
            let median_ms = latency.median();
            let from = median_ms.map(|median| Latency::slow_from(median, policy));
            Fired { found: fact.duration_ms(), from, median_ms, samples: Some(latency.samples), ..bare }
        }
        Trigger::UnseenDenial => Fired { policy_reason_code: fact.policy_reason_code().cloned(), ..bare },
    }
}
