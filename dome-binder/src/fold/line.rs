//! The state of a task line between two facts: what folding on needs, and nothing that was before.

use std::collections::BTreeMap;

use dome_core::{Lane, Sha256Hash};

use crate::fold::lane::{Effect, LaneState};
use crate::fold::runs::RunSets;
use crate::fold::state::{Applied, CapsuleState, Capsules};
use crate::fold::{Bound, Rules, applied};
use crate::ledger::LineFact;
use crate::trigger::{Latency, fired, mints};

/// A task line that is being folded (M-80 to M-83, M-96).
#[derive(Clone, Debug, Default)]
pub struct LineState {
    latency: Latency,
    lanes: BTreeMap<Option<Lane>, LaneState>,
    capsules: Capsules,
    runs: RunSets,
    guard_denied: bool,
}

/// What one fact did.
#[derive(Clone, Debug)]
pub struct Step {
    /// How it was bound.
    pub bound: Bound,
    /// What M-84 asks of it, if it applied a capsule.
    pub applied: Option<Applied>,
    /// The counters that it changed, in order.
    pub effects: Vec<Effect>,
}

impl LineState {
    /// Folds the next fact of the line, in total order.
    pub fn push(&mut self, line_fact: &LineFact<'_>, rules: &Rules) -> Step {
        let fact = line_fact.fact;
        let triggers = fired(&mut self.latency, line_fact, &rules.policy);
        let minted = mints(rules.mode_of(fact.wrapper_policy), fact, triggers);
        let (capsules, runs) = (&mut self.capsules, &mut self.runs);
        let lane = match self.lanes.get_mut(&fact.tested.lane) {
            Some(lane) => lane,
            None => self.lanes.entry(fact.tested.lane.clone()).or_default(),
        };
        let mut effects = Vec::new();
        if minted {
            let new_run = capsules.support(line_fact, triggers, runs);
            effects.push(Effect::Supported { key: fact.keys.derived, new_run });
            if fact.is_failing() {
                effects.extend(lane.fail(fact, rules.policy.contradiction_window_s));
            }
        }
        if fact.is_succeeding() {
            effects.extend(lane.succeed(fact, |key| capsules.is_passed(key, fact)));
        }
        lane.guards.observe(fact);
        self.guard_denied = lane.guards.deny();
        effects.iter_mut().for_each(|effect| capsules.apply(line_fact, effect, runs));
        let applied = applied(line_fact, &effects);
        Step { bound: Bound { minted, triggers }, applied, effects }
    }

    /// Whether some guard is at *no* in the lane of the line's last fact (M-96).
    #[must_use]
    pub const fn guard_denied(&self) -> bool {
        self.guard_denied
    }

    /// One of its capsules, as far as it is folded.
    #[must_use]
    pub fn capsule(&self, key: &Sha256Hash) -> Option<&CapsuleState> {
        self.capsules.0.get(key).map(Box::as_ref)
    }

    /// The capsules, by derived key.
    #[must_use]
    pub fn into_capsules(self) -> Vec<Box<CapsuleState>> {
        self.capsules.0.into_values().collect()
    }
}
