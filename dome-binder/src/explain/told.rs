//! The fold of one line, told: what every fact did, to every capsule that it did it to.

use std::collections::BTreeMap;

use dome_core::{Sha256Hash, Timestamp};

use super::change::Change;
use super::excerpt::Excerpt;
use super::step::Step;
use crate::applied::{Application, count, judge};
use crate::capsule::{Capsule, finish};
use crate::fold::{Applied, Bound, CapsuleState, Effect, FoldedLine, Rules, fold_with};
use crate::ledger::{LineFacts, Position};
use crate::settle::FactOrder;
use crate::trigger::{Latency, Triggers, fired};

/// What one fact did in its line.
#[derive(Default)]
pub(super) struct Deed {
    pub(super) minted: bool,
    pub(super) triggers: Triggers,
    pub(super) median_ms: Option<u64>,
    pub(super) samples: u64,
    pub(super) changes: Vec<Change>,
}

/// A folded line with the deeds of its facts.
pub(super) struct Told {
    pub(super) folded: FoldedLine,
    pub(super) deeds: BTreeMap<Position, Deed>,
    positions: BTreeMap<FactOrder, Position>,
}

impl Told {
    pub(super) fn of(line: &LineFacts<'_>, rules: &Rules) -> Self {
        let mut effects: BTreeMap<Position, Vec<Effect>> = BTreeMap::new();
        let folded = fold_with(line, rules, &mut |position, effect| {
            effects.entry(position).or_default().push(effect.clone());
        });
        let mut latency = Latency::default();
        let (mut deeds, mut positions) = (BTreeMap::new(), BTreeMap::new());
        for (line_fact, bound) in line.facts.iter().zip(&folded.bound) {
            let (median_ms, samples) = (latency.median(), latency.samples());
            fired(&mut latency, line_fact, &rules.policy);
            let position = line_fact.position;
            let effects = effects.remove(&position).unwrap_or_default();
            let changes = |effect| Change::of_effect(effect, line_fact.fact, bound.triggers);
            let changes = effects.iter().flat_map(changes).collect();
            let Bound { minted, triggers } = *bound;
            positions.insert(line_fact.fact.order(), position);
            deeds.insert(position, Deed { minted, triggers, median_ms, samples, changes });
        }
        Self { folded, deeds, positions }
    }

    /// A fact of the line, told as far as the line itself goes.
    pub(super) fn step(&self, line: &LineFacts<'_>, position: Position, rules: &Rules) -> Option<Step> {
        let line_fact = line.facts.iter().find(|fact| fact.position == position)?;
        Some(Step::of(line_fact, self.deeds.get(&position)?, rules))
    }

    fn capsule(&self, key: Sha256Hash) -> Option<&CapsuleState> {
        self.folded.capsules.iter().find(|state| state.keys.derived == key).map(|state| &**state)
    }
}

/// The lines of an excerpt, told.
pub(super) struct Tale {
    pub(super) own: Told,
    others: Vec<Told>,
}

impl Tale {
    pub(super) fn of(excerpt: &Excerpt<'_>, rules: &Rules) -> Self {
        let others = excerpt.others.iter().map(|line| Told::of(line, rules)).collect();
        Self { own: Told::of(&excerpt.line, rules), others }
    }

    /// A fact of any line of the excerpt.
    pub(super) fn step(&self, excerpt: &Excerpt<'_>, position: Position, rules: &Rules) -> Option<Step> {
        let others = self.others.iter().zip(&excerpt.others);
        let mut lines = [(&self.own, &excerpt.line)].into_iter().chain(others);
        lines.find_map(|(told, line)| told.step(line, position, rules))
    }

    /// What became of each application of `key`, by position (M-84).
    pub(super) fn applications(&self, key: Sha256Hash) -> BTreeMap<Position, Application> {
        let mut judged = BTreeMap::new();
        judge(self.applied(key), self.own.capsule(key), &mut |fact, application| {
            let positions = [&self.own].into_iter().chain(&self.others).map(|told| &told.positions);
            let position = positions.filter_map(|positions| positions.get(&fact.order)).next();
            judged.extend(position.map(|position| (*position, application)));
        });
        judged
    }

    /// The capsule, if some fact minted it.
    pub(super) fn capsule(&self, key: Sha256Hash, rules: &Rules, as_of: Option<Timestamp>) -> Option<Capsule> {
        let state = self.own.capsule(key)?;
        let counts = count(self.applied(key), Some(state)).counts;
        Some(finish(state, counts, self.own.folded.guard_denied, rules, as_of))
    }

    fn applied(&self, key: Sha256Hash) -> Vec<Applied> {
        let lines = [&self.own].into_iter().chain(&self.others);
        lines.flat_map(|told| &told.folded.applied).filter(|fact| fact.capsule == key).cloned().collect()
    }
}
