//! Triggers and minting: when a fact says something worth keeping (M-70, M-71).

use std::collections::VecDeque;
use std::fmt;

use dome_core::{GuardEval, Signal, Status, WrapperPolicy, choice};
use serde::{Serialize, Serializer};

use crate::ledger::LineFact;
use crate::policy::Policy;
use crate::record::Record;

/// The version of the trigger set (M-71).
pub const TRIGGER_SET_VERSION: &str = "1";

choice! {
    /// What made a fact remarkable, in the order in which facts record it (M-71).
    Trigger {
        /// It took many attempts.
        RetryStorm = "retry_storm",
        /// It took much longer than the line's median.
        LatencyDelta = "latency_delta",
        /// A policy denied this kind of work for the first time.
        UnseenDenial = "unseen_denial",
    }
    /// What makes a fact mint (M-70).
    MintReason {
        /// Its signal is `failure` or `denial`: every mode.
        Signal = "signal",
        /// Its signal is `anomaly`: `hybrid` and `lenient`.
        Anomaly = "anomaly",
        /// A gate failed: `hybrid` and `lenient`.
        FailedGate = "failed_gate",
        /// A guard denied or stopped it: `hybrid` and `lenient`.
        DenyingGuard = "denying_guard",
        /// A trigger fired: `hybrid` and `lenient`.
        Trigger = "trigger",
        /// Every fact does: `lenient`.
        Lenient = "lenient",
    }
}

impl Trigger {
    const BY_NAME: [Self; Self::ALL.len()] = [Self::LatencyDelta, Self::RetryStorm, Self::UnseenDenial];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The triggers that a fact fired: a set, in the order in which facts record them (M-71).
///
/// ```
/// use dome_binder::{Trigger, Triggers};
/// let fired: Triggers = [Trigger::UnseenDenial, Trigger::RetryStorm].into_iter().collect();
/// assert!(fired.contains(Trigger::RetryStorm) && !fired.contains(Trigger::LatencyDelta));
/// assert_eq!(fired.iter().collect::<Vec<_>>(), [Trigger::RetryStorm, Trigger::UnseenDenial]);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Triggers(pub(crate) u8);

impl Triggers {
    /// Whether a trigger fired.
    #[must_use]
    pub const fn contains(self, trigger: Trigger) -> bool {
        self.0 & trigger.bit() != 0
    }

    /// Whether none fired.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that fired, in order.
    pub fn iter(self) -> impl Iterator<Item = Trigger> {
        Trigger::ALL.iter().copied().filter(move |trigger| self.contains(*trigger))
    }
}

impl FromIterator<Trigger> for Triggers {
    fn from_iter<I: IntoIterator<Item = Trigger>>(triggers: I) -> Self {
        Self(triggers.into_iter().fold(0, |bits, trigger| bits | trigger.bit()))
    }
}

impl fmt::Debug for Triggers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Triggers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// How often each trigger fired (M-80).
///
/// ```
/// use dome_binder::{Trigger, TriggerCounts};
/// let mut counts = TriggerCounts::default();
/// counts.add([Trigger::UnseenDenial, Trigger::RetryStorm].into_iter().collect());
/// counts.add([Trigger::RetryStorm].into_iter().collect());
/// assert_eq!(counts.iter().collect::<Vec<_>>(), [(Trigger::RetryStorm, 2), (Trigger::UnseenDenial, 1)]);
/// assert_eq!(serde_json::to_string(&counts)?, r#"{"retry_storm":2,"unseen_denial":1}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TriggerCounts(pub(crate) [u64; Trigger::ALL.len()]);

impl TriggerCounts {
    /// Counts what a fact fired.
    pub fn add(&mut self, fired: Triggers) {
        self.each().for_each(|(trigger, count)| *count += u64::from(fired.contains(trigger)));
    }

    /// Those that fired at all, by name.
    pub fn iter(&self) -> impl Iterator<Item = (Trigger, u64)> {
        Trigger::BY_NAME.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }

