//! The artifacts of a replay: one directory, whole or not at all (M-120).

mod directory;
mod manifest;
mod writer;

pub(crate) use directory::check_destination;
pub(crate) use manifest::{Beside, Manifest, manifest_digest};
pub(crate) use writer::FileEntry;

use std::ops::Range;

use dome_binder::{Lineage, Replay as Result, Rules, append_fact, append_row, views};
use dome_core::QuarantineRow;
use serde::Serialize;

use crate::artifacts::directory::Destination;
use crate::artifacts::writer::{Folder, Rows};
use crate::parallel;
use crate::redaction::Redacted;
use crate::replay::LineCounts;
use crate::settings::Replay;

/// Rows that are rendered at once, on one thread.
const BATCH: usize = 2_048;

/// All that a result is written from.
pub(crate) struct Artifacts<'r> {
    pub(crate) args: &'r Replay,
    pub(crate) rules: &'r Rules,
    pub(crate) result: &'r Result,
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
pub(crate) fn write(artifacts: &Artifacts<'_>) -> anyhow::Result<Written> {
    let destination = Destination::beside(&artifacts.args.out)?;
    let mut folder = Folder::new(destination.path())?;
    let (result, facts) = (artifacts.result, &artifacts.result.ledger.facts);
    artifacts.batched(&mut folder, "facts.jsonl", |range, bytes| {
        let bound = result.bound.get(range.clone()).unwrap_or_default();
        for (fact, bound) in facts.get(range).unwrap_or_default().iter().zip(bound) {
            append_fact(fact, bound, artifacts.rules, bytes);
        }
    })?;
    artifacts.batched(&mut folder, "lineage.jsonl", |range, bytes| {
        let facts = facts.get(range).unwrap_or_default();
        facts.iter().for_each(|fact| append_row(&Lineage::of(fact), bytes));
    })?;
    folder.rows("capsules.jsonl", &result.derived.capsules)?;
    folder.rows("concepts.jsonl", &result.derived.concepts)?;
    folder.rows("quarantine.jsonl", artifacts.quarantine)?;
    folder.rows("views/mv_recent_failures_by_taskspec.jsonl", &views::recent_failures(facts))?;
    folder.rows("views/mv_gate_rollup_by_failure_reason_code.jsonl", &views::gate_rollup(facts))?;
    folder.rows("views/mv_guard_denials_by_policy_reason_code.jsonl", &views::guard_denials(facts))?;
    let manifest = Manifest::of(artifacts, folder.files());
    folder.document("manifest.json", &manifest)?;
    folder.sync()?;
    let unchanged = destination.take_place(&artifacts.args.out, artifacts.args.force, &manifest)?;
    Ok(Written { manifest, unchanged })
}

impl Artifacts<'_> {
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
    fn rows<T: Serialize>(&mut self, name: &str, rows: &[T]) -> anyhow::Result<()> {
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
