//! Triggers and minting: when a fact says something worth keeping (M-70, M-71).

use std::collections::VecDeque;

use dome_core::{Signal, Status, WrapperPolicy};
use serde::Serialize;

use crate::ledger::LineFact;
use crate::policy::Policy;
use crate::record::Record;

/// The version of the trigger set (M-71).
pub const TRIGGER_SET_VERSION: &str = "1";

/// What made a fact remarkable, in the order in which facts record it (M-71).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// It took many attempts.
    RetryStorm,
    /// It took much longer than the line's median.
    LatencyDelta,
    /// A policy denied this kind of work for the first time.
    UnseenDenial,
}

impl Trigger {
    /// The name as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetryStorm => "retry_storm",
            Self::LatencyDelta => "latency_delta",
            Self::UnseenDenial => "unseen_denial",
        }
    }
}

/// Watches one task line in total order and says which triggers fire.
#[derive(Debug)]
pub struct Triggers<'p> {
    policy: &'p Policy,
    /// The latest durations, oldest first.
    latest: VecDeque<u64>,
    /// The same, sorted.
    sorted: Vec<u64>,
    samples: u64,
}

impl<'p> Triggers<'p> {
    /// A line that has no fact yet.
    #[must_use]
    pub const fn new(policy: &'p Policy) -> Self {
        Self { policy, latest: VecDeque::new(), sorted: Vec::new(), samples: 0 }
    }

    /// The triggers that the line's next fact fires.
    pub fn observe(&mut self, line_fact: &LineFact<'_>) -> Vec<Trigger> {
        let fact = line_fact.fact;
        let storm = fact.attempts.is_some_and(|attempts| attempts >= self.policy.retry_storm_attempts);
        let slow = fact.duration_ms.is_some_and(|duration| self.is_slow(duration));
        if let Some(duration) = fact.duration_ms {
            self.add(duration);
        }
        [(storm, Trigger::RetryStorm), (slow, Trigger::LatencyDelta), (line_fact.unseen_denial, Trigger::UnseenDenial)]
            .into_iter()
            .filter_map(|(fires, trigger)| fires.then_some(trigger))
            .collect()
    }

    /// The lower median of the latest durations and how many durations came so far, as the next
    /// fact will be measured against them (M-71).
    #[must_use]
    pub fn median_and_samples(&self) -> (Option<u64>, u64) {
        (self.sorted.get(self.sorted.len().saturating_sub(1) / 2).copied(), self.samples)
    }

    fn is_slow(&self, duration: u64) -> bool {
        let (Some(median), samples) = self.median_and_samples() else { return false };
        let (duration, median) = (u128::from(duration), u128::from(median));
        samples >= self.policy.latency_min_samples
            && duration >= u128::from(self.policy.latency_factor) * median
            && duration.saturating_sub(median) >= u128::from(self.policy.latency_min_excess_ms)
            && duration >= median
    }

    fn add(&mut self, duration: u64) {
        self.samples += 1;
        if self.latest.len() as u64 >= self.policy.latency_window
            && let Some(oldest) = self.latest.pop_front()
            && let Ok(place) = self.sorted.binary_search(&oldest)
        {
            self.sorted.remove(place);
        }
        self.latest.push_back(duration);
        let place = self.sorted.partition_point(|sample| *sample < duration);
        self.sorted.insert(place, duration);
    }
}

/// Whether a record mints under a mode (M-70).
#[must_use]
pub fn mints(mode: WrapperPolicy, record: &Record, triggers: &[Trigger]) -> bool {
    let strict = matches!(record.signal, Signal::Failure | Signal::Denial);
    match mode {
        WrapperPolicy::Strict => strict,
        WrapperPolicy::Hybrid => {
            strict
                || record.signal == Signal::Anomaly
                || record.gates.iter().any(|gate| gate.status == Status::Fail)
                || record.guard_evals.iter().any(dome_core::GuardEval::denies)
                || !triggers.is_empty()
        }
        WrapperPolicy::Lenient => true,
    }
}
