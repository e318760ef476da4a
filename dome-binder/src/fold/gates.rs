//! What a success passes, found by the gates that it passed (M-75): it looks at no list that it has nothing for, of
//! however many.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dome_core::{Gate, GateId, Status};

use super::numbers::{Numbered, Numbering};
use crate::groups::{hash_of, hash_of_value};
use crate::record::passes;
use crate::steps::walked;

/// Up to so many lists are looked through, one after the other; most task lines have one or two.
const FEW: usize = 8;

/// Up to so many things that wait are looked through: that takes less than to keep them by gates.
const MANY: usize = 64;

/// The lists of gates that keys of a task line failed at, and of each list one gate that is watched: without it no success
/// passes the list. Of the gates of a list it is the one that the fewest lists before watch.
#[derive(Debug, Default)]
pub(super) struct GateLists {
    lists: Numbering<Vec<GateId>>,
    /// How many lists watch a gate, by its hash.
    watching: BTreeMap<u64, u32>,
    /// The hash of the gate that each list watches: known once anybody asks, first those that came first.
    watched: Vec<u64>,
}

/// Watched of a list without gates, which every success passes.
const NO_GATE: u64 = 0;

fn hash_of_gate(gate: &GateId) -> u64 {
    walked(1);
    hash_of(gate.as_str())
}

/// The hashes of the gates that were passed.
fn passed_gates(gates: &[Gate]) -> impl Iterator<Item = u64> {
    gates.iter().filter(|gate| gate.status == Status::Pass).map(|gate| hash_of_gate(&gate.gate_id))
}

impl GateLists {
    pub(super) fn number(&mut self, failed: &Vec<GateId>) -> u32 {
        self.lists.number(hash_of_value(failed), |known| known == failed, || failed.clone())
    }

    /// Whether a success with these gates passes a list.
    pub(super) fn passes(&self, gates: &[Gate], list: u32) -> bool {
        let list = &self.lists[list];
        walked(1 + list.len());
        passes(gates, list)
    }

    fn watched_of(&mut self, list: u32) -> u64 {
        for next in self.watched.len() as u32..=list {
            let watching = |hash: u64| (self.watching.get(&hash).copied().unwrap_or(0), hash);
            let least = self.lists[next].iter().map(|gate| watching(hash_of_gate(gate))).min();
            let watched = least.map_or(NO_GATE, |(_, hash)| hash);
            *self.watching.entry(watched).or_default() += 1;
            self.watched.push(watched);
        }
        self.watched.get(list as usize).copied().unwrap_or(NO_GATE)
    }
}

/// Things that wait for a success that passes their lists of gates.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Each with its list, while there are few.
    few: Numbered<u32>,
    many: Option<Box<ManyWaiting>>,
}

#[derive(Debug, Default)]
struct ManyWaiting {
    /// Lists, each with what waits for it.
    all: BTreeSet<(u32, u32)>,
    /// Watched gates, each with lists that something waits for.
    watched: BTreeSet<(u64, u32)>,
}

/// What stands in pairs behind `first`.
pub(super) fn of<T: Ord + Copy>(pairs: &BTreeSet<(T, u32)>, first: T) -> impl Iterator<Item = u32> {
    pairs.range((first, 0)..=(first, u32::MAX)).map(|(_, second)| *second)
}

impl ManyWaiting {
    fn join(&mut self, item: u32, list: u32, lists: &mut GateLists) {
        if self.all.insert((list, item)) {
            self.watched.insert((lists.watched_of(list), list));
        }
    }

    fn remove(&mut self, item: u32, list: u32, lists: &mut GateLists) {
        self.all.remove(&(list, item));
        if of(&self.all, list).next().is_none() {
            self.watched.remove(&(lists.watched_of(list), list));
        }
    }

    fn passed(&self, gates: &[Gate], lists: &GateLists) -> Vec<u32> {
        let mut passed: Vec<u32> = if gates.is_empty() {
            self.all.iter().map(|(_, item)| *item).collect()
        } else {
            let watched = passed_gates(gates).chain([NO_GATE]).flat_map(|gate| of(&self.watched, gate));
            watched.filter(|list| lists.passes(gates, *list)).flat_map(|list| of(&self.all, list)).collect()
        };
        walked(passed.len());
        passed.sort_unstable();
        passed.dedup();
        passed
    }
}

