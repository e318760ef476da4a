//! The artifacts of a replay: one directory, whole or not at all (M-120).

mod directory;
mod early;
mod manifest;
mod told;
mod writer;

pub(crate) use directory::check_destination;
pub(crate) use manifest::{Beside, Manifest, manifest_digest};
pub(crate) use told::{Rejected, Told, Totals, Verdicts};
use writer::Rows;
pub(crate) use writer::{FileEntry, Folder};

use std::path::Path;

use dome_binder::{Fact, Lineage, Replay as Result, Rules, append_fact, append_row, touch, views};
use dome_core::QuarantineRow;
use serde::Serialize;

use crate::artifacts::directory::Destination;
use crate::replay::{Kept, LineCounts, RunViews};
use crate::settings::Replay;
use dome_replay::Redacted;
use dome_replay::parallel;

/// The files of a result, but for its manifest.
pub(crate) const FACTS: &str = "facts.jsonl";
pub(crate) const LINEAGE: &str = "lineage.jsonl";
pub(crate) const CAPSULES: &str = "capsules.jsonl";
pub(crate) const CONCEPTS: &str = "concepts.jsonl";
pub(crate) const QUARANTINE: &str = "quarantine.jsonl";
pub(crate) const RECENT_FAILURES: &str = "views/mv_recent_failures_by_taskspec.jsonl";
pub(crate) const GATE_ROLLUP: &str = "views/mv_gate_rollup_by_failure_reason_code.jsonl";
pub(crate) const GUARD_DENIALS: &str = "views/mv_guard_denials_by_policy_reason_code.jsonl";

/// Rows that are rendered at once, on one thread. Tests cut everywhere, so that small histories meet every cut.
const BATCH: usize = if cfg!(test) { 2 } else { 64 };
/// What a row takes, about.
const ROW_BYTES: usize = 1_536;

