//! Settling: the runs of one file at a time, each file sorted in the total order of its facts (M-41, M-42).

use std::collections::BTreeMap;
use std::sync::Mutex;

use dome_binder::views::{GateRollups, GuardDenials};
use dome_binder::{Conflict, Ledger, RunCounts, SettledRun, group_by_run, order, settle};
use dome_core::Timestamp;

use super::merge::fewer;
use super::parts::Cut;
use super::row::{Restorer, Row};
use super::scratch::RowFile;
use super::{Ground, held, opened};

/// What all runs come to.
#[derive(Default)]
pub(super) struct Settled {
    /// Files of facts, each in total order.
    pub(super) sorted: Vec<RowFile>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) counts: RunCounts,
    pub(super) views: RunViews,
}

/// The views that are gathered run by run.
#[derive(Default)]
pub(super) struct RunViews {
    pub(super) gates: GateRollups,
    pub(super) denials: GuardDenials,
}

/// Settles all runs.
pub(super) fn settle_all(runs: Vec<RowFile>, ground: &Ground<'_>) -> anyhow::Result<Settled> {
    let views = Mutex::new(RunViews::default());
    let cut = Cut { scratch: &ground.scratch, shape: &ground.shape, hash: |row| row.run_hash() };
    let files = cut.each(runs, &|file| settle_file(&file, ground, &views))?;
    let mut all = Settled { views: opened(views)?, ..Settled::default() };
    for (file, ledger) in files {
        all.sorted.push(file);
        all.counts += ledger.counts;
        all.conflicts.extend(ledger.conflicts);
    }
    all.sorted = fewer(all.sorted, &ground.scratch, place)?;
    Ok(all)
}

/// Settles the runs of a file. What is left of its ledger are counts and conflicts.
fn settle_file(file: &RowFile, ground: &Ground<'_>, views: &Mutex<RunViews>) -> anyhow::Result<(RowFile, Ledger)> {
    let mut restorer = Restorer::new(ground.sources, ground.binder);
    let mut records = Vec::new();
    file.each(|row| {
        records.push(restorer.record(&Row::parse(row)?)?);
        Ok(())
    })?;
    let runs: Vec<SettledRun> = group_by_run(records).into_iter().map(settle).collect();
    let mut views = held(views)?;
    for run in &runs {
        views.gates.add_run(&run.facts);
        views.denials.add_run(&run.facts);
    }
    drop(views);
    let mut ledger = order(runs);
    let names = ground.sources.iter().zip(0_u32..).map(|(source, number)| (source.name.as_str(), number));
    let numbers: BTreeMap<&str, u32> = names.collect();
    let (mut sorted, mut bytes) = (ground.scratch.rows()?, Vec::new());
    for fact in std::mem::take(&mut ledger.facts) {
        let source = numbers.get(fact.source.name.as_str()).copied().unwrap_or_default();
        bytes.clear();
        Row::of_fact(&fact, source).append(&mut bytes);
        sorted.push(&bytes)?;
    }
    Ok((sorted.finish()?, ledger))
}

/// A fact's place in the total order (M-42), as rows say it.
pub(super) type Place = (Timestamp, Box<str>, u64);

pub(super) fn place(row: &[u8]) -> anyhow::Result<Place> {
    let row = Row::parse(row)?;
    Ok((row.ordered_ts, row.run_id.into(), row.place))
}
