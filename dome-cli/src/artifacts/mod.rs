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

use dome_binder::{Fact, Lineage, Replay as Result, Rules, append_fact, append_row, views};
use dome_core::QuarantineRow;
use serde::Serialize;

use crate::artifacts::directory::Destination;
use crate::parallel;
use crate::redaction::Redacted;
use crate::replay::{Kept, LineCounts};
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
const BATCH: usize = 512;
/// What a row takes, about.
const ROW_BYTES: usize = 1_536;

/// All that a result is written from.
pub(crate) struct Artifacts<'r, 'd> {
    pub(crate) args: &'r Replay,
    pub(crate) rules: &'r Rules,
    pub(crate) result: &'d Result,
    /// The canonical envelopes that records do not hold.
    pub(crate) kept: &'d Kept,
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
    let folder = &draft.folder;
    let mut files = vec![(FACTS, artifacts.facts(folder)?), (LINEAGE, artifacts.lineage(folder)?)];
    let others = parallel::map(artifacts.args.threads, Artifacts::OTHERS.into_iter(), |(name, write)| {
        Ok((name, write(artifacts, folder.open(name)?)?))
    });
    files.extend(others.into_iter().collect::<anyhow::Result<Vec<_>>>()?);
    draft.folder.close_all(files)?;
    draft.finish(told)
}

/// Writes the rows of one file.
type Write = fn(&Artifacts<'_, '_>, Rows) -> anyhow::Result<Rows>;

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

    /// The files that are each written on one thread, those that take longest first.
    const OTHERS: [(&'static str, Write); 6] = [
        (RECENT_FAILURES, |all, rows| rows.all(&views::recent_failures(all.ledger()))),
        (GATE_ROLLUP, |all, rows| rows.all(&views::gate_rollup(all.ledger()))),
        (CAPSULES, |all, rows| rows.all(&all.result.derived.capsules)),
        (GUARD_DENIALS, |all, rows| rows.all(&views::guard_denials(all.ledger()))),
        (QUARANTINE, |all, rows| rows.all(all.quarantine)),
        (CONCEPTS, |all, rows| rows.all(&all.result.derived.concepts)),
    ];

    fn ledger(&self) -> &[Fact] {
        &self.result.ledger.facts
    }

    fn facts(&self, folder: &Folder) -> anyhow::Result<Rows> {
        let bound = |range| self.result.bound.get(range).unwrap_or_default();
        self.batched(folder.open(FACTS)?, |range, facts, bytes| {
            let mut read = Vec::new();
            for (fact, bound) in facts.iter().zip(bound(range)) {
                append_fact(fact, self.kept.canonical(fact, &mut read)?, bound, self.rules, bytes);
            }
            Ok(())
        })
    }

    fn lineage(&self, folder: &Folder) -> anyhow::Result<Rows> {
        self.batched(folder.open(LINEAGE)?, |_, facts, bytes| {
            facts.iter().for_each(|fact| append_row(&Lineage::of(fact), bytes));
            Ok(())
        })
    }

    /// Renders rows of facts on all threads, and writes them in order while others are rendered.
    fn batched(
        &self,
        mut rows: Rows,
        render: impl Fn(Range<usize>, &[Fact], &mut Vec<u8>) -> anyhow::Result<()> + Sync,
    ) -> anyhow::Result<Rows> {
        let facts = self.ledger();
        let rendered = |start: usize| {
            let range = start..(start + BATCH).min(facts.len());
            let mut bytes = Vec::with_capacity(BATCH * ROW_BYTES);
            let done = render(range.clone(), facts.get(range).unwrap_or_default(), &mut bytes);
            done.map(|()| bytes)
        };
        let starts = (0..facts.len()).step_by(BATCH);
        parallel::in_order(self.args.threads, starts, rendered, |bytes| rows.push(&bytes?))?;
        Ok(rows)
    }
}

impl Rows {
    fn all<T: Serialize>(mut self, rows: &[T]) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        for batch in rows.chunks(BATCH) {
            bytes.clear();
            batch.iter().for_each(|row| append_row(row, &mut bytes));
            self.push(&bytes)?;
        }
        Ok(self)
    }
}

impl Folder {
    /// Writes a file of rows.
    pub(crate) fn rows<T: Serialize>(&mut self, name: &str, rows: &[T]) -> anyhow::Result<()> {
        let rows = self.open(name)?.all(rows)?;
        self.close(name, rows)
    }
}
