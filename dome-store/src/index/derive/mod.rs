//! Deriving: from entries to finished rows, each run, task line, key and concept once and whole.
//!
//! What a batch touches is marked on the way down, and each stage takes only what the one before marked:
//!
//! ```text
//! entries -> runs (settle) -> task lines (fold) -> derived keys (finish) -> concepts
//!                 \-> sums of views, kinds of denials, names, total order
//! ```
//!
//! All rules are the engine's: this says which of its pure functions is called on what.

mod concepts;
mod keys;
mod kinds;
mod lines;
mod names;
mod runs;
mod spans;
mod totals;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dome_binder::{Canonical, Fact, Record, RowReader, Rules};
use dome_core::Sha256Hash;
use rusqlite::{OptionalExtension, Transaction, params};

pub(super) use self::names::{flag, flags, start};
pub(super) use self::spans::Ranks;
pub(super) use self::totals::Tag;

use self::kinds::Kinds;
use self::names::Names;
use self::totals::Totals;
use super::batch::{Arrival, Batch, Origin, Turned};
use super::error::{Fits, Result};
use super::rows::Tallies;
use super::seal::{Seals, Table};

/// Facts that a task line gains and loses.
#[derive(Default)]
struct TaskChange {
    /// The line's number, and whether it is a new one.
    id: i64,
    new: bool,
    gone: BTreeSet<u64>,
    fresh: Vec<(u64, Fact)>,
}

/// One derivation, within one transaction.
pub(super) struct Derivation<'d> {
    tx: &'d Transaction<'d>,
    rules: &'d Rules,
    seals: Seals,
    origin: &'d mut dyn Origin,
    reader: RowReader,
    tallies: Tallies,
    words: HashMap<String, i64>,
    runs: HashMap<String, (i64, bool)>,
    next_run: i64,
    next_line: i64,
    lines: BTreeMap<Sha256Hash, TaskChange>,
    kinds: Kinds,
    totals: Totals,
    names: Names,
    touched_keys: BTreeSet<Sha256Hash>,
    touched_concepts: BTreeSet<Sha256Hash>,
}

impl<'d> Derivation<'d> {
    pub(super) fn new(
        tx: &'d Transaction<'d>,
        rules: &'d Rules,
        seals: Seals,
        origin: &'d mut dyn Origin,
    ) -> Result<Self> {
        let next = |table: &str| -> Result<i64> {
            Ok(tx.query_row(&format!("SELECT coalesce(max(id), 0) + 1 FROM {table}"), [], |row| row.get(0))?)
        };
        let tallies = crate::index::read::tallies(tx, seals)?;
        Ok(Self {
            tx,
            rules,
            seals,
            origin,
            reader: RowReader::default(),
            tallies,
            words: HashMap::new(),
            runs: HashMap::new(),
            next_run: next("runs")?,
            next_line: next("lines")?,
            lines: BTreeMap::new(),
            kinds: Kinds::default(),
            totals: Totals::default(),
            names: Names::default(),
            touched_keys: BTreeSet::new(),
            touched_concepts: BTreeSet::new(),
        })
    }

    /// Takes a batch in, whole.
    pub(super) fn run(mut self, batch: Batch) -> Result<Tallies> {
        let dirty = self.entries(batch)?;
        for (run, change) in dirty {
            self.settle(&run, change)?;
        }
        self.mark_unseen()?;
        self.write_names()?;
        for (key, change) in std::mem::take(&mut self.lines) {
            self.fold(key, change)?;
        }
        self.finish()?;
        self.concepts()?;
        self.write_totals()?;
        crate::index::read::set_meta(self.tx, self.seals, "tallies", &serde_json::to_string(&self.tallies)?)?;
        Ok(self.tallies)
    }

