//! Runs: settled whole (M-41), and compared with what they came to before.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::views::{GateRollups, GuardDenials};
use dome_binder::{Conflict, Fact, Record, SettledRun, group_by_run, settle};
use dome_core::{Sha256Hash, Source};
use rusqlite::params;

use super::Derivation;
use super::names::FactNames;
use crate::index::error::{Error, Fits, Result};
use crate::index::rows::{RunFact, RunRow, json};
use crate::index::seal::Table;

/// What a batch brings a run.
#[derive(Default)]
pub(super) struct RunChange {
    pub(super) arrivals: Vec<(u64, Box<Record>)>,
    pub(super) withdrawn: BTreeSet<u64>,
}

/// Which entry stands where: copies of one line, and lines that were read twice, may stand together.
#[derive(Default)]
struct Stands(BTreeMap<(Source, Sha256Hash), Vec<u64>>);

impl Stands {
    fn add(&mut self, id: u64, record: &Record) {
        self.0.entry((record.source.clone(), record.keys.digest)).or_default().push(id);
    }

    fn take(&mut self, source: &Source, digest: Sha256Hash) -> Result<u64> {
        let ids = self.0.get_mut(&(source.clone(), digest)).filter(|ids| !ids.is_empty());
        Ok(ids.ok_or(Error::Broken("what a run comes to was an entry of it"))?.remove(0))
    }

    fn rest(self) -> Vec<u64> {
        let mut rest: Vec<u64> = self.0.into_values().flatten().collect();
        rest.sort_unstable();
        rest
    }
}

