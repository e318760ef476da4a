//! The artifacts of a replay: one directory, whole or not at all (M-120).

mod directory;
mod manifest;
mod told;
mod writer;

pub(crate) use directory::check_destination;
pub(crate) use manifest::{Beside, Manifest, manifest_digest};
pub(crate) use told::{Rejected, Told, Totals, Verdicts};
use writer::Rows;
pub(crate) use writer::{FileEntry, Folder};

use std::ops::Range;
use std::path::Path;

use dome_binder::{Lineage, Replay as Result, Rules, append_fact, append_row, views};
use dome_core::QuarantineRow;
use serde::Serialize;

use crate::artifacts::directory::Destination;
use crate::parallel;
use crate::redaction::Redacted;
use crate::replay::LineCounts;
use crate::settings::Replay;

/// The files of a result, but for its manifest.
pub(crate) const FACTS: &str = "facts.jsonl";
pub(crate) const LINEAGE: &str = "lineage.jsonl";
pub(crate) const CAPSULES: &str = "capsules.jsonl";
pub(crate) const CONCEPTS: &str = "concepts.jsonl";
pub(crate) const QUARANTINE: &str = "quarantine.jsonl";
pub(crate) const RECENT_FAILURES: &str = "views/mv_recent_failures_by_taskspec.jsonl";
pub(crate) const GATE_ROLLUP: &str = "views/mv_gate_rollup_by_failure_reason_code.jsonl";
pub(crate) const GUARD_DENIALS: &str = "views/mv_guard_denials_by_policy_reason_code.jsonl";

/// Rows that are rendered at once, on one thread.
const BATCH: usize = 2_048;

/// All that a result is written from.
pub(crate) struct Artifacts<'r, 'd> {
    pub(crate) args: &'r Replay,
    pub(crate) rules: &'r Rules,
    pub(crate) result: &'d Result,
    pub(crate) quarantine: &'d [QuarantineRow],
    pub(crate) counts: LineCounts,
    /// What was masked, if that was asked for.
    pub(crate) redacted: Option<Redacted>,
}

/// A result that stands.
pub(crate) struct Written {
    pub(crate) manifest: Manifest,
    /// Whether the same result stood there already.
    pub(crate) unchanged: bool,
}

/// Writes the result: into a directory beside its own, which then takes its place.
pub(crate) fn write(artifacts: &Artifacts<'_, '_>, told: &Told<'_>) -> anyhow::Result<Written> {
    let mut draft = Draft::beside(&artifacts.args.out)?;
    let (result, facts) = (artifacts.result, &artifacts.result.ledger.facts);
    let folder = &mut draft.folder;
    artifacts.batched(folder, FACTS, |range, bytes| {
        let bound = result.bound.get(range.clone()).unwrap_or_default();
        for (fact, bound) in facts.get(range).unwrap_or_default().iter().zip(bound) {
            append_fact(fact, bound, artifacts.rules, bytes);
        }
    })?;
    artifacts.batched(folder, LINEAGE, |range, bytes| {
        let facts = facts.get(range).unwrap_or_default();
        facts.iter().for_each(|fact| append_row(&Lineage::of(fact), bytes));
    })?;
    folder.rows(CAPSULES, &result.derived.capsules)?;
    folder.rows(CONCEPTS, &result.derived.concepts)?;
    folder.rows(QUARANTINE, artifacts.quarantine)?;
    folder.rows(RECENT_FAILURES, &views::recent_failures(facts))?;
    folder.rows(GATE_ROLLUP, &views::gate_rollup(facts))?;
    folder.rows(GUARD_DENIALS, &views::guard_denials(facts))?;
    draft.finish(told)
}

/// A result in the making, in a directory beside its place; gone again unless it is finished.
pub(crate) struct Draft {
    destination: Destination,
    pub(crate) folder: Folder,
}

impl Draft {
    pub(crate) fn beside(out: &Path) -> anyhow::Result<Self> {
        let destination = Destination::beside(out)?;
        let folder = Folder::new(destination.path())?;
        Ok(Self { destination, folder })
    }

    /// Adds the manifest, and puts the directory in its place.
    pub(crate) fn finish(mut self, told: &Told<'_>) -> anyhow::Result<Written> {
        let manifest = Manifest::of(told, self.folder.files());
        self.folder.document("manifest.json", &manifest)?;
        self.folder.sync()?;
        let unchanged = self.destination.take_place(&told.args.out, told.args.force, &manifest)?;
        Ok(Written { manifest, unchanged })
    }
}

impl<'r> Artifacts<'r, '_> {
    /// What its manifest and its summary say.
    pub(crate) fn told(&self) -> Told<'r> {
        let mut verdicts = Verdicts::default();
        verdicts.add(&self.result.derived.capsules);
        Told {
            args: self.args,
            rules: self.rules,
            totals: Totals::of(self.result),
            verdicts,
            rejected: Rejected::of(self.quarantine),
            counts: self.counts,
            redacted: self.redacted.clone(),
        }
    }

    /// Renders rows of facts on all threads, a window at a time, and writes them in order.
    fn batched(
        &self,
        folder: &mut Folder,
        name: &str,
        render: impl Fn(Range<usize>, &mut Vec<u8>) + Sync,
    ) -> anyhow::Result<()> {
        let mut rows = folder.open(name)?;
        let (threads, total) = (self.args.threads, self.result.ledger.facts.len());
        let starts: Vec<usize> = (0..total).step_by(BATCH).collect();
        for window in starts.chunks(threads * 4) {
            let rendered = parallel::map(threads, window.iter(), |start| {
                let mut bytes = Vec::new();
                render(*start..(*start + BATCH).min(total), &mut bytes);
                bytes
            });
            rendered.iter().try_for_each(|bytes| rows.push(bytes))?;
        }
        folder.close(name, rows)
    }
}

impl Folder {
    /// Writes a file of rows.
    pub(crate) fn rows<T: Serialize>(&mut self, name: &str, rows: &[T]) -> anyhow::Result<()> {
        let mut file: Rows = self.open(name)?;
        let mut bytes = Vec::new();
        for batch in rows.chunks(BATCH) {
            bytes.clear();
            batch.iter().for_each(|row| append_row(row, &mut bytes));
            file.push(&bytes)?;
        }
        self.close(name, file)
    }
}
