//! What earlier successes say of keys: in how many runs a key passed (M-77), and whether it did at a subject (M-81).
//!
//! It is kept for the lists of gates that were asked for. A success that lists no gates passes all of them, and is kept once.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use dome_core::{Gate, Timestamp};

use super::gates::{GateLists, Successes, Waiting, of};
use super::numbers::{Numbered, Numbering};
use super::proof::{Reach, RunWindow};

/// A success, as it is looked up later.
#[derive(Clone, Copy)]
pub(super) struct Success<'g> {
    pub(super) gates: &'g [Gate],
    /// Its list of gates, by number; none where it lists no gates.
    pub(super) list: Option<u32>,
    pub(super) run: u32,
    pub(super) reach: Reach,
}

/// The lists of gates that successes had.
pub(super) type SuccessGates = Numbering<Arc<[Gate]>>;

/// The successes of a job that are in reach.
#[derive(Debug, Default)]
pub(super) struct PassedRuns {
    ungated: RunWindow,
    gated: Successes<VecDeque<(Timestamp, u32)>>,
    /// Runs of those with gates that pass a list, for the lists that were asked for.
    asked: Numbered<RunWindow>,
    waiting: Waiting,
    mixed: Option<Box<MixedRuns>>,
}

/// Runs that have successes with gates and without: they count once.
#[derive(Debug, Default)]
struct MixedRuns {
    /// Runs, each with the lists that its successes with gates pass.
    passed: BTreeSet<(u32, u32)>,
    /// For each list, how many runs passed it that have a success without gates too.
    both: Numbered<u64>,
}

impl MixedRuns {
    fn both(&mut self, list: u32) -> &mut u64 {
        self.both.entry(list, || 0)
    }

    /// A run has a success without gates now, or has none any more.
    fn ungated(&mut self, run: u32, has: bool) {
        let Self { passed, both } = self;
        for list in of(passed, run) {
            let both = both.entry(list, || 0);
            *both = if has { *both + 1 } else { *both - 1 };
        }
    }

    /// A run passes a list now.
    fn passes(&mut self, run: u32, list: u32, ungated: &RunWindow) {
        self.passed.insert((run, list));
        *self.both(list) += u64::from(ungated.has(run));
    }

    /// A run does not pass a list any more.
    fn no_longer_passes(&mut self, run: u32, list: u32, ungated: &RunWindow) {
        self.passed.remove(&(run, list));
        *self.both(list) -= u64::from(ungated.has(run));
    }
}

impl PassedRuns {
    pub(super) fn add(&mut self, success: Success<'_>, lists: &GateLists) {
        let Success { gates, list, run, reach } = success;
        let Self { ungated, gated, asked, waiting, mixed } = self;
        let Some(list) = list else {
            ungated.expire(reach, |run| mixed.iter_mut().for_each(|mixed| mixed.ungated(run, false)));
            if ungated.add(reach.now, run) {
                mixed.iter_mut().for_each(|mixed| mixed.ungated(run, true));
            }
            return;
        };
        let same = gated.of_list(list, gates, VecDeque::new);
        while same.front().is_some_and(|(ts, _)| !reach.has(*ts)) {
            same.pop_front();
        }
        same.push_back((reach.now, run));
        waiting.each_passed(gates, lists, |wanted| {
            if asked.get_mut(wanted).is_some_and(|window| window.add(reach.now, run)) {
                mixed.iter_mut().for_each(|mixed| mixed.passes(run, wanted, ungated));
            }
        });
    }

    /// How many runs have a success in reach that passes a list of gates.
    pub(super) fn count(&mut self, wanted: u32, reach: Reach, lists: &mut GateLists, gates_of: &SuccessGates) -> u64 {
        let Self { ungated, gated, asked, waiting, mixed } = self;
        ungated.expire(reach, |run| mixed.iter_mut().for_each(|mixed| mixed.ungated(run, false)));
        let window = asked.entry(wanted, || {
            waiting.join(wanted, wanted, lists);
            let passing = gated.passing(wanted, lists, gates_of).flatten().filter(|(ts, _)| reach.has(*ts));
            let mut successes: Vec<(Timestamp, u32)> = passing.copied().collect();
            successes.sort_by_key(|(ts, _)| *ts);
            let mut window = RunWindow::default();
            for (ts, run) in successes {
                if window.add(ts, run) {
                    mixed.iter_mut().for_each(|mixed| mixed.passes(run, wanted, ungated));
                }
            }
            window
        });
        window.expire(reach, |run| mixed.iter_mut().for_each(|mixed| mixed.no_longer_passes(run, wanted, ungated)));
        let passed = window.len();
        if passed == 0 || ungated.len() == 0 {
            return passed + ungated.len();
        }
        let mixed = mixed.get_or_insert_with(|| {
            let mut mixed = Box::<MixedRuns>::default();
            for (list, window) in asked.iter() {
                window.runs().for_each(|run| mixed.passes(run, list, ungated));
            }
            mixed
        });
        passed + ungated.len() - *mixed.both(wanted)
    }
}

