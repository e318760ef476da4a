//! What rows hold as values, and back.

use dome_binder::priors::elsewhere_rank;
use dome_binder::views::{GateRollup, GateRollups, GuardDenial, GuardDenials};
use dome_binder::{
    Applied, AppliedCounts, CapsuleState, Fact, FactOrder, FinishedCapsule, FinishedKey, FoldedCapsule, LineFigures,
    Record, Row as _, Rules, RunCounts, SettledRun, finish, finish_key,
};
use dome_core::{Problem, Sha256Hash, Timestamp};
use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::batch::{EntryBytes, Standing};
use super::error::{Fits, Result};
use super::sealed::{SealedRows, SealedTable, held, json, number};

/// A fact of a run: the entry that it is lineage of, and when it is ordered.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct RunFact(pub(super) u64, pub(super) Timestamp);

/// What a run came to (M-41).
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct RunRow {
    /// By place.
    pub(super) facts: Vec<RunFact>,
    pub(super) repeats: Vec<u64>,
    /// Entries that are ruled out.
    pub(super) conflicts: Vec<(u64, Vec<Problem>)>,
}

impl RunRow {
    pub(super) fn entries(&self) -> impl Iterator<Item = u64> {
        let facts = self.facts.iter().map(|fact| fact.0);
        facts.chain(self.repeats.iter().copied()).chain(self.conflicts.iter().map(|(id, _)| *id))
    }
}

/// What some runs add up to: what is counted of them, and their rows of the views that count (M-110, M-44).
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct RunSum {
    /// Runs, whatever became of their envelopes: of those that are counted, each has a fact.
    pub(super) rows: u64,
    pub(super) counts: RunCounts,
    pub(super) facts: u64,
    pub(super) failing: u64,
    pub(super) conflicts: u64,
    pub(super) gates: Vec<GateRollup>,
    pub(super) denials: Vec<GuardDenial>,
}

#[derive(Default)]
pub(super) struct Summing {
    sum: RunSum,
    pub(super) gates: GateRollups,
    pub(super) denials: GuardDenials,
}

impl Summing {
    pub(super) fn add_run(&mut self, run: &SettledRun) {
        self.sum.rows += 1;
        self.sum.counts += run.counts;
        self.sum.facts += run.facts.len() as u64;
        self.sum.failing += run.facts.iter().filter(|fact| fact.is_failing()).count() as u64;
        self.sum.conflicts += run.conflicts.len() as u64;
        self.gates.add_run(&run.facts);
        self.denials.add_run(&run.facts);
    }

    pub(super) fn add(&mut self, other: RunSum) {
        self.sum.rows += other.rows;
        self.sum.counts += other.counts;
        self.sum.facts += other.facts;
        self.sum.failing += other.failing;
        self.sum.conflicts += other.conflicts;
        other.gates.into_iter().for_each(|row| self.gates.add_row(row));
        other.denials.into_iter().for_each(|row| self.denials.add_row(row));
    }

    pub(super) fn sum(&self) -> RunSum {
        let RunSum { rows, counts, facts, failing, conflicts, .. } = self.sum;
        RunSum { rows, counts, facts, failing, conflicts, gates: self.gates.rows(), denials: self.denials.rows() }
    }
}

/// A fact of a task line: its entry, when it is ordered, its place in its run, and whether it is an unseen denial (M-71).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct TaskFact(pub(super) u64, pub(super) Timestamp, pub(super) u64, pub(super) bool);

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TaskRow {
    /// In total order.
    pub(super) facts: Vec<TaskFact>,
    /// How many derived keys its facts have.
    pub(super) keys: u64,
    /// The derived keys that its facts applied.
    pub(super) applied: Vec<Sha256Hash>,
}

/// What is known of the whole history: sums that change with each derivation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallies {
    /// Envelopes, whatever became of them.
    pub entries: u64,
    /// Facts.
    pub facts: u64,
    /// Facts that fail (M-72).
    pub failing: u64,
    /// Envelopes that a fact rules out.
    pub conflicts: u64,
    /// Derived keys of facts, minted or not.
    pub keys: u64,
    /// Capsules.
    pub capsules: u64,
    /// Concepts that are listed.
    pub concepts: u64,
    /// Task lines.
    pub lines: u64,
    /// What was counted of the runs (M-44).
    pub runs: RunCounts,
}

