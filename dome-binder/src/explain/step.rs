//! One fact of a story: the counters that it changed, and why it minted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use dome_core::{
    EventId, FailureReasonCode, GroupId, Lane, PolicyReasonCode, RunId, Sha256Hash, Signal, Source, Subject, TaskId,
    Timestamp, WrapperPolicy, choice,
};
use serde::Serialize;

use crate::applied::Application;
use crate::fold::{Applied, CapsuleState, Happened, LineState, Rules, Step};
use crate::ledger::{LineFact, LineFacts, Position};
use crate::policy::Policy;
use crate::remedy::all_remedies;
use crate::settle::{Fact, FactOrder};
use crate::trigger::{Latency, MintReason, Trigger, fired, mint_reasons};

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
        IntermittentCount = "intermittent_count",
        StaleCount = "stale_count",
        StreamCount = "stream_count",
        ContradictionCount = "contradiction_count",
        RecurrenceCount = "recurrence_count",
        ResolvedCount = "resolved_count",
        HeldCount = "held_count",
        RemedyCount = "remedy_count",
        RemedyContradictedCount = "remedy_contradicted_count",
        RemedyPendingCount = "remedy_pending_count",
        GivenUpCount = "given_up_count",
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
            Self::FailureCount
            | Self::IntermittentCount
            | Self::StaleCount
            | Self::StreamCount
            | Self::ContradictionCount
            | Self::RecurrenceCount => "M-81",
            Self::ResolvedCount | Self::HeldCount => "M-82",
            Self::RemedyCount | Self::RemedyContradictedCount | Self::RemedyPendingCount => "M-83",
            Self::GivenUpCount => "M-87",
            Self::ConfirmedCount | Self::RefutedCount | Self::BlockedCount => "M-84",
        }
    }
}

/// A fact changes a counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Change"))]
pub struct CounterChange {
    /// By how much; below zero where a remedy's record is told of fewer reruns than before.
    pub by: i64,
    /// The capsule, by derived key.
    pub capsule: Sha256Hash,
    /// Its counter.
    pub counter: Counter,
    /// Of which policy code, trigger or remedy (by identity), where there is a counter for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The rule.
    pub rule: &'static str,
}

/// What a capsule counts, each counter by itself; one that is 0 is left out.
type CounterValues = BTreeMap<(Counter, Option<String>), u64>;

fn counted(state: &CapsuleState) -> CounterValues {
    let (support, counts) = (&state.support, &state.counts);
    let mut all: Vec<(Counter, Option<String>, u64)> = [
        (Counter::SupportCount, support.support_count),
        (Counter::RunCount, state.run_count()),
        (Counter::DenialCount, support.denial_count),
        (Counter::FailureCount, counts.failure_count),
        (Counter::IntermittentCount, counts.intermittent_count),
        (Counter::StaleCount, counts.stale_count),
        (Counter::StreamCount, counts.stream_count),
        (Counter::ContradictionCount, counts.contradiction_count),
        (Counter::RecurrenceCount, counts.recurrence_count),
        (Counter::ResolvedCount, counts.resolved_count),
        (Counter::HeldCount, counts.held_count),
        (Counter::GivenUpCount, counts.given_up_count),
    ]
    .into_iter()
    .map(|(counter, count)| (counter, None, count))
    .collect();
    let codes = support.policy_reason_codes.iter();
    all.extend(codes.map(|(code, count)| (Counter::PolicyReasonCodes, Some(code.to_string()), *count)));
    let triggers = support.triggers.iter();
    all.extend(triggers.map(|(trigger, count)| (Counter::Triggers, Some(trigger.to_string()), count)));
    for record in all_remedies(&state.trials) {
        let of = Some(record.identity.to_string());
        all.extend([
            (Counter::RemedyCount, of.clone(), record.count),
            (Counter::RemedyContradictedCount, of.clone(), record.contradicted_count),
            (Counter::RemedyPendingCount, of, record.pending_count),
        ]);
    }
    all.into_iter().filter(|(.., count)| *count > 0).map(|(counter, of, count)| ((counter, of), count)).collect()
}

impl CounterChange {
    fn new(capsule: Sha256Hash, counter: Counter, of: Option<String>, by: i64) -> Self {
        Self { by, capsule, counter, of, rule: counter.rule() }
    }

