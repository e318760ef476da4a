//! The ledger: all facts in total order (M-42), and what is cut from it for folding (L-4).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use dome_core::{ActionKind, PolicyReasonCode, Scope, Sha256Hash, TargetKind, Timestamp};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::groups::{Groups, hash_of_key};
use crate::record::Record;
use crate::settle::{Conflict, Fact, RunCounts, SettledRun};

/// A fact's place in the total order, from 0 (M-42).
pub type Position = usize;

/// All facts in total order, the conflicts, and the counts of all runs.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The facts; a fact's index is its [`Position`].
    pub facts: Vec<Fact>,
    /// Envelopes that facts rule out.
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
    let tie = |a: &Fact, b: &Fact| a.run_id.cmp(&b.run_id).then(a.place.cmp(&b.place));
    ledger.facts.sort_unstable_by(|a, b| a.ordered_ts.cmp(&b.ordered_ts).then_with(|| tie(a, b)));
    ledger
}

/// One fact of a task line, with what a line cannot know by itself.
#[derive(Clone, Copy, Debug)]
pub struct LineFact<'l> {
    /// Its place in the total order.
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

/// Facts of some task lines, each with its key beside them, so that no earlier fact is looked at again for each
/// new one.
#[derive(Debug, Default)]
struct Lines<'l>(Groups<(Option<Sha256Hash>, Vec<LineFact<'l>>)>);

impl<'l> Lines<'l> {
    /// Adds facts of a line behind those that it has.
    fn add(&mut self, key: Sha256Hash, facts: impl IntoIterator<Item = LineFact<'l>>) {
        self.0.add(
            hash_of_key(&key),
            (key, facts),
            |(line, _), (key, _)| *line == Some(*key),
            |(line, held), (key, facts)| {
                *line = Some(key);
                held.extend(facts);
            },
        );
    }

    /// The lines, sorted by line key.
    fn sorted(self) -> Vec<LineFacts<'l>> {
        let mut lines = self.0.into_vec();
        lines.sort_unstable_by_key(|(key, _)| *key);
        lines.into_iter().map(|(_, facts)| LineFacts { facts }).collect()
    }
}

/// Cuts facts, which come in total order, into task lines, sorted by line key.
pub(crate) fn by_line<'l>(facts: impl Iterator<Item = LineFact<'l>>) -> Vec<LineFacts<'l>> {
    let mut lines = Lines::default();
    facts.for_each(|fact| lines.add(fact.fact.keys.line, [fact]));
    lines.sorted()
}

/// Facts that follow each other in the total order, cut into task lines apart from all others.
#[derive(Debug)]
pub struct LinesPart<'l> {
    lines: Lines<'l>,
    /// The first denial of each kind in the part.
    denials: BTreeMap<DenialKind, Position>,
}

/// Puts parts together, which come in total order, to task lines sorted by line key: what
/// [`Ledger::lines`] cuts in one.
///
/// ```
/// let ledger = dome_binder::Ledger::default();
/// assert!(dome_binder::join_lines([ledger.lines_of(0..0)]).is_empty());
/// ```
#[must_use]
pub fn join_lines<'l>(parts: impl IntoIterator<Item = LinesPart<'l>>) -> Vec<LineFacts<'l>> {
    let (mut all, mut seen) = (Lines::default(), BTreeSet::new());
    for LinesPart { lines, denials } in parts {
        let unseen: BTreeSet<Position> =
            denials.into_iter().filter_map(|(kind, position)| seen.insert(kind).then_some(position)).collect();
        for (key, facts) in lines.0.into_vec() {
            let marked = |fact: LineFact<'l>| LineFact { unseen_denial: unseen.contains(&fact.position), ..fact };
            if let Some(key) = key {
                all.add(key, facts.into_iter().map(marked));
            }
        }
    }
    all.sorted()
}

impl Ledger {
    /// Cuts the ledger into task lines, sorted by line key; each may be folded apart (L-4).
    #[must_use]
    pub fn lines(&self) -> Vec<LineFacts<'_>> {
        join_lines([self.lines_of(0..self.facts.len())])
    }

    /// Cuts some facts into task lines, which [`join_lines`] puts together with those of the others.
    #[must_use]
    pub fn lines_of(&self, positions: Range<Position>) -> LinesPart<'_> {
        let mut part = LinesPart { lines: Lines::default(), denials: BTreeMap::new() };
        let facts = self.facts.get(positions.clone()).unwrap_or_default();
        for (position, fact) in positions.zip(facts) {
            if let Some(kind) = DenialKind::of(fact) {
                part.denials.entry(kind).or_insert(position);
            }
            part.lines.add(fact.keys.line, [LineFact { position, fact, unseen_denial: false }]);
        }
        part
    }

    /// The facts by position, with what their lines cannot know.
    pub(crate) fn line_facts(&self) -> impl Iterator<Item = LineFact<'_>> {
        let mut seen = BTreeSet::new();
        self.facts.iter().enumerate().map(move |(position, fact)| {
            let unseen_denial = DenialKind::of(fact).is_some_and(|kind| seen.insert(kind));
            LineFact { position, fact, unseen_denial }
        })
    }

    /// The facts that are the first with their (`scope`, `target.kind`, `action.kind`,
    /// `policy_reason_code`) (M-71).
    #[must_use]
    pub fn unseen_denials(&self) -> BTreeSet<Position> {
        self.line_facts().filter(|fact| fact.unseen_denial).map(|fact| fact.position).collect()
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