impl Waiting {
    pub(super) fn join(&mut self, item: u32, list: u32, lists: &mut GateLists) {
        if let Some(many) = &mut self.many {
            return many.join(item, list, lists);
        }
        self.few.insert(item, list);
        if self.few.len() > MANY {
            let mut many = ManyWaiting::default();
            std::mem::take(&mut self.few).into_iter().for_each(|(item, list)| many.join(item, list, lists));
            self.many = Some(Box::new(many));
        }
    }

    pub(super) fn remove(&mut self, item: u32, list: u32, lists: &mut GateLists) {
        if let Some(many) = &mut self.many {
            many.remove(item, list, lists);
        } else {
            self.few.remove(item);
        }
    }

    /// Takes what waits for a list that a success with these gates passes, by number.
    pub(super) fn each_passed(&self, gates: &[Gate], lists: &GateLists, mut take: impl FnMut(u32)) {
        match &self.many {
            Some(many) => many.passed(gates, lists).into_iter().for_each(take),
            None => {
                for (item, list) in self.few.iter() {
                    if lists.passes(gates, *list) {
                        take(item);
                    }
                }
            }
        }
    }

    /// What waits for a list that a success with these gates passes, by number.
    pub(super) fn passed(&self, gates: &[Gate], lists: &GateLists) -> Vec<u32> {
        let mut passed = Vec::new();
        self.each_passed(gates, lists, |item| passed.push(item));
        passed
    }

    /// All that waits, by number.
    pub(super) fn all(self) -> Vec<u32> {
        let mut all: Vec<u32> = match self.many {
            Some(many) => many.all.into_iter().map(|(_, item)| item).collect(),
            None => self.few.into_iter().map(|(item, _)| item).collect(),
        };
        all.sort_unstable();
        all
    }
}

/// What is kept of successes, by their lists of gates; those that have no gates pass everything, and are kept elsewhere.
#[derive(Debug)]
pub(super) struct Successes<V> {
    by_list: Numbered<V>,
    /// Lists by the hashes of the gates that they pass, once there are many.
    passing: Option<BTreeMap<u64, Vec<u32>>>,
}

impl<V> Default for Successes<V> {
    fn default() -> Self {
        Self { by_list: Numbered::default(), passing: None }
    }
}

impl<V> Successes<V> {
    pub(super) fn of_list(&mut self, list: u32, gates: &[Gate], make: impl FnOnce() -> V) -> &mut V {
        if let Some(passing) = self.passing.as_mut().filter(|_| self.by_list.get(list).is_none()) {
            passed_gates(gates).for_each(|gate| passing.entry(gate).or_default().push(list));
        }
        self.by_list.entry(list, make)
    }

    pub(super) fn has_few(&self) -> bool {
        self.by_list.len() <= FEW
    }

    /// What is kept of those that pass a list of gates.
    pub(super) fn passing<'s>(
        &'s mut self,
        wanted: u32,
        lists: &'s GateLists,
        gates_of: &'s Numbering<Arc<[Gate]>>,
    ) -> impl Iterator<Item = &'s V> {
        let gates = &lists.lists[wanted];
        let candidates: Vec<u32> = if self.has_few() || gates.is_empty() {
            self.by_list.numbers().collect()
        } else {
            let Self { by_list, passing } = self;
            let passing = passing.get_or_insert_with(|| {
                let mut passing: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
                for list in by_list.numbers() {
                    passed_gates(&gates_of[list]).for_each(|gate| passing.entry(gate).or_default().push(list));
                }
                passing
            });
            let of_gate = |gate| passing.get(&hash_of_gate(gate)).map_or(&[][..], Vec::as_slice);
            gates.iter().map(of_gate).min_by_key(|lists| lists.len()).unwrap_or_default().to_vec()
        };
        let by_list = &self.by_list;
        let passing = candidates.into_iter().filter(move |list| lists.passes(&gates_of[*list], wanted));
        passing.filter_map(move |list| by_list.get(list))
    }
}
