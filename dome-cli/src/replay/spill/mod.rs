//! A replay that keeps to a budget of memory: the same stages over temporary files, with the same bytes.
//!
//! L-4 is what allows each cut. Rows are dealt out by run, and each file's runs are settled apart; the
//! sorted files are merged, and rows dealt out again by task line; each file's lines are folded apart;
//! what they come to is dealt out by key, and finished key by key. What grows with the history in memory
//! is one byte a fact, and the lines that settling rules out.

mod batches;
mod intake;
mod keys;
#[cfg(test)]
mod laws;
mod ledger;
mod lines;
mod merge;
mod parts;
mod recent;
mod rejected;
mod row;
mod runs;
pub(super) mod scratch;
mod shape;

pub(super) use shape::{Shape, fits, known_bytes};

use std::sync::{Mutex, MutexGuard};

use dome_binder::{FactBytes, Position, Rules};
use dome_core::BinderVersion;

use super::read::{self, Reading};
use super::{RunViews, Steps};
use crate::artifacts::{Draft, FACTS, Folder, GATE_ROLLUP, GUARD_DENIALS, Told, Totals, Written};
use crate::settings::Replay;
use batches::{Batch, each_batch};
use dome_replay::Masking;
use dome_replay::input::Source;
use lines::Bindings;
use row::Row;
use runs::Gathered;
use scratch::{RowFile, Scratch};

/// What every stage stands on.
pub(super) struct Ground<'g> {
    pub(super) sources: &'g [Source],
    pub(super) rules: &'g Rules,
    pub(super) binder: BinderVersion,
    pub(super) shape: Shape,
    scratch: Scratch,
}

/// Replays the sources and writes the result.
pub(super) fn replay<'r>(
    args: &'r Replay,
    rules: &'r Rules,
    sources: &[Source],
    masking: &Masking,
    shape: Shape,
    steps: &mut Steps,
) -> anyhow::Result<(Told<'r>, Written)> {
    let scratch = Scratch::above(&args.out, shape.buffer_bytes);
    let ground = Ground { sources, rules, binder: args.binder, shape, scratch };
    let how = Reading::of(args, masking, None);
    let intake = steps.time("reading", || intake::read_all(sources, &how, &ground.shape, &ground.scratch))?;
    let settled = steps.time("settling", || runs::settle_all(intake.runs, &ground))?;
    let mut draft = Draft::beside(&args.out)?;
    let folder = &mut draft.folder;
    let Gathered { views: RunViews { gates, denials }, firsts } = settled.gathered;
    let ordered = steps.time("ordering", || {
        recent::write(settled.failing, &ground.scratch, folder)?;
        ledger::put_in_order(&settled.sorted, firsts.into_values(), &ground, folder)
    })?;
    let as_of = args.as_of.or(ordered.last_ts);
    let (bindings, keyed) = steps.time("folding", || lines::fold_all(ordered.lines, ordered.facts, &ground))?;
    let concluded = steps.time("assembling", || keyed.conclude(rules, as_of, &ground.scratch, folder))?;
    let rejected = steps.time("quarantine", || {
        let mut rejects = intake.rejects;
        let mut ties = sources.len() as u64..;
        read::conflicting(&settled.conflicts, sources, masking, |row| {
            rejects.push(&row, ties.next().unwrap_or(u64::MAX))
        })?;
        rejects.write(folder)
    })?;
    steps.time("writing", || {
        write_facts(&settled.sorted, &bindings, &ground, folder)?;
        folder.rows(GATE_ROLLUP, &gates.rows())?;
        folder.rows(GUARD_DENIALS, &denials.rows())
    })?;
    let totals = Totals {
        as_of,
        facts: ordered.facts as u64,
        runs: settled.counts,
        capsules: concluded.capsules,
        concepts: concluded.concepts,
        applied_unknown: concluded.applied_unknown,
        applied_too_early: concluded.applied_too_early,
        snapshot_digest: ordered.snapshot_digest,
    };
    let (verdicts, counts, redacted) = (concluded.verdicts, intake.counts, masking.redacted(intake.masks));
    let told = Told { args, rules, totals, verdicts, rejected, counts, redacted };
    let written = steps.time("writing", || draft.finish(&told))?;
    Ok((told, written))
}

/// The second pass in total order: every fact with how it was bound.
fn write_facts(
    sorted: &[RowFile],
    bindings: &Bindings,
    ground: &Ground<'_>,
    folder: &mut Folder,
) -> anyhow::Result<()> {
    let mut rows = folder.open(FACTS)?;
    let render = |first: Position, batch: &Batch| {
        let mut bytes = Vec::new();
        for (row, position) in batch.rows().zip(first..) {
            let Row { keys, canonical, wrapper_policy, ordered_ts, .. } = Row::parse(row)?;
            let fact = FactBytes { canonical, keys: &keys, wrapper_policy, ordered_ts };
            fact.append(&bindings.bound(position), ground.rules, &mut bytes);
        }
        Ok(bytes)
    };
    each_batch(sorted, &ground.shape, render, |_, bytes| rows.push(&bytes))?;
    folder.close(FACTS, rows)
}

/// What threads share.
fn held<T>(shared: &Mutex<T>) -> anyhow::Result<MutexGuard<'_, T>> {
    shared.lock().map_err(|_| anyhow::anyhow!("a thread ended before its work was done"))
}

/// What threads shared, when they are done.
fn opened<T>(shared: Mutex<T>) -> anyhow::Result<T> {
    shared.into_inner().map_err(|_| anyhow::anyhow!("a thread ended before its work was done"))
}
