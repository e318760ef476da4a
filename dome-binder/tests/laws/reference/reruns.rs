//! M-86: executions at one subject, taken as tries of one thing.

use std::collections::BTreeSet;

use super::fold::{State, States, in_reach};
use super::{Fact, Rules};

/// Which runs a rerun passed in, and not, within one, two and three reruns; and the facts that said so.
#[derive(Clone, Debug, Default)]
pub(super) struct Reruns {
    pub(super) passed: [BTreeSet<String>; 3],
    pub(super) not_passed: [BTreeSet<String>; 3],
    pub(super) joined: BTreeSet<usize>,
}

impl Reruns {
    pub(super) fn is_empty(&self) -> bool {
        self.joined.is_empty()
    }

    /// M-95: the sets of both.
    pub(super) fn unite(&mut self, other: &Self) {
        for (ours, theirs) in self.passed.iter_mut().zip(&other.passed) {
            ours.extend(theirs.iter().cloned());
        }
        for (ours, theirs) in self.not_passed.iter_mut().zip(&other.not_passed) {
            ours.extend(theirs.iter().cloned());
        }
        self.joined.extend(&other.joined);
    }
}

/// All episodes of a line's keys.
pub(super) fn fold(line: &[usize], facts: &[Fact], states: &mut States, rules: &Rules<'_>) {
    let executions: Vec<usize> = line.iter().copied().filter(|place| facts[*place].execution()).collect();
    for (key, state) in states {
        let subjects: BTreeSet<_> = executions.iter().filter_map(|place| facts[*place].subject_key()).collect();
        for subject in subjects {
            let at_subject = |place: &usize| facts[*place].subject_key() == Some(subject);
            let tries: Vec<usize> = executions.iter().copied().filter(at_subject).collect();
            episodes(key, state, &tries, facts, rules);
        }
    }
}

/// The episodes of one key at one subject.
fn episodes(key: &str, state: &mut State, tries: &[usize], facts: &[Fact], rules: &Rules<'_>) {
    // How many executions of an open episode came after the one that opened it.
    let mut open: Option<usize> = None;
    for (place, before) in tries.iter().zip(std::iter::once(None).chain(tries.iter().map(Some))) {
        let fact = &facts[*place];
        let fails = fact.failure_of(key);
        let reached = before.is_some_and(|before| in_reach(&facts[*before], fact, rules));
        open = match open.filter(|_| reached) {
            Some(reruns) => {
                rerun(state, reruns + 1, *place, fails, facts);
                fails.then_some(reruns + 1)
            }
            None => fails.then_some(0),
        };
    }
}

/// The `number`th rerun of an episode.
fn rerun(state: &mut State, number: usize, place: usize, fails: bool, facts: &[Fact]) {
    let fact = &facts[place];
    let clears = fact.clears(&facts[state.minting[0]].fingerprint);
    if number > 3 || !(clears || fact.failing()) {
        return;
    }
    let sets = if clears { &mut state.reruns.passed } else { &mut state.reruns.not_passed };
    let within = if fails { number..=number } else { number..=3 };
    for set in &mut sets[within.start() - 1..*within.end()] {
        set.insert(fact.text("run_id").to_owned());
    }
    state.reruns.joined.insert(place);
}
