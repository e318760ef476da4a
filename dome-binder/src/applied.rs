//! What became of priors that were applied (M-84), and what was applied in vain (M-44).

use std::collections::{BTreeMap, BTreeSet};

use dome_core::{RunId, Sha256Hash, Status};

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
        let counts = result.counts.entry(fact.capsule).or_default();
        let counter = match outcome(fact, capsule) {
            Some(Outcome::Confirmed) => &mut counts.confirmed_count,
            Some(Outcome::Refuted) => &mut counts.refuted_count,
            Some(Outcome::Blocked) => &mut counts.blocked_count,
            None => continue,
        };
        *counter += 1;
        counted.insert((fact.capsule, &fact.run_id));
    }
    result
}

enum Outcome {
    Confirmed,
    Refuted,
    Blocked,
}

fn outcome(fact: &Applied, capsule: &CapsuleState) -> Option<Outcome> {
    let gates = &capsule.failed_gates;
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
