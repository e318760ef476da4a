//! The ledger: all facts in total order (M-42), and what is cut from it for folding (L-4).

use std::collections::BTreeSet;

use dome_core::{ActionKind, CodeTable, PolicyReasonCode, Scope, Sha256Hash, TargetKind, Timestamp};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::groups::{Groups, hash_of_key};
use crate::record::Record;
use crate::settle::{Conflict, Fact, RunCounts, SettledRun, group_by_run, settle};

/// A fact's place in the total order, from 0 (M-42).
pub type Position = usize;

/// All facts in total order, the conflicts, and the counts of all runs.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The facts; a fact's index is its [`Position`].
    pub facts: Vec<Fact>,
    /// Envelopes that are ruled out.
    pub conflicts: Vec<Conflict>,
    /// What was counted of the runs.
    pub counts: RunCounts,
}

/// Puts settled runs together in total order: by ordered time, `run_id` and place (M-42).
#[must_use]
pub fn order(runs: Vec<SettledRun>) -> Ledger {
    let count = runs.iter().map(|run| run.facts.len()).sum();
    let mut ledger = Ledger { facts: Vec::with_capacity(count), ..Ledger::default() };
    for run in runs {
        ledger.counts += run.counts;
        ledger.conflicts.extend(run.conflicts);
        ledger.facts.extend(run.facts);
    }
    ledger.facts.sort_unstable_by(Fact::total_order);
    ledger
}

/// One fact of a task line, with what a line cannot know by itself.
#[derive(Clone, Copy, Debug)]
pub struct LineFact<'l> {
    /// A number by which the caller knows it again, such as its place in the total order; nothing is derived from it.
    pub position: Position,
    /// The fact.
    pub fact: &'l Fact,
    /// Whether it is the first of its `unseen_denial` kind in the whole history (M-71).
    pub unseen_denial: bool,
}

/// The facts of one task line in total order: what one fold takes (section 9).
#[derive(Clone, Debug, Default)]
pub struct LineFacts<'l> {
    /// The facts.
    pub facts: Vec<LineFact<'l>>,
}

impl Ledger {
    /// The ledger of records, in any order, with repeats or without: grouped by run, settled by a table of reason
    /// codes (M-97), and put in total order.
    ///
    /// ```
    /// # use dome_binder::{Ledger, Record};
    /// # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
    /// let record = Record::new(envelope, dome_core::Source { line: 1, name: "a.jsonl".into() });
    /// let codes = dome_core::CodeTable::default();
    /// assert_eq!(Ledger::of(vec![Box::new(record.clone()), Box::new(record)], &codes).facts.len(), 1);
    /// # Ok::<(), dome_core::Rejection>(())
    /// ```
    #[must_use]
    pub fn of(records: Vec<Box<Record>>, codes: &CodeTable) -> Self {
        order(group_by_run(records).into_iter().map(|run| settle(run, codes)).collect())
    }

    /// Cuts the ledger into task lines, sorted by line key; each may be folded apart (L-4).
    #[must_use]
    pub fn lines(&self) -> Vec<LineFacts<'_>> {
        let mut lines = Groups::<(Option<Sha256Hash>, Vec<LineFact<'_>>)>::default();
        for fact in self.line_facts() {
            let key = fact.fact.keys.line;
            // The key is kept beside the facts, so that no earlier fact is read again for each new one.
            lines.add(
                hash_of_key(&key),
                fact,
                |(line, _), fact| *line == Some(fact.fact.keys.line),
                |(line, facts), fact| {
                    *line = Some(fact.fact.keys.line);
                    facts.push(fact);
                },
            );
        }
        let mut lines = lines.into_vec();
        lines.sort_unstable_by_key(|(key, _)| *key);
        lines.into_iter().map(|(_, facts)| LineFacts { facts }).collect()
    }

    /// The facts by position, with what their lines cannot know.
    pub fn line_facts(&self) -> impl Iterator<Item = LineFact<'_>> {
        let mut seen = BTreeSet::new();
        self.facts.iter().enumerate().map(move |(position, fact)| {
            let unseen_denial = DenialKind::of(fact).is_some_and(|kind| seen.insert(kind));
            LineFact { position, fact, unseen_denial }
        })
    }

    /// The ordered time of the last fact: the default of `as_of` (M-92).
    #[must_use]
    pub fn last_ts(&self) -> Option<Timestamp> {
        self.facts.last().map(|fact| fact.ordered_ts)
    }

    /// SHA-256 over the sorted fact digests, each followed by a line feed (M-120).
    #[must_use]
    pub fn snapshot_digest(&self) -> Sha256Hash {
        let mut digests: Vec<Sha256Hash> = self.facts.iter().map(|fact| fact.keys.digest).collect();
        digests.sort_unstable();
        snapshot_digest(digests)
    }
}

/// SHA-256 over digests of facts that come sorted, each followed by a line feed (M-120).
///
/// ```
/// let ledger = dome_binder::Ledger::default();
/// assert_eq!(dome_binder::snapshot_digest([]), ledger.snapshot_digest());
/// ```
#[must_use]
pub fn snapshot_digest(sorted: impl IntoIterator<Item = Sha256Hash>) -> Sha256Hash {
    let mut hasher = Sha256::new();
    for digest in sorted {
        hasher.update(digest.to_string());
        hasher.update(b"\n");
    }
    Sha256Hash::from_bytes(hasher.finalize().into())
}

/// The kind of a denial that is unseen until its first fact (M-71). Whoever has no ledger finds that
/// fact by keeping the least place of each kind.
///
/// ```
/// use dome_binder::{DenialKind, Record};
/// use dome_core::Source;
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
/// assert_eq!(DenialKind::of(&record).is_some(), record.policy_reason_code().is_some());
/// # Ok::<(), dome_core::Rejection>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DenialKind(PolicyReasonCode, Scope, TargetKind, ActionKind);

impl DenialKind {
    /// The kind of a record with a `policy_reason_code`.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        let (code, line) = (PolicyReasonCode::clone(record.policy_reason_code()?), &record.keys.task_line);
        Some(Self(code, line.scope, line.target_kind.clone(), line.action_kind.clone()))
    }
}
