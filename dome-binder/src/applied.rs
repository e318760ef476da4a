//! What became of priors that were applied (M-84), and what was applied in vain (M-44).

use std::collections::BTreeSet;

use dome_core::{GateId, RunId, Status};
use serde::{Deserialize, Serialize};

use crate::fold::{Applied, CapsuleState};

/// How often a capsule was applied, and how that ended (M-84).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppliedCounts {
    /// It helped.
    pub confirmed_count: u64,
    /// It did not help.
    pub refuted_count: u64,
    /// A policy stood in the way.
    pub blocked_count: u64,
}

impl AppliedCounts {
    fn add(&mut self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Confirmed => &mut self.confirmed_count,
            Outcome::Refuted => &mut self.refuted_count,
            Outcome::Blocked => &mut self.blocked_count,
        };
        *counter += 1;
    }
}

/// What the applications of one derived key come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applications {
    pub(crate) counts: AppliedCounts,
    /// Facts that apply it, if no fact mints it (M-44).
    pub(crate) unknown: u64,
    /// Facts that apply it before the first fact that mints it (M-44).
    pub(crate) too_early: u64,
}

/// What became of a fact that applied a capsule (M-84, M-44).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Application {
    /// It helped: `confirmed_count`.
    Confirmed,
    /// It did not help: `refuted_count`.
    Refuted,
    /// A policy stood in the way: `blocked_count`.
    Blocked,
    /// No fact mints that key.
    Unknown,
    /// Some fact mints that key, but no earlier one.
    TooEarly,
    /// It resolved or contradicted the capsule, and was counted by that.
    CountedByFold,
    /// An earlier fact of its run was counted.
    RunCounted,
    /// It says nothing of the capsule.
    NoOutcome,
}

impl Application {
    const fn of(outcome: Option<Outcome>) -> Self {
        match outcome {
            Some(Outcome::Confirmed) => Self::Confirmed,
            Some(Outcome::Refuted) => Self::Refuted,
            Some(Outcome::Blocked) => Self::Blocked,
            None => Self::NoOutcome,
        }
    }
}

/// Counts the applications of one derived key, whichever lines they come from (M-84).
pub(crate) fn count(applied: Vec<Applied>, capsule: Option<&CapsuleState>) -> Applications {
    let mut result = Applications::default();
    judge(applied, capsule, &mut |_, application| match application {
        Application::Confirmed => result.counts.add(Outcome::Confirmed),
        Application::Refuted => result.counts.add(Outcome::Refuted),
        Application::Blocked => result.counts.add(Outcome::Blocked),
        Application::Unknown => result.unknown += 1,
        Application::TooEarly => result.too_early += 1,
        Application::CountedByFold | Application::RunCounted | Application::NoOutcome => {}
    });
    result
}

/// Tells `observe` what became of each application of one derived key, in total order: what the counts add up from.
pub(crate) fn judge(
    mut applied: Vec<Applied>,
    capsule: Option<&CapsuleState>,
    observe: &mut dyn FnMut(&Applied, Application),
) {
    applied.sort_by(|a, b| a.order.cmp(&b.order));
    let mut counted: BTreeSet<&RunId> = BTreeSet::new();
    for fact in &applied {
        let application = match capsule {
            None => Application::Unknown,
            Some(capsule) if capsule.support.first.order >= fact.order => Application::TooEarly,
            Some(_) if fact.spoke_already => Application::CountedByFold,
            Some(_) if counted.contains(&fact.order.run_id) => Application::RunCounted,
            Some(capsule) => Application::of(outcome(fact, &capsule.failed_gates)),
        };
        if matches!(application, Application::Confirmed | Application::Refuted | Application::Blocked) {
            counted.insert(&fact.order.run_id);
        }
        observe(fact, application);
    }
}

/// How an application of a prior ended (M-84).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It helped.
    Confirmed,
    /// It did not help.
    Refuted,
    /// A policy stood in the way.
    Blocked,
}

/// How one run's applications of one capsule ended: what the first of them that counts says (M-84).
///
/// `applied` are the run's facts that applied the capsule after it was first minted, in total order.
#[must_use]
pub fn run_outcome(applied: &[Applied], failed_gates: &[GateId]) -> Option<Outcome> {
    applied.iter().filter(|fact| !fact.spoke_already).find_map(|fact| outcome(fact, failed_gates))
}

fn outcome(fact: &Applied, gates: &[GateId]) -> Option<Outcome> {
    let ended = |status: Status, gate| match status {
        Status::Pass => fact.passed.binary_search(gate).is_ok(),
        _ => fact.failed.binary_search(gate).is_ok(),
    };
    let passes = !fact.lists_gates || gates.iter().all(|gate| ended(Status::Pass, gate));
    let fails = !fact.lists_gates || gates.is_empty() || gates.iter().any(|gate| ended(Status::Fail, gate));
    if fact.succeeding && passes {
        Some(Outcome::Confirmed)
    } else if fact.failing && fails {
        Some(Outcome::Refuted)
    } else if !fact.failing && fact.denial {
        Some(Outcome::Blocked)
    } else {
        None
    }
}
