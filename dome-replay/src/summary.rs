//! What a replay comes to, in figures.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use dome_binder::{Capsule, CapsuleStanding, Hold, RemedyRecord, RunCounts, Verdict};
use dome_core::{QuarantineRow, Sha256Hash, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::door::{LineCounts, Redacted};

/// Failures that a summary names.
pub const SHOWN_FAILURES: usize = 5;

/// What facts came to, in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// The instant that staleness was measured at; none without a fact.
    pub as_of: Option<Timestamp>,
    /// Facts.
    pub facts: u64,
    /// What was counted of runs (M-44).
    pub runs: RunCounts,
    /// Capsules.
    pub capsules: u64,
    /// Concepts that are listed.
    pub concepts: u64,
    /// Facts that apply a key that no fact mints (M-44).
    pub applied_unknown: u64,
    /// Facts that apply a key that some fact mints, but no earlier one (M-44).
    pub applied_too_early: u64,
    /// SHA-256 over the sorted digests of the facts.
    pub snapshot_digest: Sha256Hash,
}

/// Rejected lines, added up row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectedCounts {
    /// All of them.
    pub lines: u64,
    /// How many lines have each code.
    pub codes: BTreeMap<&'static str, u64>,
}

impl RejectedCounts {
    /// Counts a row of the quarantine.
    pub fn add(&mut self, row: &QuarantineRow) {
        self.lines += 1;
        let mut codes: Vec<_> = row.problems.iter().map(|problem| problem.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.into_iter().for_each(|code| *self.codes.entry(code).or_default() += 1);
    }
}

impl std::ops::AddAssign for RejectedCounts {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        other.codes.into_iter().for_each(|(code, lines)| *self.codes.entry(code).or_default() += lines);
    }
}

/// Capsules by verdict, and those that keep failing.
#[derive(Clone, Debug, Default)]
pub struct CapsuleCounts {
    /// How many have each verdict.
    pub by_verdict: BTreeMap<Verdict, u64>,
    /// Those with the most failing facts, then the latest, then by key: at most [`SHOWN_FAILURES`].
    pub foremost: Vec<Capsule>,
}

impl CapsuleCounts {
    /// Counts a capsule.
    pub fn add(&mut self, capsule: Capsule) {
        *self.by_verdict.entry(capsule.verdict).or_default() += 1;
        let rank = |capsule: &Capsule| (Reverse((capsule.failure_count, capsule.last_seen_ts)), capsule.derived_key);
        let last = self.foremost.last().filter(|_| self.foremost.len() == SHOWN_FAILURES);
        if capsule.failure_count > 1 && last.is_none_or(|last| rank(&capsule) < rank(last)) {
            let place = self.foremost.partition_point(|before| rank(before) < rank(&capsule));
            self.foremost.insert(place, capsule);
            self.foremost.truncate(SHOWN_FAILURES);
        }
    }

    /// What keeps failing.
    #[must_use]
    pub fn keeps_failing(&self) -> Vec<KeepsFailing> {
        self.foremost.iter().map(KeepsFailing::of).collect()
    }

    /// Adds what was counted of other capsules.
    pub fn merge(&mut self, other: Self) {
        let counted: u64 = other.by_verdict.values().sum();
        for (verdict, count) in other.by_verdict {
            *self.by_verdict.entry(verdict).or_default() += count;
        }
        for capsule in other.foremost {
            // It is among those that were counted.
            let verdict = capsule.verdict;
            self.add(capsule);
            if let Some(count) = self.by_verdict.get_mut(&verdict) {
                *count -= 1;
            }
        }
        debug_assert!(self.by_verdict.values().sum::<u64>() >= counted);
    }
}

/// One failure that keeps coming back, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "members without a comment are those of the capsule; the comments are in the schema")]
pub struct KeepsFailing {
    /// With the state `pending`: clean runs so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean_count: Option<u64>,
    /// With the state `pending`: clean runs that prove it gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean_needed: Option<u64>,
    pub derived_key: Sha256Hash,
    /// Executions of its task line, failed or not.
    pub execution_count: u64,
    pub failure_count: u64,
    pub failure_reason_code: String,
    pub given_up_count: u64,
    pub held_count: u64,
    /// What holds it back from being more than advice.
    pub holds: Vec<Hold>,
    pub intermittent_count: u64,
    /// What ended it best, or what a rerun does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<RemedyRecord>,
    pub resolved_count: u64,
    /// How it stands (M-85).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<CapsuleStanding>,
    pub target_id: String,
    pub verdict: Verdict,
}

impl KeepsFailing {
    fn of(capsule: &Capsule) -> Self {
        Self {
            clean_count: capsule.clean_count,
            clean_needed: capsule.clean_needed,
            derived_key: capsule.derived_key,
            execution_count: capsule.execution_count,
            failure_count: capsule.failure_count,
            failure_reason_code: capsule.failure_reason_code.to_string(),
            given_up_count: capsule.given_up_count,
            held_count: capsule.held_count,
            holds: capsule.holds.clone(),
            intermittent_count: capsule.intermittent_count,
            remedy: capsule.remedies.first().cloned(),
            resolved_count: capsule.resolved_count,
            state: capsule.state,
            target_id: capsule.target_id.to_string(),
            verdict: capsule.verdict,
        }
    }
}

/// What a replay comes to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// What its facts came to.
    pub totals: Totals,
    /// Its lines.
    pub lines: LineCounts,
    /// Its rejected lines.
    pub rejected: RejectedCounts,
    /// Its capsules.
    pub capsules: CapsuleCounts,
    /// What masked secrets, if that was asked for.
    pub redacted: Option<Redacted>,
    /// How long each step took; told, never used.
    pub steps: Vec<(&'static str, std::time::Duration)>,
}

impl Summary {
    /// The slowest step, and its share of all in percent.
    #[must_use]
    pub fn slowest_step(&self) -> Option<(&'static str, u64)> {
        let all: std::time::Duration = self.steps.iter().map(|(_, took)| *took).sum();
        let (name, took) = self.steps.iter().max_by_key(|(_, took)| *took)?;
        let share = (took.as_micros() * 100).checked_div(all.as_micros())?;
        Some((name, u64::try_from(share).unwrap_or(100)))
    }
}