pub(super) const ALL_RUNS: &[u8] = &[0];

#[derive(Clone, Copy, Debug)]
pub(super) enum CapsulesOf {
    OfLine(Sha256Hash),
    OfConcept(Sha256Hash),
    All,
}

/// The start of a hash that a name is found by.
pub(super) fn start(hash: &Sha256Hash) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    [a, b, c, d, e, f, g, h]
}

/// What a line of a source is found by: the start of the hash of the source's name, and the line.
pub(super) fn place_name(name: &str, line: u64) -> [u8; 16] {
    let source = u64::from_be_bytes(start(&Sha256Hash::of(name.as_bytes())));
    (u128::from(source) << 64 | u128::from(line)).to_be_bytes()
}

pub(super) fn order(row: &Row<'_>) -> Result<FactOrder> {
    FactOrder::from_bytes(row.get_ref(0)?.as_blob()?).fits("a place in the total order has another form")
}

impl SealedRows {
    pub(super) fn meta(&self, name: &str) -> Result<Option<String>> {
        self.find(SealedTable::Meta, name.as_bytes(), |row| {
            String::from_utf8(held(row)?.to_vec()).ok().fits("what is said of the index is no text")
        })
    }

    pub(super) fn set_meta(&self, name: &str, text: &str) -> Result<()> {
        self.put(SealedTable::Meta, &[&name.as_bytes(), &text.as_bytes()])
    }

    pub(super) fn standing(&self) -> Result<Standing> {
        json(self.meta("standing")?.fits("it does not say up to where it was derived")?.as_bytes())
    }

    pub(super) fn tallies(&self) -> Result<Tallies> {
        json(self.meta("tallies")?.fits("it does not say what it holds")?.as_bytes())
    }

    pub(super) fn entry(&self, id: u64) -> Result<Option<(EntryBytes, Box<Record>)>> {
        self.find(SealedTable::Entries, id, |row| {
            let mut rest = held(row)?;
            let bytes =
                EntryBytes { segment: number(&mut rest)?, start: number(&mut rest)?, length: number(&mut rest)? };
            Ok((bytes, Box::new(self.value(&mut rest)?)))
        })
    }

    /// The record of an entry that something names.
    pub(super) fn record(&self, id: u64) -> Result<Box<Record>> {
        Ok(self.entry(id)?.fits("an entry is missing")?.1)
    }

    pub(super) fn task_row(&self, key: Sha256Hash) -> Result<Option<TaskRow>> {
        self.find(SealedTable::Lines, key.as_bytes(), |row| json(held(row)?))
    }

    pub(super) fn fact(&self, TaskFact(id, ordered_ts, place, _): &TaskFact) -> Result<Fact> {
        Ok(Fact { record: self.record(*id)?, ordered_ts: *ordered_ts, place: *place })
    }

    /// All facts that applied a derived key, and the task lines that they are of.
    pub(super) fn applied(&self, key: Sha256Hash) -> Result<(Vec<Applied>, Vec<Sha256Hash>)> {
        let (mut all, mut lines) = (Vec::new(), Vec::new());
        let last = [key.as_bytes().as_slice(), &[u8::MAX; 32]].concat();
        self.each(SealedTable::Applied, "key BETWEEN ?1 AND ?2", (key.as_bytes(), last), |row| {
            let mut rest = held(row)?;
            while !rest.is_empty() {
                all.push(self.value(&mut rest)?);
            }
            let line = row.get_ref(0)?.as_blob()?.last_chunk().fits("a row has another form")?;
            lines.push(Sha256Hash::from_bytes(*line));
            Ok(())
        })?;
        Ok((all, lines))
    }

