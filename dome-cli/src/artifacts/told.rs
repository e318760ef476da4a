//! What a manifest and a summary say of a replay, however it was replayed.

use std::collections::BTreeMap;

use dome_binder::{Capsule, Replay as Result, Rules, RunCounts};
use dome_core::{QuarantineRow, Sha256Hash, Timestamp};

use crate::failing::{self, Clock, Failing};
use crate::replay::LineCounts;
use crate::settings::Replay;
use dome_replay::Redacted;

/// What facts came to, in figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals {
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) facts: u64,
    pub(crate) runs: RunCounts,
    pub(crate) capsules: u64,
    pub(crate) concepts: u64,
    pub(crate) applied_unknown: u64,
    pub(crate) applied_too_early: u64,
    pub(crate) snapshot_digest: Sha256Hash,
}

impl Totals {
    /// Those of a replay in memory.
    pub(crate) fn of(result: &Result) -> Self {
        Self {
            as_of: result.as_of,
            facts: result.ledger.facts.len() as u64,
            runs: result.ledger.counts,
            capsules: result.derived.capsules.len() as u64,
            concepts: result.derived.concepts.len() as u64,
            applied_unknown: result.derived.applied_unknown,
            applied_too_early: result.derived.applied_too_early,
            snapshot_digest: result.ledger.snapshot_digest(),
        }
    }
}

/// What is told of rejected lines, added up row by row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rejected {
    pub(crate) lines: u64,
    /// How many lines have each code.
    pub(crate) codes: BTreeMap<&'static str, u64>,
}

impl Rejected {
    pub(crate) fn add(&mut self, row: &QuarantineRow) {
        self.lines += 1;
        let mut codes: Vec<_> = row.problems.iter().map(|problem| problem.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.into_iter().for_each(|code| *self.codes.entry(code).or_default() += 1);
    }

    pub(crate) fn of(rows: &[QuarantineRow]) -> Self {
        let mut rejected = Self::default();
        rows.iter().for_each(|row| rejected.add(row));
        rejected
    }
}

/// What is told of capsules, added up part by part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdicts {
    by_verdict: BTreeMap<&'static str, u64>,
    /// Those that may be named, of every part so far.
    foremost: Vec<Capsule>,
}

impl Verdicts {
    pub(crate) fn add(&mut self, capsules: &[Capsule]) {
        for capsule in capsules {
            *self.by_verdict.entry(failing::word(capsule.verdict)).or_default() += 1;
        }
        self.foremost.extend(failing::foremost(capsules).into_iter().cloned());
    }

    /// How many capsules have each verdict, whether there is one or not.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::from([("prescriptive", 0), ("advisory", 0), ("blocked", 0)]);
        counts.extend(self.by_verdict.iter().map(|(verdict, count)| (*verdict, *count)));
        counts
    }

    pub(crate) fn keeps_failing(&self, clock: Clock) -> Vec<Failing> {
        failing::keeps_failing(&self.foremost, clock)
    }
}

/// What a manifest and a summary take besides the files.
pub(crate) struct Told<'r> {
    pub(crate) args: &'r Replay,
    pub(crate) rules: &'r Rules,
    pub(crate) totals: Totals,
    pub(crate) verdicts: Verdicts,
    pub(crate) rejected: Rejected,
    pub(crate) counts: LineCounts,
    /// What was masked, if that was asked for.
    pub(crate) redacted: Option<Redacted>,
}
