//! How many runs in a row prove something (M-77), and which of them are in reach (M-76).

use std::collections::VecDeque;

use dome_core::Timestamp;

use super::numbers::Numbered;
use crate::steps::walked;

/// N(a, b) of M-77: how often in a row comes at most once in twenty what has a chance of `a` in `b`; at most `most`.
///
/// ```
/// use dome_binder::proof;
/// assert_eq!(proof(1, 2, 300), 5, "five heads in a row are rarer than one in twenty");
/// assert_eq!(proof(99, 100, 300), 299);
/// assert_eq!((proof(1, 1, 300), proof(0, 7, 300)), (300, 1));
/// ```
#[must_use]
pub fn proof(a: u64, b: u64, most: u64) -> u64 {
    const ONE: u64 = 1_000_000_000_000;
    let (mut chance, mut n) = (ONE, 0);
    while n < most {
        n += 1;
        chance = match chance.checked_mul(a) {
            Some(product) => product.checked_div(b).unwrap_or_default(),
            None => (u128::from(chance) * u128::from(a) / u128::from(b)) as u64,
        };
        if chance <= ONE / 20 {
            break;
        }
        // No chance at all, or no chance of less, stays what it is.
        if a == b {
            return most;
        }
    }
    n
}

/// What may be looked up from a fact (M-76).
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    pub(super) now: Timestamp,
    pub(super) window_s: u64,
}

impl Reach {
    pub(super) fn has(&self, earlier: Timestamp) -> bool {
        !self.now.is_later_by_more_than(earlier, self.window_s)
    }
}

/// The distinct runs of some facts that are in reach. What once is out of reach stays so, as time goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct RunWindow {
    /// The facts, by time.
    facts: VecDeque<(Timestamp, u32)>,
    /// How many of them each run has.
    runs: Numbered<u32>,
    distinct: u64,
}

impl RunWindow {
    /// Adds a fact of a run; whether the run has no other in it.
    pub(super) fn add(&mut self, ts: Timestamp, run: u32) -> bool {
        walked(1);
        if let Some((last, _)) = self.facts.back_mut().filter(|(last, last_run)| *last_run == run && *last <= ts) {
            *last = ts;
            return false;
        }
        let place = match self.facts.back() {
            Some((last, _)) if *last > ts => self.facts.partition_point(|(other, _)| *other <= ts),
            _ => self.facts.len(),
        };
        self.facts.insert(place, (ts, run));
        let count = self.runs.entry(run, || 0);
        *count += 1;
        let is_new = *count == 1;
        self.distinct += u64::from(is_new);
        is_new
    }

    /// Leaves out what is out of reach; `gone` hears of the runs that have no fact in it any more.
    pub(super) fn expire(&mut self, reach: Reach, mut gone: impl FnMut(u32)) {
        while let Some((_, run)) = self.facts.front().copied().filter(|(ts, _)| !reach.has(*ts)) {
            self.facts.pop_front();
            if let Some(count) = self.runs.get_mut(run) {
                *count -= 1;
                if *count == 0 {
                    self.distinct -= 1;
                    gone(run);
                }
            }
        }
    }

    /// How many runs have a fact in it.
    pub(super) const fn len(&self) -> u64 {
        self.distinct
    }

    pub(super) fn has(&self, run: u32) -> bool {
        self.runs.get(run).is_some_and(|count| *count > 0)
    }

    /// The runs that have a fact in it.
    pub(super) fn runs(&self) -> impl Iterator<Item = u32> {
        self.runs.iter().filter(|(_, count)| **count > 0).map(|(run, _)| run)
    }

    /// How many runs have a fact in reach.
    pub(super) fn distinct(&mut self, reach: Reach) -> u64 {
        self.expire(reach, |_| {});
        self.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn time(seconds: i64) -> Timestamp {
        let Ok(time) = Timestamp::from_unix(seconds, 0) else { unreachable!("within the years") };
        time
    }

    /// M-77, word by word.
    fn as_written(a: u64, b: u64, most: u64) -> u64 {
        let mut chance: u128 = 1_000_000_000_000;
        for n in 1..=most {
            chance = chance * u128::from(a) / u128::from(b);
            if 20 * chance <= 1_000_000_000_000 {
                return n;
            }
        }
        most
    }

    proptest! {
        #[test]
        fn m77_proof_is_what_is_written(a in 0_u64..60, more in 0_u64..60, most in 1_u64..400) {
            let b = (a + more).max(1);
            prop_assert_eq!(proof(a, b, most), as_written(a, b, most));
        }

        #[test]
        fn m77_proof_of_many_runs_is_what_is_written(a in 0_u64..1 << 40, more in 0_u64..1 << 40) {
            prop_assert_eq!(proof(a, (a + more).max(1), 300), as_written(a, (a + more).max(1), 300));
        }

        #[test]
        fn m76_a_window_counts_the_runs_in_reach(
            facts in prop::collection::vec((0_i64..4, 0_u32..5, 0_i64..9), 0..40), window_s in 0_u64..12,
        ) {
            let (mut window, mut all, mut now) = (RunWindow::default(), Vec::new(), 100);
            for (later, run, before) in facts {
                now += later;
                window.add(time(now - before), run);
                all.push((now - before, run));
                let in_reach = |(ts, _): &&(i64, u32)| now - ts <= window_s.cast_signed();
                let runs: BTreeSet<u32> = all.iter().filter(in_reach).map(|(_, run)| *run).collect();
                prop_assert_eq!(window.distinct(Reach { now: time(now), window_s }), runs.len() as u64);
            }
        }
    }
}
