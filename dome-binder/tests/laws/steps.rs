//! The fold of a history, fact by fact: what laws about a single fact are held against.

use std::collections::BTreeMap;

use dome_binder::{CapsuleState, Effect, Fact, Happened, Ledger, LineState, Rules};
use dome_core::{Job, Lane, Sha256Hash};

use super::support::Loaded;

/// M-73.
pub(crate) type Stream = (Option<Lane>, Option<Job>);

/// How a key stands in a stream, as far as what was told says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    Failing,
    Cleared,
    Pending,
    Held,
}

/// What was told of each key in each stream of a line.
pub(crate) type Told = BTreeMap<(Sha256Hash, Stream), Stands>;

/// One fact, and what it did.
pub(crate) struct Seen<'s> {
    pub(crate) fact: &'s Fact,
    pub(crate) minted: bool,
    pub(crate) stream: Stream,
    pub(crate) effects: &'s [Effect],
    /// The capsules of the line before it, by derived key.
    pub(crate) before: BTreeMap<Sha256Hash, CapsuleState>,
    pub(crate) told_before: &'s Told,
    pub(crate) told: &'s Told,
    /// The line after it.
    pub(crate) after: &'s mut LineState,
}

pub(crate) fn stream(fact: &Fact) -> Stream {
    (fact.tested.lane.clone(), fact.tested.job().cloned())
}

fn stands(effect: &Effect) -> Option<Option<Stands>> {
    Some(match effect.what {
        Happened::RowBegan { .. } => Some(Stands::Failing),
        Happened::Cleared | Happened::Resolved { clean_needed: 0, .. } => Some(Stands::Cleared),
        Happened::Resolved { .. } => Some(Stands::Pending),
        Happened::Held { .. } => Some(Stands::Held),
        Happened::GivenUp => None,
        _ => return None,
    })
}

/// All facts, line by line, in order.
pub(crate) fn each(loaded: &Loaded, rules: &Rules, mut visit: impl FnMut(Seen<'_>)) {
    let ledger = Ledger::of(loaded.records.clone(), &rules.codes);
    for line in ledger.lines() {
        let (mut state, mut told) = (LineState::default(), Told::new());
        for line_fact in &line.facts {
            let before = state.capsules().map(|capsule| (capsule.keys.derived, capsule.clone())).collect();
            let told_before = told.clone();
            let step = state.push(line_fact, rules);
            let stream = stream(line_fact.fact);
            for effect in &step.effects {
                let place = (effect.key, stream.clone());
                match stands(effect) {
                    Some(Some(stands)) => drop(told.insert(place, stands)),
                    Some(None) => drop(told.remove(&place)),
                    None => {}
                }
            }
            visit(Seen {
                fact: line_fact.fact,
                minted: step.bound.minted,
                stream,
                effects: &step.effects,
                before,
                told_before: &told_before,
                told: &told,
                after: &mut state,
            });
        }
    }
}