/// All that a result is written from.
pub(crate) struct Artifacts<'r, 'd> {
    pub(crate) args: &'r Replay,
    pub(crate) rules: &'r Rules,
    pub(crate) result: &'d Result,
    /// What was gathered run by run.
    pub(crate) views: &'d RunViews,
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
pub(crate) fn write<'r>(artifacts: &Artifacts<'r, '_>) -> anyhow::Result<(Told<'r>, Written)> {
    let mut draft = Draft::beside(&artifacts.args.out)?;
    let folder = &draft.folder;
    let (facts, lineage, failing) = artifacts.facts(folder.open(FACTS)?, folder.open(LINEAGE)?)?;
    // Everything is summed up while the other files are made.
    let (told, others) =
        parallel::both(artifacts.args.threads, || artifacts.told(), || artifacts.others(failing, folder));
    let mut files = others?;
    files.extend([(FACTS, facts), (LINEAGE, lineage)]);
    // The disk is waited for.
    let ((), closed) =
        parallel::both(artifacts.args.threads, || artifacts.kept.let_go(), || draft.folder.close_all(files));
    closed?;
    let written = draft.finish(&told)?;
    Ok((told, written))
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

    /// All files but those of facts and of their lineage.
    fn others(&self, failing: Vec<&Fact>, folder: &Folder) -> anyhow::Result<Vec<(&'static str, Rows)>> {
        let (threads, failing) = (self.args.threads, views::latest_first(&failing));
        let recent = folder.open(RECENT_FAILURES)?.on_threads(threads, &failing, |facts, bytes| {
            touch(facts.iter().map(|fact| &*fact.record));
            facts.iter().for_each(|fact| append_row(&views::RecentFailure::of(fact), bytes));
        })?;
        let capsules = &self.result.derived.capsules;
        let capsules = folder.open(CAPSULES)?.on_threads(threads, capsules, |capsules, bytes| {
            capsules.iter().for_each(|capsule| append_row(capsule, bytes));
        })?;
        let small = parallel::map(threads, Self::SMALL.into_iter(), |(name, write)| {
            Ok((name, write(self, folder.open(name)?)?))
        });
        let mut files = small.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        files.extend([(RECENT_FAILURES, recent), (CAPSULES, capsules)]);
        Ok(files)
    }

    /// The files that are each written on one thread, those that take longest first.
    const SMALL: [(&'static str, Write); 4] = [
        (GATE_ROLLUP, |all, rows| rows.all(all.views.gates.rows())),
        (GUARD_DENIALS, |all, rows| rows.all(all.views.denials.rows())),
        (QUARANTINE, |all, rows| rows.all(all.quarantine)),
        (CONCEPTS, |all, rows| rows.all(&all.result.derived.concepts)),
    ];

    fn ledger(&self) -> &[Fact] {
        &self.result.ledger.facts
    }

    /// Renders the rows of facts and of their lineage on all threads, and hashes and writes them in order
    /// while others are rendered: each fact is looked at once. Gives the failing ones too.
    fn facts(&self, mut facts: Rows, mut lineage: Rows) -> anyhow::Result<(Rows, Rows, Vec<&Fact>)> {
        let rendered = |start: usize| -> anyhow::Result<Batch<'_>> {
            let range = start..(start + BATCH).min(self.ledger().len());
            let (own, bound) = (self.ledger().get(range.clone()), self.result.bound.get(range));
            let mut batch = Batch { facts: Vec::with_capacity(BATCH * ROW_BYTES), ..Batch::default() };
            let (own, mut read) = (own.unwrap_or_default(), Vec::new());
            touch(own.iter().map(|fact| &*fact.record));
            for (fact, bound) in own.iter().zip(bound.unwrap_or_default()) {
                append_fact(fact, self.kept.canonical(fact, &mut read)?, bound, self.rules, &mut batch.facts);
                append_row(&Lineage::of(fact), &mut batch.lineage);
            }
            batch.failing = own.iter().filter(|fact| fact.is_failing()).collect();
            Ok(batch)
        };
        let starts = (0..self.ledger().len()).step_by(BATCH);
        let mut failing = Vec::new();
        let Rows { file, sums } = &mut facts;
        parallel::in_stages(
            self.args.threads,
            starts,
            rendered,
            [
                &mut |batch| {
                    failing.append(&mut batch.failing);
                    lineage.push(&batch.lineage)
                },
                &mut |batch| {
                    sums.add(&batch.facts);
                    Ok(())
                },
                &mut |batch| file.write(&batch.facts),
            ],
        )?;
        facts.flush()?;
        lineage.flush()?;
        Ok((facts, lineage, failing))
    }
}

/// Facts that were rendered together.
#[derive(Default)]
struct Batch<'d> {
    /// Their rows.
    facts: Vec<u8>,
    /// The rows of their lineage.
    lineage: Vec<u8>,
    /// Those of them that are failing.
    failing: Vec<&'d Fact>,
}

impl Rows {
    /// Renders rows on all threads, and hashes and writes them in order while others are rendered.
    fn on_threads<T: Sync>(
        mut self,
        threads: usize,
        rows: &[T],
        append: impl Fn(&[T], &mut Vec<u8>) + Sync,
    ) -> anyhow::Result<Self> {
        let rendered = |rows: &[T]| {
            let mut bytes = Vec::with_capacity(BATCH * ROW_BYTES);
            append(rows, &mut bytes);
            Ok(bytes)
        };
        let Self { file, sums } = &mut self;
        let mut sum = |bytes: &mut Vec<u8>| {
            sums.add(bytes);
            Ok(())
        };
        parallel::in_stages(threads, rows.chunks(BATCH), rendered, [&mut sum, &mut |bytes| file.write(bytes)])?;
        Ok(self)
    }

    fn all<T: Serialize>(mut self, rows: impl IntoIterator<Item = T>) -> anyhow::Result<Self> {
        let (mut rows, mut bytes) = (rows.into_iter().peekable(), Vec::new());
        while rows.peek().is_some() {
            bytes.clear();
            rows.by_ref().take(BATCH).for_each(|row| append_row(&row, &mut bytes));
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