/// When lists of gates were passed last at a subject.
#[derive(Debug, Default)]
pub(super) struct PassedLast {
    ungated: Option<Timestamp>,
    gated: Successes<Timestamp>,
    /// For the lists that were asked for, once there are many to look through.
    asked: Option<Box<(Numbered<Option<Timestamp>>, Waiting)>>,
}

impl PassedLast {
    pub(super) fn add(&mut self, success: Success<'_>, lists: &GateLists) {
        let Success { gates, list, reach: Reach { now, .. }, .. } = success;
        let Some(list) = list else {
            self.ungated = Some(now);
            return;
        };
        *self.gated.of_list(list, gates, || now) = now;
        if let Some((asked, waiting)) = self.asked.as_deref_mut() {
            waiting.each_passed(gates, lists, |wanted| asked.insert(wanted, Some(now)));
        }
    }

    /// Whether a success in reach passed a list of gates.
    pub(super) fn has(&mut self, wanted: u32, reach: Reach, lists: &mut GateLists, gates_of: &SuccessGates) -> bool {
        if self.ungated.is_some_and(|last| reach.has(last)) {
            return true;
        }
        let gated = &mut self.gated;
        if gated.has_few() {
            return gated.passing(wanted, lists, gates_of).any(|last| reach.has(*last));
        }
        let (asked, waiting) = &mut **self.asked.get_or_insert_default();
        let last = asked.entry(wanted, || {
            waiting.join(wanted, wanted, lists);
            gated.passing(wanted, lists, gates_of).max().copied()
        });
        last.is_some_and(|last| reach.has(last))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dome_core::{GateId, Status};
    use proptest::prelude::*;

    use super::*;

    fn time(seconds: i64) -> Timestamp {
        let Ok(time) = Timestamp::from_unix(seconds, 0) else { unreachable!("within the years") };
        time
    }

    fn id(number: u8) -> GateId {
        let Ok(id) = GateId::new(format!("g{number}")) else { unreachable!("an identifier") };
        id
    }

    fn gates(numbers: &BTreeSet<u8>) -> Arc<[Gate]> {
        numbers.iter().map(|number| Gate { gate_id: id(*number), status: Status::Pass }).collect()
    }

    proptest! {
        /// As M-75 to M-77 say it, looking at every success and every key each time.
        #[test]
        fn m77_what_earlier_successes_say_is_what_is_written(
            steps in prop::collection::vec(
                (0_i64..3, 0_u32..6, prop::collection::btree_set(0_u8..6, 0..4), any::<bool>()), 0..120,
            ),
            window_s in 0_u64..40,
        ) {
            let (mut lists, mut success_gates) = (GateLists::default(), SuccessGates::default());
            let (mut runs, mut last) = (PassedRuns::default(), PassedLast::default());
            let (mut successes, mut now) = (Vec::new(), 0);
            let (mut waiting, mut all) = (Waiting::default(), BTreeSet::new());
            for (number, (later, run, set, passes)) in steps.into_iter().enumerate() {
                now += later;
                let reach = Reach { now: time(now), window_s };
                if passes {
                    let gates = gates(&set);
                    let list = (!set.is_empty())
                        .then(|| success_gates.number(set.len() as u64, |known| *known == gates, || Arc::clone(&gates)));
                    let success = Success { gates: &gates, list, run, reach };
                    runs.add(success, &lists);
                    last.add(success, &lists);
                    let passed: Vec<u32> = all
                        .iter()
                        .filter(|(_, failed, _)| set.is_empty() || set.is_superset(failed))
                        .map(|(item, ..)| *item)
                        .collect();
                    prop_assert_eq!(&waiting.passed(&gates, &lists), &passed);
                    for (item, failed, list) in all.clone() {
                        if item % 2 == 0 && passed.contains(&item) {
                            waiting.remove(item, list, &mut lists);
                            all.remove(&(item, failed, list));
                        }
                    }
                    successes.push((now, run, set));
                } else {
                    let wanted = lists.number(&set.iter().map(|number| id(*number)).collect());
                    let passing: BTreeSet<u32> = successes
                        .iter()
                        .filter(|(ts, _, passed)| now - ts <= window_s.cast_signed()
                            && (passed.is_empty() || passed.is_superset(&set)))
                        .map(|(_, run, _)| *run)
                        .collect();
                    prop_assert_eq!(runs.count(wanted, reach, &mut lists, &success_gates), passing.len() as u64);
                    prop_assert_eq!(last.has(wanted, reach, &mut lists, &success_gates), !passing.is_empty());
                    waiting.join(number as u32, wanted, &mut lists);
                    all.insert((number as u32, set, wanted));
                }
            }
            prop_assert_eq!(waiting.all(), all.into_iter().map(|(item, ..)| item).collect::<Vec<_>>());
        }
    }
}
