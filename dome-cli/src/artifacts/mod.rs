//! The artifacts of a replay: one directory, whole or not at all (M-120).

mod directory;
mod manifest;
mod writer;

pub(crate) use directory::{Destination, check_destination};
pub(crate) use manifest::{Beside, Manifest, manifest_digest};
pub(crate) use writer::FileEntry;

use std::ops::Range;

use anyhow::Context;
use dome_binder::{Fact, Lineage, Replay as Result, Rules, append_fact, append_row, views};
use dome_core::QuarantineRow;
use serde::Serialize;

use crate::artifacts::writer::{Folder, Rows};
use crate::parallel;
use crate::redaction::Redacted;
use crate::replay::{Kept, LineCounts};
use crate::settings::Replay;

/// Rows that are rendered at once, on one thread.
const BATCH: usize = 512;
/// What a row takes, about.
const ROW_BYTES: usize = 1_536;

/// All that a result is written from.
pub(crate) struct Artifacts<'r> {
    pub(crate) args: &'r Replay,
    pub(crate) rules: &'r Rules,
    pub(crate) result: &'r Result,
    /// The canonical envelopes that records do not hold.
    pub(crate) kept: &'r Kept,
    pub(crate) quarantine: &'r [QuarantineRow],
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
pub(crate) fn write(artifacts: &Artifacts<'_>, destination: Destination) -> anyhow::Result<Written> {
    let mut folder = Folder::new(destination.path())?;
    artifacts.facts(&mut folder)?;
    artifacts.lineage(&mut folder)?;
    let files = parallel::map(artifacts.args.threads, Artifacts::FILES.into_iter(), |(name, write)| {
        Ok((name, write(artifacts, folder.open(name)?)?))
    });
    files.into_iter().try_for_each(|file: anyhow::Result<_>| file.and_then(|(name, rows)| folder.close(name, rows)))?;
    let manifest = Manifest::of(artifacts, folder.files());
    folder.document("manifest.json", &manifest)?;
    folder.sync()?;
    let unchanged = destination.take_place(&artifacts.args.out, artifacts.args.force, &manifest)?;
    Ok(Written { manifest, unchanged })
}

/// Writes the rows of one file.
type Write = fn(&Artifacts<'_>, Rows) -> anyhow::Result<Rows>;

impl Artifacts<'_> {
    /// The files that are each written on one thread, those that take longest first.
    const FILES: [(&'static str, Write); 6] = [
        ("views/mv_recent_failures_by_taskspec.jsonl", |all, rows| rows.all(&views::recent_failures(all.ledger()))),
        ("views/mv_gate_rollup_by_failure_reason_code.jsonl", |all, rows| rows.all(&views::gate_rollup(all.ledger()))),
        ("capsules.jsonl", |all, rows| rows.all(&all.result.derived.capsules)),
        ("quarantine.jsonl", |all, rows| rows.all(all.quarantine)),
        ("concepts.jsonl", |all, rows| rows.all(&all.result.derived.concepts)),
        ("views/mv_guard_denials_by_policy_reason_code.jsonl", |all, rows| {
            rows.all(&views::guard_denials(all.ledger()))
        }),
    ];

    fn ledger(&self) -> &[Fact] {
        &self.result.ledger.facts
    }

    fn facts(&self, folder: &mut Folder) -> anyhow::Result<()> {
        let bound = |range| self.result.bound.get(range).unwrap_or_default();
        self.batched(folder, "facts.jsonl", |range, facts, bytes| {
            let mut read = Vec::new();
            for (fact, bound) in facts.iter().zip(bound(range)) {
                let canonical = self.kept.canonical(fact, &mut read).context("cannot read envelopes back")?;
                append_fact(fact, canonical, bound, self.rules, bytes);
            }
            Ok(())
        })
    }

    fn lineage(&self, folder: &mut Folder) -> anyhow::Result<()> {
        self.batched(folder, "lineage.jsonl", |_, facts, bytes| {
            facts.iter().for_each(|fact| append_row(&Lineage::of(fact), bytes));
            Ok(())
        })
    }

    /// Renders rows of facts on all threads, and writes them in order while others are rendered.
    fn batched(
        &self,
        folder: &mut Folder,
        name: &str,
        render: impl Fn(Range<usize>, &[Fact], &mut Vec<u8>) -> anyhow::Result<()> + Sync,
    ) -> anyhow::Result<()> {
        let (mut rows, facts) = (folder.open(name)?, self.ledger());
        let starts = (0..facts.len()).step_by(BATCH);
        let rendered = |start: usize| {
            let range = start..(start + BATCH).min(facts.len());
            let mut bytes = Vec::with_capacity(BATCH * ROW_BYTES);
            let done = render(range.clone(), facts.get(range).unwrap_or_default(), &mut bytes);
            done.map(|()| bytes)
        };
        parallel::in_order(self.args.threads, starts, rendered, |bytes| rows.push(&bytes?))?;
        folder.close(name, rows)
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
