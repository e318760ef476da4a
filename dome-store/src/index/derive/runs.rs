//! Runs: settled whole (M-41), and compared with what they came to before.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::{Conflict, Fact, Record, SettledRun, group_by_run, settle};
use dome_core::{Sha256Hash, Source};

use super::Derivation;
use crate::index::batch::RejectedLine;
use crate::index::error::{Fits, IndexError, Result};
use crate::index::read::{ALL_RUNS, RunFact, RunRow, RunSum, Summing};
use crate::index::sealed::{SealedTable, held, json};

/// Levels of the tree of sums between its root and its leaves, the runs; each splits by half a byte of a run's hash.
pub(in crate::index) const LEVELS: u8 = 2;

#[derive(Default)]
pub(super) struct RunChange {
    pub(super) arrivals: Vec<(u64, Box<Record>)>,
    pub(super) withdrawn: BTreeSet<u64>,
}

/// Which entry stands where: copies of one line, and lines that were read twice, may stand together.
#[derive(Default)]
struct RunEntries(BTreeMap<(Source, Sha256Hash), Vec<u64>>);

impl RunEntries {
    fn add(&mut self, id: u64, record: &Record) {
        self.0.entry((record.source.clone(), record.keys.digest)).or_default().push(id);
    }

    fn take(&mut self, source: &Source, digest: Sha256Hash) -> Result<u64> {
        let ids = self.0.get_mut(&(source.clone(), digest)).filter(|ids| !ids.is_empty());
        Ok(ids.ok_or_else(|| IndexError::broken("what a run comes to was an entry of it"))?.remove(0))
    }

    fn rest(self) -> Vec<u64> {
        let mut rest: Vec<u64> = self.0.into_values().flatten().collect();
        rest.sort_unstable();
        rest
    }
}