    /// The capsule of a derived key as a row and its rank; both empty where no fact mints it.
    pub(super) fn key_row(
        &self,
        key: Sha256Hash,
        folded: Option<FoldedCapsule>,
        rules: &Rules,
    ) -> Result<(Vec<u8>, Vec<u8>)> {
        let Some(line) = folded.as_ref().map(|folded| folded.line) else {
            return Ok((Vec::new(), Vec::new()));
        };
        let FinishedKey { capsule, .. } = finish_key(folded, self.applied(key)?.0, rules, None);
        let Some(FinishedCapsule { state, capsule }) = capsule else { return Ok((Vec::new(), Vec::new())) };
        let mut row = Vec::with_capacity(1024);
        let counts = AppliedCounts {
            confirmed_count: capsule.confirmed_count,
            refuted_count: capsule.refuted_count,
            blocked_count: capsule.blocked_count,
        };
        counts.append(&mut row);
        line.append(&mut row);
        state.append(&mut row);
        Ok((row, elsewhere_rank(&capsule)))
    }

    /// The capsule of a row as its line folded it, with what was applied of it; `None` where no fact mints the key.
    pub(super) fn folded(&self, row: &Row<'_>) -> Result<Option<(FoldedCapsule, AppliedCounts)>> {
        let mut rest = held(row)?;
        if rest.is_empty() {
            return Ok(None);
        }
        let counts: AppliedCounts = self.value(&mut rest)?;
        let line: LineFigures = self.value(&mut rest)?;
        let state: CapsuleState = self.value(&mut rest)?;
        Ok(Some((FoldedCapsule { state: Box::new(state), line }, counts)))
    }

    /// The finished capsule of a row; what holds it back is told as of an instant (M-92).
    pub(super) fn finished(
        &self,
        row: &Row<'_>,
        (rules, as_of): (&Rules, Option<Timestamp>),
    ) -> Result<Option<FinishedCapsule>> {
        let folded = self.folded(row)?;
        Ok(folded.map(|(FoldedCapsule { state, line }, counts)| {
            let capsule = finish(&state, counts, line, rules, as_of);
            FinishedCapsule { state, capsule }
        }))
    }

    /// Hands out finished capsules, by derived key.
    pub(super) fn capsules(
        &self,
        by: (&Rules, Option<Timestamp>),
        which: CapsulesOf,
        mut take: impl FnMut(FinishedCapsule) -> Result<()>,
    ) -> Result<()> {
        let mut found = 0;
        let mut each = |row: &Row<'_>| {
            found += 1;
            self.finished(row, by)?.map_or(Ok(()), &mut take)
        };
        // Rows that are gone are missed where something sealed says how many there are.
        let expected = match which {
            CapsulesOf::OfLine(key) => {
                self.each(SealedTable::Keys, "line = ?1 ORDER BY key", [key.as_bytes()], each)?;
                Some(self.task_row(key)?.map_or(0, |row| row.keys))
            }
            CapsulesOf::OfConcept(key) => {
                self.each(SealedTable::Keys, "concept = ?1 ORDER BY key", [key.as_bytes()], &mut each)?;
                None
            }
            CapsulesOf::All => {
                self.each(SealedTable::Keys, "true ORDER BY key", [], each)?;
                Some(self.tallies()?.keys)
            }
        };
        expected.is_none_or(|expected| expected == found).then_some(()).fits("a capsule is missing")
    }

    pub(super) fn all_runs(&self) -> Result<RunSum> {
        let sum = self.find(SealedTable::Sums, ALL_RUNS, |row| json(held(row)?))?;
        match sum {
            Some(sum) => Ok(sum),
            None => (self.tallies()?.entries == 0).then(RunSum::default).fits("the sum of all runs is missing"),
        }
    }

    /// The ordered time of the last fact (M-92).
    pub(super) fn last_ts(&self) -> Result<Option<Timestamp>> {
        let mut last = None;
        self.each(SealedTable::Facts, "true ORDER BY key DESC LIMIT 1", [], |row| {
            last = Some(order(row)?.ts);
            Ok(())
        })?;
        Ok(last)
    }

    /// Entries of facts with a name, or between two.
    pub(super) fn named(&self, table: &str, least: &[u8], most: &[u8]) -> Result<Vec<u64>> {
        let sql = format!("SELECT id FROM {table} WHERE name BETWEEN ?1 AND ?2");
        let mut select = self.db.prepare_cached(&sql)?;
        let ids = select.query_map([least, most], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    pub(super) fn with_digest(&self, digest: Sha256Hash) -> Result<Option<u64>> {
        Ok(self.named("digests", digest.as_bytes(), digest.as_bytes())?.first().copied())
    }
}