    /// Keeps the entries of a batch; the runs that they touch.
    fn entries(&mut self, batch: Batch) -> Result<BTreeMap<String, runs::RunChange>> {
        let mut dirty: BTreeMap<String, runs::RunChange> = BTreeMap::new();
        let withdrawn: BTreeSet<u64> = batch.withdrawn.iter().copied().collect();
        for turned in batch.turned {
            self.turned(&turned)?;
        }
        for (state, of) in
            batch.retried.iter().map(|of| ("retried", *of)).chain(withdrawn.iter().map(|of| ("withdrawn", *of)))
        {
            let mut update =
                self.tx.prepare_cached("UPDATE rejected SET state = ?2 WHERE id = ?1 AND state = 'quarantined'")?;
            update.execute(params![of, state])?;
        }
        for mut arrival in batch.arrivals {
            if withdrawn.contains(&arrival.position) {
                continue;
            }
            // What is in its canonical bytes only, no answer needs.
            arrival.record.canonical = Canonical::Held(Box::default());
            let run = arrival.record.run_id.to_string();
            let (id, _) = self.run_id(&run)?;
            self.entry(&arrival, id)?;
            dirty.entry(run).or_default().arrivals.push((arrival.position, arrival.record));
        }
        for of in withdrawn {
            let mut select = self.tx.prepare_cached(
                "SELECT runs.run FROM entries JOIN runs ON runs.id = entries.run WHERE entries.id = ?1",
            )?;
            if let Some(run) = select.query_row([of], |row| row.get::<_, String>(0)).optional()? {
                self.run_id(&run)?;
                dirty.entry(run).or_default().withdrawn.insert(of);
            }
        }
        for mark in batch.marks {
            self.tx
                .prepare_cached("INSERT OR REPLACE INTO checkpoints (name, blank, text) VALUES (?1, ?2, ?3)")?
                .execute(params![mark.name, mark.blank, mark.text])?;
        }
        Ok(dirty)
    }

    fn entry(&mut self, arrival: &Arrival, run: i64) -> Result<()> {
        let mut row = Vec::with_capacity(768);
        dome_binder::Row::append(&*arrival.record, &mut row);
        let seal = self.seals.of(Table::Entries, &arrival.position.to_le_bytes(), &row);
        let mut insert = self.tx.prepare_cached(
            "INSERT INTO entries (id, segment, start, length, run, row, seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let bytes = arrival.bytes;
        insert.execute(params![arrival.position, bytes.segment, bytes.start, bytes.length, run, row, seal])?;
        self.tallies.entries += 1;
        Ok(())
    }

    fn turned(&mut self, turned: &Turned) -> Result<()> {
        let source = self.word(&turned.source.name)?;
        let mut insert = self.tx.prepare_cached(
            "INSERT INTO rejected (id, segment, start, length, source, line, sha256, state, problem)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'quarantined', '')",
        )?;
        let (bytes, sha256) = (turned.bytes, turned.sha256.as_bytes());
        let place =
            params![turned.position, bytes.segment, bytes.start, bytes.length, source, turned.source.line, sha256];
        insert.execute(place)?;
        Ok(())
    }

    /// The number of a run, and whether nothing was known of it.
    fn run_id(&mut self, run: &str) -> Result<(i64, bool)> {
        if let Some(known) = self.runs.get(run) {
            return Ok(*known);
        }
        let mut select = self.tx.prepare_cached("SELECT id FROM runs WHERE run = ?1")?;
        let found = match select.query_row([run], |row| row.get(0)).optional()? {
            Some(id) => (id, false),
            None => {
                self.next_run += 1;
                (self.next_run - 1, true)
            }
        };
        self.runs.insert(run.to_owned(), found);
        Ok(found)
    }

    /// The number of a word.
    fn word(&mut self, text: &str) -> Result<i64> {
        if let Some(id) = self.words.get(text) {
            return Ok(*id);
        }
        self.tx.prepare_cached("INSERT OR IGNORE INTO words (text) VALUES (?1)")?.execute([text])?;
        let id = self.tx.prepare_cached("SELECT id FROM words WHERE text = ?1")?.query_row([text], |row| row.get(0))?;
        self.words.insert(text.to_owned(), id);
        Ok(id)
    }

    /// The record of an entry.
    fn record(&mut self, id: u64) -> Result<Box<Record>> {
        crate::index::read::record(self.tx, self.seals, &mut self.reader, id)
    }

    /// The task line of a key, marked as changed.
    fn task_line(&mut self, key: Sha256Hash) -> Result<&mut TaskChange> {
        if !self.lines.contains_key(&key) {
            let mut select = self.tx.prepare_cached("SELECT id FROM lines WHERE key = ?1")?;
            let found: Option<i64> = select.query_row([key.as_bytes()], |row| row.get(0)).optional()?;
            let (id, new) = match found {
                Some(id) => (id, false),
                None => {
                    self.next_line += 1;
                    (self.next_line - 1, true)
                }
            };
            self.lines.insert(key, TaskChange { id, new, ..TaskChange::default() });
        }
        self.lines.get_mut(&key).fits("a line that was marked is there")
    }

    /// The key of a task line that is known.
    fn line_key(&self, id: i64) -> Result<Sha256Hash> {
        let mut select = self.tx.prepare_cached("SELECT key FROM lines WHERE id = ?1")?;
        let key: Option<[u8; 32]> = select.query_row([id], |row| row.get(0)).optional()?;
        Ok(Sha256Hash::from_bytes(key.fits("a task line is missing")?))
    }
}
