//! The state of a task line between two facts: what folding on needs, and nothing that was before.

use std::collections::BTreeMap;

use dome_core::{Lane, Sha256Hash, Signal};

use super::effect::{Effect, Happened};
use super::executions::{Executions, LineKeys};
use super::guards::Guards;
use super::proof::Reach;
use super::state::CapsuleState;
use super::{Applied, Bound, LineFigures, Rules};
use crate::ledger::LineFact;
use crate::settle::Fact;
use crate::trigger::{Latency, fired, mints};

/// A task line that is being folded (section 9, M-96).
#[derive(Debug, Default)]
pub struct LineState {
    latency: Latency,
    guards: BTreeMap<Option<Lane>, Guards>,
    figures: LineFigures,
    keys: LineKeys,
    executions: Executions,
    facts: u32,
}

/// What one fact did.
#[derive(Clone, Debug)]
pub struct Step {
    /// How it was bound.
    pub bound: Bound,
    /// What M-84 asks of it, if it applied a capsule.
    pub applied: Option<Applied>,
    /// What it did to the capsules of the line, in order.
    pub effects: Vec<Effect>,
}

impl LineState {
    /// Folds the next fact of the line, in total order.
    pub fn push(&mut self, line_fact: &LineFact<'_>, rules: &Rules) -> Step {
        let fact = line_fact.fact;
        let triggers = fired(&mut self.latency, line_fact, &rules.policy);
        let minted = mints(rules.mode_of(fact.wrapper_policy), fact, triggers);
        self.observe_guards(fact);
        let (failing, succeeding) = (fact.is_failing(), fact.is_succeeding());
        self.figures.execution_count += u64::from(failing || succeeding);
        let mut effects = Vec::new();
        if minted || failing || succeeding || fact.abandoned {
            let (keys, proof_max) = (&mut self.keys, rules.policy.proof_max);
            let reach = Reach { now: fact.ordered_ts, window_s: rules.policy.subject_window_s };
            let seen = self.executions.see(fact, self.facts, reach);
            let key = minted.then(|| keys.of(line_fact));
            if let Some(key) = key {
                keys.folds[key].mint(&seen, triggers, &mut effects);
            }
            if failing {
                self.executions.fail(&seen, key, keys, &mut effects);
            } else if succeeding {
                self.executions.succeed(&seen, keys, proof_max, &mut effects);
            }
            if fact.abandoned {
                self.executions.give_up(&seen, keys, &mut effects);
            }
        }
        self.facts += 1;
        let applied = self.applied(fact, minted, &effects);
        Step { bound: Bound { minted, triggers }, applied, effects }
    }

    /// M-96: each lane for itself.
    fn observe_guards(&mut self, fact: &Fact) {
        let lane = &fact.tested.lane;
        let guards = match self.guards.get_mut(lane) {
            Some(guards) => guards,
            None if fact.guard_evals().is_empty() && fact.signal != Signal::Denial => {
                self.figures.guard_denied = false;
                return;
            }
            None => self.guards.entry(lane.clone()).or_default(),
        };
        guards.observe(fact);
        self.figures.guard_denied = guards.deny();
    }

    /// What M-84 needs to know of a fact that applied a capsule.
    fn applied(&self, fact: &Fact, minted: bool, effects: &[Effect]) -> Option<Applied> {
        let capsule: Sha256Hash = fact.applied_capsule().copied()?;
        let speaks = |effect: &Effect| {
            effect.key == capsule
                && matches!(
                    effect.what,
                    Happened::Resolved { .. } | Happened::Contradicted { .. } | Happened::Reran { .. }
                )
        };
        let resolved = effects.iter().filter(|effect| matches!(effect.what, Happened::Resolved { .. }));
        let concept = |effect: &Effect| Some(self.keys.find(&effect.key)?.keys.concept);
        Some(Applied {
            order: fact.order(),
            capsule,
            spoke_already: effects.iter().any(speaks),
            resolved: resolved.filter_map(concept).collect(),
            failed: (minted && fact.is_failing()).then_some(fact.keys.concept),
            denied: !fact.is_failing() && fact.signal == Signal::Denial,
        })
    }

    /// What the line says of all its capsules.
    #[must_use]
    pub const fn figures(&self) -> LineFigures {
        self.figures
    }

    /// Its capsules, as far as they are counted: how they stand is told by [`LineState::capsule`].
    pub fn capsules(&self) -> impl Iterator<Item = &CapsuleState> {
        self.keys.folds.values().map(|fold| &*fold.state)
    }

    /// One of its capsules, as far as it is counted.
    #[must_use]
    pub fn find(&self, key: &Sha256Hash) -> Option<&CapsuleState> {
        self.keys.find(key)
    }

    /// One of its capsules, as it stands now.
    pub fn capsule(&mut self, key: &Sha256Hash, rules: &Rules) -> Option<&CapsuleState> {
        self.keys.stood(key, rules.policy.proof_max, &self.executions)
    }

    /// The capsules, by derived key.
    #[must_use]
    pub fn into_capsules(self, rules: &Rules) -> Vec<Box<CapsuleState>> {
        self.keys.finished(rules.policy.proof_max, &self.executions)
    }
}
