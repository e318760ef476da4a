//! CPU time of this thread, the best of several rounds: the work, not the neighbours.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time that this thread has had.
fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("CPU time is not negative")
}

/// The shortest of `rounds` runs of `work`; what it gives is dropped outside of the time taken.
pub fn best<T>(rounds: usize, mut work: impl FnMut() -> T) -> Duration {
    best_of_fresh(rounds, || (), |()| work())
}

/// The times of the named stages of one run, from one lap to the next.
#[derive(Clone, Debug)]
pub struct Laps {
    last: Duration,
    taken: BTreeMap<&'static str, Duration>,
}

impl Laps {
    /// Starts the first lap.
    #[must_use]
    pub fn start() -> Self {
        Self { last: now(), taken: BTreeMap::new() }
    }

    /// Ends a lap and starts the next one.
    pub fn lap(&mut self, stage: &'static str) {
        let now = now();
        *self.taken.entry(stage).or_default() += now - self.last;
        self.last = now;
    }

    /// The time that a stage took.
    ///
    /// # Panics
    ///
    /// When no lap has this name.
    #[must_use]
    pub fn of(&self, stage: &str) -> Duration {
        *self.taken.get(stage).expect("each stage has a lap")
    }

    /// All laps together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.taken.values().sum()
    }

    /// Stage by stage the shorter of two runs.
    pub fn keep_best(&mut self, other: &Self) {
        for (stage, taken) in &other.taken {
            let best = self.taken.entry(stage).or_insert(*taken);
            *best = (*best).min(*taken);
        }
    }
}

/// As [`best`], for work that uses up what `fresh` gives, outside of the time taken.
pub fn best_of_fresh<F, T>(rounds: usize, mut fresh: impl FnMut() -> F, mut work: impl FnMut(F) -> T) -> Duration {
    let mut round = || {
        let fresh = fresh();
        let start = now();
        let result = black_box(work(fresh));
        let taken = now() - start;
        drop(result);
        taken
    };
    (0..rounds).map(|_| round()).min().expect("at least one round")
}
