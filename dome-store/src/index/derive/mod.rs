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

mod lines;
mod names;
mod runs;

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::{Canonical, Fact, Row as _, Rules};
use dome_core::Sha256Hash;

pub(super) use self::names::{Ranks, flag, flags};
pub(super) use self::runs::LEVELS;

use self::names::{Kinds, NewNames};
use self::runs::RunChange;
use super::batch::{Arrival, Batch, RejectedLine, RowOrigin, SourceMark};
use super::error::Result;
use super::read::{Summing, Tallies, place_name};
use super::sealed::{SealedRows, SealedTable};

#[derive(Default)]
struct TaskChange {
    gone: BTreeSet<u64>,
    fresh: Vec<(u64, Fact)>,
}

/// One derivation, within one transaction.
pub(super) struct Derivation<'d> {
    rows: &'d SealedRows,
    rules: &'d Rules,
    origin: &'d mut dyn RowOrigin,
    tallies: Tallies,
    /// What runs add to their parents in the tree of sums, by path; and whether one of them added something before.
    sums: BTreeMap<Vec<u8>, (Summing, bool)>,
    lines: BTreeMap<Sha256Hash, TaskChange>,
    kinds: Kinds,
    names: NewNames,
    /// Derived keys that are applied otherwise than before.
    applied: BTreeSet<Sha256Hash>,
    concepts: BTreeSet<Sha256Hash>,
}

impl<'d> Derivation<'d> {
    pub(super) fn new(rows: &'d SealedRows, rules: &'d Rules, origin: &'d mut dyn RowOrigin) -> Result<Self> {
        Ok(Self {
            rows,
            rules,
            origin,
            tallies: rows.tallies()?,
            sums: BTreeMap::new(),
            lines: BTreeMap::new(),
            kinds: Kinds::default(),
            names: NewNames::default(),
            applied: BTreeSet::new(),
            concepts: BTreeSet::new(),
        })
    }

    pub(super) fn run(mut self, batch: Batch) -> Result<Tallies> {
        for (run, change) in self.entries(batch)? {
            self.settle(&run, change)?;
        }
        self.sum_up()?;
        self.mark_unseen()?;
        self.write_names()?;
        for (key, change) in std::mem::take(&mut self.lines) {
            self.fold(key, change)?;
        }
        self.finish_applied()?;
        self.gather_concepts()?;
        self.rows.set_meta("tallies", &serde_json::to_string(&self.tallies)?)?;
        Ok(self.tallies)
    }

    fn entries(&mut self, batch: Batch) -> Result<BTreeMap<String, RunChange>> {
        let mut runs: BTreeMap<String, RunChange> = BTreeMap::new();
        let withdrawn: BTreeSet<u64> = batch.withdrawn.iter().copied().collect();
        for line in &batch.turned {
            self.reject(line)?;
        }
        for of in batch.retried.iter().chain(&batch.withdrawn) {
            self.rows.delete(SealedTable::Rejected, of)?;
        }
        for mut arrival in batch.arrivals.into_iter().filter(|arrival| !withdrawn.contains(&arrival.position)) {
            // What is in its canonical bytes only, no answer needs.
            arrival.record.canonical = Canonical::Held(Box::default());
            self.write_entry(&arrival)?;
            let run = arrival.record.run_id.to_string();
            runs.entry(run).or_default().arrivals.push((arrival.position, arrival.record));
        }
        for of in withdrawn {
            if let Some((_, record)) = self.rows.entry(of)? {
                runs.entry(record.run_id.to_string()).or_default().withdrawn.insert(of);
            }
        }
        for mark in &batch.marks {
            let SourceMark { name, .. } = mark;
            self.rows.put(SealedTable::Sources, &[&name.as_bytes(), &serde_json::to_vec(mark)?])?;
        }
        Ok(runs)
    }

    fn write_entry(&mut self, Arrival { position, bytes, record }: &Arrival) -> Result<()> {
        let mut row = Vec::with_capacity(768);
        [bytes.segment, bytes.start, bytes.length].iter().for_each(|number| row.extend(number.to_le_bytes()));
        record.append(&mut row);
        self.rows.put(SealedTable::Entries, &[position, &row])?;
        self.tallies.entries += 1;
        Ok(())
    }

    fn reject(&self, line: &RejectedLine) -> Result<()> {
        let place = place_name(&line.source.name, line.source.line);
        let row = serde_json::to_vec(line)?;
        self.rows.put(SealedTable::Rejected, &[&line.position, &row, &place, line.sha256.as_bytes()])
    }
}
