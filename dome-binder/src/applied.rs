//! What became of priors that were applied (M-84), and what was applied in vain (M-44).

use std::collections::{BTreeMap, BTreeSet};

use dome_core::{RunId, Sha256Hash, Status};
use serde::Serialize;

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

/// What all applications come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applications {
    pub(crate) counts: BTreeMap<Sha256Hash, AppliedCounts>,
    /// Facts that apply a key that no fact mints (M-44).
    pub(crate) unknown: u64,
    /// Facts that apply a key that some fact mints, but no earlier one (M-44).
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

/// Counts applications in total order, whichever line they come from (M-84).
pub(crate) fn count(applied: Vec<Applied>, capsules: &BTreeMap<Sha256Hash, &CapsuleState>) -> Applications {
    let mut result = Applications::default();
    judge(applied, capsules, &mut |fact, application| {
        let counts = result.counts.entry(fact.capsule).or_default();
        match application {
            Application::Confirmed => counts.confirmed_count += 1,
            Application::Refuted => counts.refuted_count += 1,
            Application::Blocked => counts.blocked_count += 1,
            Application::Unknown => result.unknown += 1,
            Application::TooEarly => result.too_early += 1,
            Application::CountedByFold | Application::RunCounted | Application::NoOutcome => {}
        }
    });
    result
}

/// Tells `observe` what became of each application, in total order: what the counts add up from.
pub(crate) fn judge(
    mut applied: Vec<Applied>,
    capsules: &BTreeMap<Sha256Hash, &CapsuleState>,
    observe: &mut dyn FnMut(&Applied, Application),
) {
    applied.sort_by_key(|fact| fact.position);
    let mut counted: BTreeSet<(Sha256Hash, &RunId)> = BTreeSet::new();
    for fact in &applied {
        let application = match capsules.get(&fact.capsule) {
            None => Application::Unknown,
            Some(capsule) if capsule.support.first.position >= fact.position => Application::TooEarly,
            Some(_) if fact.spoke_already => Application::CountedByFold,
            Some(_) if counted.contains(&(fact.capsule, &fact.run_id)) => Application::RunCounted,
            Some(capsule) => outcome(fact, capsule),
        };
        if matches!(application, Application::Confirmed | Application::Refuted | Application::Blocked) {
            counted.insert((fact.capsule, &fact.run_id));
        }
        observe(fact, application);
    }
}

fn outcome(fact: &Applied, capsule: &CapsuleState) -> Application {
    let gates = &capsule.failed_gates;
    let ended = |status: Status, gate| match status {
        Status::Pass => fact.passed.binary_search(gate).is_ok(),
        _ => fact.failed.binary_search(gate).is_ok(),
    };
    let passes = !fact.lists_gates || gates.iter().all(|gate| ended(Status::Pass, gate));
    let fails = !fact.lists_gates || gates.is_empty() || gates.iter().any(|gate| ended(Status::Fail, gate));
    if fact.succeeding && passes {
        Application::Confirmed
    } else if fact.failing && fails {
        Application::Refuted
    } else if !fact.failing && fact.denial {
        Application::Blocked
    } else {
        Application::NoOutcome
    }
}
