//! Facts put together by run, and what a row of a view counts of them.

use dome_core::Timestamp;

use crate::groups::{Groups, hash_of};
use crate::settle::Fact;

/// Which run is being added: a row that saw it last has counted it already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RunNumber(u64);

impl RunNumber {
    pub(super) const fn next(&mut self) {
        self.0 += 1;
    }
}

/// What every row that counts facts says of them.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) first_ts: Timestamp,
    pub(super) last_ts: Timestamp,
    pub(super) runs: u64,
    last_run: RunNumber,
}

impl Tally {
    pub(super) fn at(ts: Timestamp) -> Self {
        Self { first_ts: ts, last_ts: ts, runs: 0, last_run: RunNumber::default() }
    }

    /// What was counted of so many runs before.
    pub(super) fn of(first_ts: Timestamp, last_ts: Timestamp, runs: u64) -> Self {
        Self { first_ts, last_ts, runs, last_run: RunNumber::default() }
    }

    /// The first and last in total order are those of the least and the greatest ordered time.
    pub(super) fn saw(&mut self, run: RunNumber, ts: Timestamp) {
        self.first_ts = self.first_ts.min(ts);
        self.last_ts = self.last_ts.max(ts);
        if self.last_run != run {
            self.last_run = run;
            self.runs += 1;
        }
    }
}

impl Tally {
    /// Adds what was counted of other runs.
    pub(super) fn merge(&mut self, other: &Self) {
        self.first_ts = self.first_ts.min(other.first_ts);
        self.last_ts = self.last_ts.max(other.last_ts);
        self.runs += other.runs;
    }
}

/// Hands out facts run by run, the runs by their first fact. A run's name is looked up once a fact.
pub(super) fn by_run<'f>(facts: impl Iterator<Item = &'f Fact>, mut run: impl FnMut(&[&'f Fact])) {
    let mut runs = Groups::<Vec<&Fact>>::default();
    for fact in facts {
        let belongs = |run: &Vec<&Fact>, fact: &&Fact| run.first().is_some_and(|first| first.run_id == fact.run_id);
        runs.add(hash_of(fact.run_id.as_str()), fact, belongs, Vec::push);
    }
    runs.into_vec().iter().for_each(|facts| run(facts));
}