    fn each(&mut self) -> impl Iterator<Item = (Trigger, &mut u64)> {
        Trigger::BY_NAME.into_iter().zip(&mut self.0)
    }
}

/// An object of those that fired at all, in the order of canonical bytes.
impl Serialize for TriggerCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Latency {
    /// The latest durations, oldest first.
    latest: VecDeque<u64>,
    pub(crate) samples: u64,
}

pub(crate) fn fired(latency: &mut Latency, line_fact: &LineFact<'_>, policy: &Policy) -> Triggers {
    let fact = line_fact.fact;
    let storm = fact.attempts.is_some_and(|attempts| u64::from(attempts.get()) >= policy.retry_storm_attempts);
    let slow = fact.duration_ms().is_some_and(|duration| latency.is_exceeded_by(duration, policy));
    if let Some(duration) = fact.duration_ms() {
        latency.add(duration, policy.latency_window);
    }
    [(storm, Trigger::RetryStorm), (slow, Trigger::LatencyDelta), (line_fact.unseen_denial, Trigger::UnseenDenial)]
        .into_iter()
        .filter_map(|(fires, trigger)| fires.then_some(trigger))
        .collect()
}

impl Latency {
    /// The lower median of the latest durations.
    pub(crate) fn median(&self) -> Option<u64> {
        let mut sorted: Vec<u64> = self.latest.iter().copied().collect();
        let middle = sorted.len().checked_sub(1)? / 2;
        let (_, median, _) = sorted.select_nth_unstable(middle);
        Some(*median)
    }

    pub(crate) fn slow_from(median: u64, policy: &Policy) -> u64 {
        policy.latency_factor.saturating_mul(median).max(median.saturating_add(policy.latency_min_excess_ms))
    }

    /// Whether a duration reaches what [`Latency::slow_from`] says of the median, which need not be found for that.
    fn is_exceeded_by(&self, duration: u64, policy: &Policy) -> bool {
        if self.samples < policy.latency_min_samples {
            return false;
        }
        // The most that the median may be: the factor times it, and the excess beyond it, still fit.
        let by_factor = duration.checked_div(policy.latency_factor).unwrap_or(u64::MAX);
        let Some(by_excess) = duration.checked_sub(policy.latency_min_excess_ms) else { return false };
        let most = by_factor.min(by_excess);
        // The lower median is at most that when more values are than precede the middle.
        let below = self.latest.iter().filter(|latest| **latest <= most).count();
        !self.latest.is_empty() && below > (self.latest.len() - 1) / 2
    }

    fn add(&mut self, duration: u64, window: u64) {
        self.samples += 1;
        self.latest.push_back(duration);
        while self.latest.len() as u64 > window {
            self.latest.pop_front();
        }
    }
}

/// Everything that makes a record mint under a mode; nothing when it does not (M-70).
pub(crate) fn mint_reasons(
    mode: WrapperPolicy,
    record: &Record,
    triggers: Triggers,
) -> impl Iterator<Item = MintReason> {
    let hybrid = mode != WrapperPolicy::Strict;
    [
        (matches!(record.signal, Signal::Failure | Signal::Denial), MintReason::Signal),
        (hybrid && record.signal == Signal::Anomaly, MintReason::Anomaly),
        (hybrid && record.gates.iter().any(|gate| gate.status == Status::Fail), MintReason::FailedGate),
        (hybrid && record.guard_evals().iter().any(GuardEval::denies), MintReason::DenyingGuard),
        (hybrid && !triggers.is_empty(), MintReason::Trigger),
        (mode == WrapperPolicy::Lenient, MintReason::Lenient),
    ]
    .into_iter()
    .filter_map(|(holds, reason)| holds.then_some(reason))
}

/// Whether a record mints under a mode (M-70).
#[must_use]
pub fn mints(mode: WrapperPolicy, record: &Record, triggers: Triggers) -> bool {
    mint_reasons(mode, record, triggers).next().is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_those_of_a_plain_tally(facts in prop::collection::vec(0_u8..8, 0..20)) {
            let (mut counts, mut tally) = (TriggerCounts::default(), BTreeMap::<&str, u64>::new());
            for bits in facts {
                let fired: Triggers = Trigger::ALL.iter().copied().filter(|trigger| bits & trigger.bit() != 0).collect();
                counts.add(fired);
                fired.iter().for_each(|trigger| *tally.entry(trigger.as_str()).or_default() += 1);
            }
            let bytes = serde_json::to_string(&counts)?;
            prop_assert_eq!(&bytes, &serde_json::to_string(&tally)?, "members are sorted by name");
        }
    }
}