impl Derivation<'_> {
    pub(super) fn settle(&mut self, run: &str, change: RunChange) -> Result<()> {
        let before = self.rows.find(SealedTable::Runs, run.as_bytes(), |row| json::<RunRow>(held(row)?))?;
        let before = before.unwrap_or_default();
        let (mut records, mut entries, mut facts) = (Vec::new(), RunEntries::default(), BTreeMap::new());
        let known: BTreeMap<u64, _> =
            before.facts.iter().zip(0..).map(|(RunFact(id, ts), place)| (*id, (*ts, place))).collect();
        for id in before.entries() {
            let record = self.rows.record(id)?;
            if let Some((ordered_ts, place)) = known.get(&id) {
                facts.insert(id, Fact { record: record.clone(), ordered_ts: *ordered_ts, place: *place });
            }
            if change.withdrawn.contains(&id) {
                self.rows.delete(SealedTable::Entries, id)?;
                self.tallies.entries -= 1;
            } else {
                entries.add(id, &record);
                records.push(record);
            }
        }
        for (id, record) in change.arrivals {
            entries.add(id, &record);
            records.push(record);
        }
        let settled = group_by_run(records).pop();
        let settled = settled.map_or_else(SettledRun::default, |run| settle(run, &self.rules.codes));
        self.write_sum(run, &settled)?;
        let mut row = RunRow { facts: self.facts_of_run(settled.facts, &mut entries, facts)?, ..RunRow::default() };
        self.conflicts(&before, &mut row, settled.conflicts, &mut entries)?;
        row.repeats = entries.rest();
        if row.entries().next().is_none() {
            self.rows.delete(SealedTable::Runs, run.as_bytes())?;
            return Ok(());
        }
        self.rows.put(SealedTable::Runs, &[&run.as_bytes(), &serde_json::to_vec(&row)?])
    }

    /// Marks what facts the run gained, and which of those that it had it lost.
    fn facts_of_run(
        &mut self,
        facts: Vec<Fact>,
        entries: &mut RunEntries,
        mut gone: BTreeMap<u64, Fact>,
    ) -> Result<Vec<RunFact>> {
        let (mut all, mut fresh) = (Vec::with_capacity(facts.len()), Vec::new());
        for fact in facts {
            let id = entries.take(&fact.source, fact.keys.digest)?;
            all.push(RunFact(id, fact.ordered_ts));
            let same = |known: &Fact| known.place == fact.place && known.ordered_ts == fact.ordered_ts;
            if gone.get(&id).is_some_and(same) {
                gone.remove(&id);
            } else {
                fresh.push((id, fact));
            }
        }
        // A fact that moved is one that went and one that came; its old place may be another's now.
        for (id, fact) in gone {
            self.remove_names(id, &fact)?;
            self.lines.entry(fact.keys.line).or_default().gone.insert(id);
        }
        for (id, fact) in fresh {
            self.add_names(id, &fact)?;
            self.lines.entry(fact.keys.line).or_default().fresh.push((id, fact));
        }
        Ok(all)
    }

    fn conflicts(
        &mut self,
        before: &RunRow,
        row: &mut RunRow,
        conflicts: Vec<Conflict>,
        entries: &mut RunEntries,
    ) -> Result<()> {
        for Conflict { digest, source, rejection } in conflicts {
            row.conflicts.push((entries.take(&source, digest)?, rejection.into_problems()));
        }
        if before.conflicts == row.conflicts {
            return Ok(());
        }
        for (id, _) in &before.conflicts {
            self.rows.delete(SealedTable::Rejected, id)?;
        }
        for (id, problems) in &row.conflicts {
            let (bytes, record) = self.rows.entry(*id)?.fits("an entry is missing")?;
            let sha256 = Sha256Hash::of(&self.origin.line(*id, bytes)?.bytes);
            let (source, conflict) = (record.source.clone(), Some(problems.clone()));
            self.reject(&RejectedLine { position: *id, bytes, source, sha256, conflict })?;
        }
        Ok(())
    }

    fn write_sum(&mut self, run: &str, settled: &SettledRun) -> Result<()> {
        let hash = Sha256Hash::of(run.as_bytes());
        let path = hash.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]).take(LEVELS.into());
        let path: Vec<u8> = path.collect();
        let key = [&[LEVELS + 1], path.as_slice(), run.as_bytes()].concat();
        let parent = self.sums.entry(path).or_default();
        // Nothing is ever subtracted.
        parent.1 |= self.rows.delete(SealedTable::Sums, &key)?;
        // A run of which every envelope is ruled out has no fact.
        if settled.facts.is_empty() && settled.conflicts.is_empty() {
            return Ok(());
        }
        parent.0.add_run(settled);
        let mut leaf = Summing::default();
        leaf.add_run(settled);
        self.rows.put(SealedTable::Sums, &[&key, &serde_json::to_vec(&leaf.sum())?])
    }

    /// Adds up what runs changed, from their parents to the root.
    pub(super) fn sum_up(&mut self) -> Result<()> {
        let mut paths = BTreeSet::new();
        for (path, (mut sum, again)) in std::mem::take(&mut self.sums) {
            let key = [&[LEVELS], path.as_slice()].concat();
            if again {
                sum = self.sum_of(&key)?;
            } else if let Some(before) = self.rows.find(SealedTable::Sums, &key, |row| json(held(row)?))? {
                sum.add(before);
            }
            self.write_node(&key, &sum.sum())?;
            paths.insert(path);
        }
        for level in (0..LEVELS).rev() {
            paths = paths.into_iter().map(|path| path.into_iter().take(level.into()).collect()).collect();
            for path in &paths {
                let key = [&[level], path.as_slice()].concat();
                self.write_node(&key, &self.sum_of(&key)?.sum())?;
            }
        }
        let RunSum { counts: runs, facts, failing, conflicts, .. } =
            self.rows.find(SealedTable::Sums, ALL_RUNS, |row| json::<RunSum>(held(row)?))?.unwrap_or_default();
        self.tallies = super::Tallies { runs, facts, failing, conflicts, ..self.tallies };
        Ok(())
    }

    fn sum_of(&self, key: &[u8]) -> Result<Summing> {
        let (level, path) = key.split_first().fits("a sum has another name")?;
        let least = [&[level + 1], path].concat();
        let most = [least.as_slice(), &[u8::MAX]].concat();
        let mut sum = Summing::default();
        self.rows.each(SealedTable::Sums, "key BETWEEN ?1 AND ?2", (least, most), |row| {
            sum.add(json(held(row)?)?);
            Ok(())
        })?;
        Ok(sum)
    }

    fn write_node(&self, key: &[u8], sum: &RunSum) -> Result<()> {
        if sum.rows == 0 {
            self.rows.delete(SealedTable::Sums, key)?;
            return Ok(());
        }
        self.rows.put(SealedTable::Sums, &[&key, &serde_json::to_vec(sum)?])
    }
}
