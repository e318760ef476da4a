//! One change of one counter, and what changes add up to.

use std::collections::BTreeMap;

use dome_core::{Sha256Hash, Signal};
use serde::Serialize;

use crate::applied::Application;
use crate::fold::Effect;
use crate::settle::Fact;
use crate::trigger::Triggers;

/// A counter of a capsule, under its own name; those of a remedy under `remedy_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of M-120")]
pub enum Counter {
    SupportCount,
    RunCount,
    DenialCount,
    PolicyReasonCodes,
    Triggers,
    FailureCount,
    ContradictionCount,
    RemedyContradictedCount,
    RecurrenceCount,
    ResolvedCount,
    RemedyCount,
    ConfirmedCount,
    RefutedCount,
    BlockedCount,
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

    /// The name as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SupportCount => "support_count",
            Self::RunCount => "run_count",
            Self::DenialCount => "denial_count",
            Self::PolicyReasonCodes => "policy_reason_codes",
            Self::Triggers => "triggers",
            Self::FailureCount => "failure_count",
            Self::ContradictionCount => "contradiction_count",
            Self::RemedyContradictedCount => "remedy_contradicted_count",
            Self::RecurrenceCount => "recurrence_count",
            Self::ResolvedCount => "resolved_count",
            Self::RemedyCount => "remedy_count",
            Self::ConfirmedCount => "confirmed_count",
            Self::RefutedCount => "refuted_count",
            Self::BlockedCount => "blocked_count",
        }
    }
}

/// A fact adds one to a counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change {
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

impl Change {
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
    pub fn sum<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Self {
        let mut sum = Self::default();
        changes.into_iter().for_each(|change| *sum.counter(change) += 1);
        sum
    }

    fn counter(&mut self, change: &Change) -> &mut u64 {
        let of = || change.of.clone().unwrap_or_default();
        match change.counter {
            Counter::SupportCount => &mut self.support_count,
            Counter::RunCount => &mut self.run_count,
            Counter::DenialCount => &mut self.denial_count,
            Counter::PolicyReasonCodes => self.policy_reason_codes.entry(of()).or_default(),
            Counter::Triggers => self.triggers.entry(of()).or_default(),
            Counter::FailureCount => &mut self.failure_count,
            Counter::ContradictionCount => &mut self.contradiction_count,
            Counter::RemedyContradictedCount => &mut self.remedies.entry(of()).or_default().contradicted_count,
            Counter::RecurrenceCount => &mut self.recurrence_count,
            Counter::ResolvedCount => &mut self.resolved_count,
            Counter::RemedyCount => &mut self.remedies.entry(of()).or_default().count,
            Counter::ConfirmedCount => &mut self.confirmed_count,
            Counter::RefutedCount => &mut self.refuted_count,
            Counter::BlockedCount => &mut self.blocked_count,
        }
    }
}
