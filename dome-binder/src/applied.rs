//! What became of priors that were applied (M-84), and what was applied in vain (M-44).

use std::collections::{BTreeMap, BTreeSet};

use dome_core::{GateId, RunId, Sha256Hash, Status};
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

/// What all applications come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applications {
    pub(crate) counts: BTreeMap<Sha256Hash, AppliedCounts>,
    /// Facts that apply a key that no fact mints (M-44).
    pub(crate) unknown: u64,
    /// Facts that apply a key that some fact mints, but no earlier one (M-44).
    pub(crate) too_early: u64,
}

/// Counts applications in total order, whichever line they come from (M-84).
pub(crate) fn count(mut applied: Vec<Applied>, capsules: &BTreeMap<Sha256Hash, &CapsuleState>) -> Applications {
    applied.sort_by_key(|fact| fact.position);
    let mut result = Applications::default();
    let mut counted: BTreeSet<(Sha256Hash, &RunId)> = BTreeSet::new();
    for fact in &applied {
        let Some(capsule) = capsules.get(&fact.capsule) else {
            result.unknown += 1;
            continue;
        };
        if capsule.support.first.position >= fact.position {
            result.too_early += 1;
            continue;
        }
        if fact.spoke_already || counted.contains(&(fact.capsule, &fact.run_id)) {
            continue;
        }
        let Some(outcome) = outcome(fact, &capsule.failed_gates) else { continue };
        result.counts.entry(fact.capsule).or_default().add(outcome);
        counted.insert((fact.capsule, &fact.run_id));
    }
    result
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
