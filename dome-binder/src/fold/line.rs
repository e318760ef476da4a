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
///
/// A store folds on from where it stopped: it takes the state apart with [`LineState::into_parts`],
/// and puts back only the lanes and capsules that the next facts touch: a fact's own lane, its own
/// capsule, and the capsules that are [`LaneState::open`] in its lane.
#[derive(Clone, Debug, Default)]
pub struct LineState {
    latency: Latency,
    lanes: BTreeMap<Option<Lane>, LaneState>,
    capsules: Capsules,
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

/// The parts of a [`LineState`].
pub type LineParts = (Latency, BTreeMap<Option<Lane>, LaneState>, BTreeMap<Sha256Hash, Box<CapsuleState>>);

impl LineState {
    /// The state that these parts are of.
    #[must_use]
    pub fn from_parts((latency, lanes, capsules): LineParts) -> Self {
        Self { latency, lanes, capsules: Capsules(capsules), guard_denied: false }
    }

    /// Its parts: the latest durations, the lanes, the capsules.
    #[must_use]
    pub fn into_parts(self) -> LineParts {
        (self.latency, self.lanes, self.capsules.0)
    }

    /// Folds the next fact of the line, in total order.
    pub fn push<'l>(&mut self, line_fact: &LineFact<'l>, rules: &Rules, runs: &mut impl RunSets<'l>) -> Step {
        let fact = line_fact.fact;
        let triggers = fired(&mut self.latency, line_fact, &rules.policy);
        let minted = mints(rules.mode_of(fact.wrapper_policy), fact, triggers);
        let lane = match self.lanes.get_mut(&fact.lane) {
            Some(lane) => lane,
            None => self.lanes.entry(fact.lane.clone()).or_default(),
        };
        let mut effects = Vec::new();
        if minted {
            let new_run = self.capsules.support(line_fact, triggers, runs);
            effects.push(Effect::Supported { key: fact.keys.derived, new_run });
            if fact.is_failing() {
                effects.extend(lane.fail(fact, rules.policy.contradiction_window_s));
            }
        }
        if fact.is_succeeding() {
            effects.extend(lane.succeed(fact, |key| self.capsules.is_passed(key, fact)));
        }
        lane.guards.observe(fact);
        self.guard_denied = lane.guards.deny();
        effects.iter_mut().for_each(|effect| self.capsules.apply(line_fact, effect, runs));
        let applied = applied(line_fact, &effects);
        Step { bound: Bound { position: line_fact.position, minted, triggers }, applied, effects }
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
