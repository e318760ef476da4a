//! Settling: the runs of one file at a time, each file sorted in the total order of its facts (M-41, M-42).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Mutex;

use dome_binder::{Conflict, DenialKind, Fact, Ledger, RunCounts, SettledRun, group_by_run, order, settle};
use dome_core::Timestamp;

use super::merge::fewer;
use super::parts::Cut;
use super::row::{Restorer, Row};
use super::scratch::RowFile;
use super::{Ground, held, opened, recent};
use crate::replay::RunViews;

/// What all runs come to.
#[derive(Default)]
pub(super) struct Settled {
    /// Files of facts, each in total order.
    pub(super) sorted: Vec<RowFile>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) counts: RunCounts,
    /// The rows of failing facts, each file in the order of their view.
    pub(super) failing: Vec<RowFile>,
    pub(super) gathered: Gathered,
}

/// What is gathered run by run, in any order.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) views: RunViews,
    /// The first fact of each kind of denial (M-71).
    pub(super) firsts: BTreeMap<DenialKind, Place>,
}

impl Gathered {
    fn add_run(&mut self, facts: &[Fact]) {
        self.views.add_run(facts);
        for fact in facts {
            let Some(kind) = DenialKind::of(fact) else { continue };
            let place = || (fact.ordered_ts, Box::from(fact.run_id.as_str()), fact.place);
            match self.firsts.entry(kind) {
                Entry::Vacant(entry) => _ = entry.insert(place()),
                Entry::Occupied(mut entry) if *entry.get() > place() => _ = entry.insert(place()),
                Entry::Occupied(_) => {}
            }
        }
    }
}

/// Settles all runs.
pub(super) fn settle_all(runs: Vec<RowFile>, ground: &Ground<'_>) -> anyhow::Result<Settled> {
    let gathered = Mutex::new(Gathered::default());
    let cut = Cut { scratch: &ground.scratch, shape: &ground.shape, hash: |row| row.run_hash() };
    let files = cut.each(runs, &|file| settle_file(&file, ground, &gathered))?;
    let mut all = Settled { gathered: opened(gathered)?, ..Settled::default() };
    for (sorted, failing, ledger) in files {
        all.sorted.push(sorted);
        all.failing.push(failing);
        all.counts += ledger.counts;
        all.conflicts.extend(ledger.conflicts);
    }
    all.sorted = fewer(all.sorted, &ground.scratch, place)?;
    Ok(all)
}

/// Settles the runs of a file: its facts, its failing rows, and what is left of its ledger.
fn settle_file(
    file: &RowFile,
    ground: &Ground<'_>,
    gathered: &Mutex<Gathered>,
) -> anyhow::Result<(RowFile, RowFile, Ledger)> {
    let mut restorer = Restorer::new(ground.sources, ground.binder);
    let mut records = Vec::new();
    file.each(|row| {
        records.push(restorer.record(&Row::parse(row)?)?);
        Ok(())
    })?;
    let runs: Vec<SettledRun> = group_by_run(records).into_iter().map(settle).collect();
    let mut gathered = held(gathered)?;
    runs.iter().for_each(|run| gathered.add_run(&run.facts));
    drop(gathered);
    let mut ledger = order(runs);
    let failing = recent::put_aside(&ledger.facts, &ground.scratch)?;
    let names = ground.sources.iter().zip(0_u32..).map(|(source, number)| (source.name.as_str(), number));
    let numbers: BTreeMap<&str, u32> = names.collect();
    let (mut sorted, mut bytes) = (ground.scratch.rows()?, Vec::new());
    for fact in std::mem::take(&mut ledger.facts) {
        let source = numbers.get(fact.source.name.as_str()).copied().unwrap_or_default();
        bytes.clear();
        Row::of_fact(&fact, source).append(&mut bytes);
        sorted.push(&bytes)?;
    }
    Ok((sorted.finish()?, failing, ledger))
}

/// A fact's place in the total order (M-42), as rows say it.
pub(super) type Place = (Timestamp, Box<str>, u64);

pub(super) fn place(row: &[u8]) -> anyhow::Result<Place> {
    let row = Row::parse(row)?;
    Ok((row.ordered_ts, row.run_id.into(), row.place))
}