impl Derivation<'_> {
    /// Settles a run again with what a batch brings it.
    pub(super) fn settle(&mut self, run: &str, change: RunChange) -> Result<()> {
        let (id, new) = self.run_id(run)?;
        let before = if new { RunRow::default() } else { self.run_row(id, run)? };
        let (mut records, mut stands, mut names) = (Vec::new(), Stands::default(), BTreeMap::new());
        let facts: BTreeMap<u64, (u64, RunFact)> =
            before.facts.iter().zip(0..).map(|(fact, place)| (fact.0, (place, *fact))).collect();
        for id in before.entries() {
            let record = self.record(id)?;
            if let Some((place, RunFact(_, ordered_ts, line))) = facts.get(&id) {
                names.insert(id, FactNames::of(&record, *ordered_ts, *place, *line)?);
            }
            if change.withdrawn.contains(&id) {
                self.tx.prepare_cached("DELETE FROM entries WHERE id = ?1")?.execute([id])?;
                self.tallies.entries -= 1;
                continue;
            }
            stands.add(id, &record);
            records.push(record);
        }
        for (id, record) in change.arrivals {
            stands.add(id, &record);
            records.push(record);
        }
        let settled = group_by_run(records).pop().map_or_else(SettledRun::default, settle);
        let mut row = RunRow { counts: settled.counts, ..RunRow::default() };
        let (mut gates, mut denials) = (GateRollups::default(), GuardDenials::default());
        gates.add_run(&settled.facts);
        denials.add_run(&settled.facts);
        (row.gates, row.denials) = (gates.rows(), denials.rows());
        self.add_totals(&before, &row)?;
        self.facts_of_run(&mut row, settled.facts, &mut stands, &facts, names)?;
        self.conflicts(&before, &mut row, settled.conflicts, &mut stands)?;
        row.repeats = stands.rest();
        self.count_run(&before, &row);
        self.write_run(id, run, &row)
    }

    /// Marks what facts the run gained, and which it lost.
    fn facts_of_run(
        &mut self,
        row: &mut RunRow,
        facts: Vec<Fact>,
        stands: &mut Stands,
        before: &BTreeMap<u64, (u64, RunFact)>,
        mut names: BTreeMap<u64, FactNames>,
    ) -> Result<()> {
        let mut settled = Vec::with_capacity(facts.len());
        for fact in facts {
            let id = stands.take(&fact.source, fact.keys.digest)?;
            let known = before.get(&id).filter(|(place, known)| *place == fact.place && known.1 == fact.ordered_ts);
            if known.is_some() {
                names.remove(&id);
            }
            settled.push((id, fact, known.map(|(_, known)| *known)));
        }
        // A fact that moved is one that went and one that came; its old place may be another's now.
        for (id, gone) in names {
            self.task_line(gone.line_key)?.gone.insert(id);
            self.remove_names(id, &gone)?;
        }
        for (id, fact, known) in settled {
            if let Some(known) = known {
                row.facts.push(known);
                continue;
            }
            let task = fact.keys.line;
            let line = self.task_line(task)?.id;
            row.facts.push(RunFact(id, fact.ordered_ts, line));
            let named = FactNames::of(&fact, fact.ordered_ts, fact.place, line)?;
            self.add_names(id, &fact, named)?;
            self.task_line(task)?.fresh.push((id, fact));
        }
        Ok(())
    }

    /// Notes which envelopes facts rule out.
    fn conflicts(
        &mut self,
        before: &RunRow,
        row: &mut RunRow,
        conflicts: Vec<Conflict>,
        stands: &mut Stands,
    ) -> Result<()> {
        for Conflict { digest, source, mut problem } in conflicts {
            // Where on the line is not kept.
            problem.span = 0..0;
            row.conflicts.push((stands.take(&source, digest)?, problem));
        }
        if before.conflicts == row.conflicts {
            return Ok(());
        }
        for (id, _) in &before.conflicts {
            self.tx.prepare_cached("DELETE FROM rejected WHERE id = ?1 AND state = 'conflict'")?.execute([id])?;
        }
        for (id, problem) in &row.conflicts {
            self.conflict(*id, &serde_json::to_string(problem)?)?;
        }
        Ok(())
    }

    fn conflict(&mut self, id: u64, problem: &str) -> Result<()> {
        let record = self.record(id)?;
        let bytes = crate::index::read::entry_bytes(self.tx, id)?;
        let sha256 = Sha256Hash::of(&self.origin.line(id, bytes)?.bytes);
        let source = self.word(&record.source.name)?;
        // A line that was read again and is an envelope now has a row already.
        let mut insert = self.tx.prepare_cached(
            "INSERT OR REPLACE INTO rejected (id, segment, start, length, source, line, sha256, state, problem)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'conflict', ?8)",
        )?;
        insert.execute(params![
            id,
            bytes.segment,
            bytes.start,
            bytes.length,
            source,
            record.source.line,
            sha256.as_bytes(),
            problem
        ])?;
        Ok(())
    }

    fn count_run(&mut self, before: &RunRow, row: &RunRow) {
        let tallies = &mut self.tallies;
        let change = |sum: &mut u64, minus: usize, plus: usize| *sum = *sum + plus as u64 - minus as u64;
        change(&mut tallies.facts, before.facts.len(), row.facts.len());
        change(&mut tallies.conflicts, before.conflicts.len(), row.conflicts.len());
        let (sum, minus, plus) = (&mut tallies.runs, before.counts, row.counts);
        let change = |sum: &mut u64, minus: u64, plus: u64| *sum = *sum + plus - minus;
        change(&mut sum.duplicates, minus.duplicates, plus.duplicates);
        change(&mut sum.facts_out_of_clock_order, minus.facts_out_of_clock_order, plus.facts_out_of_clock_order);
        change(&mut sum.runs, minus.runs, plus.runs);
        change(&mut sum.runs_with_mixed_policy, minus.runs_with_mixed_policy, plus.runs_with_mixed_policy);
        change(&mut sum.runs_with_sequence_gaps, minus.runs_with_sequence_gaps, plus.runs_with_sequence_gaps);
        change(&mut sum.runs_with_sequence_repeats, minus.runs_with_sequence_repeats, plus.runs_with_sequence_repeats);
    }

    fn run_row(&mut self, id: i64, run: &str) -> Result<RunRow> {
        let mut select = self.tx.prepare_cached("SELECT row, seal FROM runs WHERE id = ?1")?;
        let mut rows = select.query([id])?;
        let row = rows.next()?.fits("a run is missing")?;
        let (bytes, seal) = (row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?);
        self.seals.check(Table::Runs, run.as_bytes(), bytes, seal)?;
        json(bytes)
    }

    fn write_run(&mut self, id: i64, run: &str, row: &RunRow) -> Result<()> {
        if row.entries().next().is_none() {
            self.tx.prepare_cached("DELETE FROM runs WHERE id = ?1")?.execute([id])?;
            return Ok(());
        }
        let bytes = serde_json::to_vec(row)?;
        let seal = self.seals.of(Table::Runs, run.as_bytes(), &bytes);
        self.tx
            .prepare_cached("INSERT OR REPLACE INTO runs (id, run, row, seal) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id, run, bytes, seal])?;
        Ok(())
    }
}
