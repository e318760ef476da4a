//! What is in a store, and how good its sources are.

use std::collections::BTreeMap;
use std::path::Path;

use dome_core::Timestamp;
use dome_replay::Result;
use dome_replay::Watch;
use schemars::JsonSchema;
use serde::Serialize;

use crate::derived::{DerivedStore, is_latest};
use crate::log::Checkpoint;
use crate::writer::StoreLimits;

/// A source; its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "StoreSource")]
pub struct SourceStatus {
    /// Bad lines, conflicts among them, in a million that are not blank.
    pub bad_ppm: u64,
    /// Blank lines.
    pub blank: u64,
    /// Lines.
    pub lines: u64,
    /// Its name in lineage.
    pub name: String,
    /// Bytes that were read of it, as decompressed.
    pub offset: u64,
    /// Whether more is known to stand in it: then it holds the watermark back.
    pub open: bool,
    /// Lines of it in the quarantine.
    pub rejected: u64,
    /// Whether its last line had no end.
    pub unfinished: bool,
}

/// The state of a store; its members in canonical order. `F` is what is told of a failure that keeps coming back.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "StoreStatus")]
pub struct Status<F> {
    /// Entries of the log that the index does not hold yet: none, since a question derives them.
    pub behind: u64,
    /// Bytes of the log.
    pub bytes: u64,
    /// Capsules.
    pub capsules: u64,
    /// Envelopes that a fact rules out.
    pub conflicts: u64,
    /// Places of the log that cannot be read.
    pub damaged: u64,
    /// Envelopes that repeat a fact.
    pub duplicates: u64,
    /// Entries of the log.
    pub entries: u64,
    /// Facts.
    pub facts: u64,
    /// `"1"`
    pub format_version: &'static str,
    /// Files that wait in the inbox for whoever may write.
    pub inbox: usize,
    /// What keeps failing, what resolved it, and whether that is known to hold: the worst five.
    pub keeps_failing: Vec<F>,
    /// Lines that are no facts.
    pub quarantined: u64,
    /// Runs.
    pub runs: u64,
    /// Segments of the log.
    pub segments: usize,
    /// Its sources, by name.
    pub sources: Vec<SourceStatus>,
    /// The store.
    pub store: String,
    /// The instant up to which the derived state is complete, as far as the sources were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Timestamp>,
}

/// Tells what is in a store. What waits in its inbox is taken in first, if nobody else writes to it. `keeps_failing`
/// chooses what is told of failures.
///
/// A store is damaged if [`Status::damaged`] is more than 0.
///
/// # Errors
///
/// When no store stands there, or it cannot be read.
pub fn status<F>(
    store: &Path,
    limits: StoreLimits,
    keeps_failing: impl FnOnce(&DerivedStore) -> Result<Vec<F>>,
    watch: &dyn Watch,
) -> Result<Status<F>> {
    let derived = DerivedStore::open(store, limits, watch)?;
    let mut rejected: BTreeMap<String, u64> = BTreeMap::new();
    let quarantined = derived.index.quarantine(None)?;
    for found in &quarantined {
        *rejected.entry(found.source.name.to_string()).or_default() += 1;
    }
    let sources = &derived.sources;
    let told = sources.values().map(|source| {
        let open = source.is_open() && is_latest(sources, &source.name);
        SourceStatus::of(source, rejected.get(&source.name).copied().unwrap_or(0), open)
    });
    let log = &derived.log;
    let damaged = log.short()?.len() + usize::from(log.foreign()?.is_some());
    let tallies = derived.index.tallies()?;
    Ok(Status {
        behind: 0,
        bytes: log.manifest().bytes(),
        capsules: tallies.capsules,
        conflicts: tallies.conflicts,
        damaged: damaged as u64,
        duplicates: tallies.runs.duplicates,
        entries: log.end() - 1,
        facts: tallies.facts,
        format_version: "1",
        inbox: derived.waiting,
        quarantined: quarantined.len() as u64,
        runs: tallies.runs.runs,
        segments: log.manifest().segments.len(),
        sources: told.collect(),
        store: store.display().to_string(),
        watermark: derived.watermark()?,
        keeps_failing: keeps_failing(&derived)?,
    })
}

impl SourceStatus {
    fn of(checkpoint: &Checkpoint, rejected: u64, open: bool) -> Self {
        let content = checkpoint.lines.saturating_sub(checkpoint.blank);
        Self {
            bad_ppm: (rejected * 1_000_000).checked_div(content).unwrap_or(0),
            blank: checkpoint.blank,
            lines: checkpoint.lines,
            name: checkpoint.name.clone(),
            offset: checkpoint.offset,
            open,
            rejected,
            unfinished: checkpoint.unfinished.is_some(),
        }
    }
}