    fn between(capsule: Sha256Hash, before: &CounterValues, after: &CounterValues) -> Vec<Self> {
        let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let count = |counted: &CounterValues, name| counted.get(name).copied().unwrap_or_default().cast_signed();
        let changes = names.into_iter().map(|name| (name, count(after, name) - count(before, name)));
        let changes = changes.filter(|(_, by)| *by != 0);
        changes.map(|((counter, of), by)| Self::new(capsule, *counter, of.clone(), by)).collect()
    }

    /// What an application changes (M-84).
    pub(super) fn of_application(capsule: Sha256Hash, application: Application) -> Option<Self> {
        let counter = match application {
            Application::Confirmed => Counter::ConfirmedCount,
            Application::Refuted => Counter::RefutedCount,
            Application::Blocked => Counter::BlockedCount,
            _ => return None,
        };
        Some(Self::new(capsule, counter, None, 1))
    }
}

impl fmt::Display for CounterChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A hash by its start; any other name whole.
        let short = |of: &String| of.parse::<Sha256Hash>().map_or_else(|_| of.clone(), |hash| hash.short());
        let of = self.of.as_ref().map_or_else(String::new, |of| format!("[{}]", short(of)));
        write!(formatter, "{}{of} {:+}", self.counter, self.by)
    }
}

/// What a fact did to a capsule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EffectOn {
    /// The capsule, by derived key.
    pub capsule: Sha256Hash,
    /// What happened to it.
    pub happened: Happened,
}

/// A fact with what it did, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Step"))]
pub struct FactStep {
    /// What became of it as an application of a capsule (M-84).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<Application>,
    /// The counters that it changed.
    pub changes: Vec<CounterChange>,
    /// Its digest.
    pub digest: Sha256Hash,
    /// What it did to capsules, in order.
    pub effects: Vec<EffectOn>,
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
    /// What was tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
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

/// Whose counters a tale follows.
#[derive(Clone, Copy)]
pub(super) enum Following {
    /// Those of one capsule, through all facts.
    Capsule(Sha256Hash),
    /// Those of all capsules of the line, across one fact.
    Fact(Position),
    /// Those of all capsules of the line, through all facts.
    Line,
}

/// A line as it is told.
pub(super) struct ToldLine {
    pub(super) state: LineState,
    pub(super) steps: BTreeMap<FactOrder, FactStep>,
    pub(super) applied: Vec<Applied>,
}

pub(super) fn told(line: &LineFacts<'_>, rules: &Rules, following: Following) -> ToldLine {
    let mut latency = Latency::default();
    let mut told = ToldLine { state: LineState::default(), steps: BTreeMap::new(), applied: Vec::new() };
    let mut before: BTreeMap<Sha256Hash, CounterValues> = BTreeMap::new();
    for line_fact in &line.facts {
        let durations = latency.clone();
        fired(&mut latency, line_fact, &rules.policy);
        if matches!(following, Following::Fact(position) if position == line_fact.position) {
            before = told.state.capsules().map(|state| (state.keys.derived, counted(state))).collect();
        }
        let step = told.state.push(line_fact, rules);
        let follows = |key: &Sha256Hash| match following {
            Following::Capsule(of) => of == *key,
            Following::Fact(position) => position == line_fact.position,
            Following::Line => true,
        };
        let touched: BTreeSet<Sha256Hash> = step.effects.iter().map(|effect| effect.key).filter(follows).collect();
        let mut changes = Vec::new();
        for key in touched {
            let Some(after) = told.state.find(&key).map(counted) else { continue };
            changes.extend(CounterChange::between(key, &before.remove(&key).unwrap_or_default(), &after));
            before.insert(key, after);
        }
        told.steps.insert(line_fact.fact.order(), told_fact(line_fact, &step, changes, &durations, rules));
        told.applied.extend(step.applied);
    }
    told
}

fn told_fact(
    line_fact: &LineFact<'_>,
    step: &Step,
    changes: Vec<CounterChange>,
    latency: &Latency,
    rules: &Rules,
) -> FactStep {
    let (fact, triggers) = (line_fact.fact, step.bound.triggers);
    let mode = rules.mode_of(fact.wrapper_policy);
    let effects = step.effects.iter().map(|effect| EffectOn { capsule: effect.key, happened: effect.what });
    FactStep {
        application: None,
        changes,
        digest: fact.keys.digest,
        effects: effects.collect(),
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
        subject: fact.tested.subject.clone(),
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
