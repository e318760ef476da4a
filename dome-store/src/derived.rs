//! What a store comes to, as its documents tell it.
//!
//! It is what one replay of the log gives (L-1 to L-4). Here it is read from the log and held in memory; the index has
//! the same rows without reading the log.

use std::collections::BTreeMap;

use dome_binder::{Replay, Rules, replay};
use dome_core::Timestamp;

use crate::error::Result;
use crate::history::{History, Quarantined};
use crate::log::{Checkpoint, Log};
use crate::settings::StoreSettings;

/// Counts of what a store comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Entries that these counts are of.
    pub entries: u64,
    /// Facts.
    pub facts: u64,
    /// Envelopes that repeat a fact.
    pub duplicates: u64,
    /// Envelopes that a fact rules out (M-41).
    pub conflicts: u64,
    /// Capsules.
    pub capsules: u64,
    /// Runs.
    pub runs: u64,
    /// The instant up to which this is complete, as far as the sources were read.
    pub watermark: Option<Timestamp>,
}

/// Everything that a store comes to, at one moment.
pub struct Derived {
    /// What it is derived by.
    pub rules: Rules,
    /// Counts of it.
    pub totals: Totals,
    /// Facts, capsules and concepts.
    pub replay: Replay,
    /// Lines that are no facts, with the reasons; by source name, then line.
    pub quarantined: Vec<Quarantined>,
    /// What was read from the log, without the records.
    pub history: History,
    /// Lines and blank lines of all sources (L-3).
    pub lines: (u64, u64),
}

impl Derived {
    /// Reads a log and replays it.
    ///
    /// # Errors
    ///
    /// When the log cannot be read. What is damaged in it is listed in the history, and the rest is derived.
    pub fn read(log: &Log) -> Result<Self> {
        let rules = StoreSettings::rules(&log.manifest().settings)?;
        let mut history = History::read(log)?;
        let lines = history.lines();
        let replay = replay(history.take_records(), &rules, None);
        let quarantined = history.quarantined(&replay.ledger.conflicts, &mut log.segments())?;
        let totals = Totals {
            entries: history.entries,
            facts: replay.ledger.facts.len() as u64,
            duplicates: replay.ledger.counts.duplicates,
            conflicts: replay.ledger.conflicts.len() as u64,
            capsules: replay.derived.capsules.len() as u64,
            runs: replay.ledger.counts.runs,
            watermark: watermark(&history.sources, replay.ledger.last_ts()),
        };
        Ok(Self { rules, totals, replay, quarantined, history, lines })
    }
}

/// The instant up to which the derived state is complete: the last fact's, unless a source is known to
/// hold more; then the latest time that the least advanced of those has told.
///
/// A source stops to hold it back when its name goes to other content: nobody will read the rest of it.
#[must_use]
pub fn watermark(sources: &BTreeMap<String, Checkpoint>, last: Option<Timestamp>) -> Option<Timestamp> {
    let mut least = None;
    for checkpoint in sources.values().filter(|source| source.is_open() && is_latest(sources, &source.name)) {
        // Of a source that has told no time, nothing is known to be complete.
        let told = checkpoint.latest?;
        least = Some(least.map_or(told, |least: Timestamp| least.min(told)));
    }
    least.map_or(last, |least| last.map(|last| last.min(least)))
}

/// Whether no later content has the name.
pub(crate) fn is_latest(sources: &BTreeMap<String, Checkpoint>, name: &str) -> bool {
    let (base, number) = match name.rsplit_once('#') {
        Some((base, number)) => match number.parse::<u64>() {
            Ok(number) if sources.contains_key(base) => (base, number),
            _ => (name, 1),
        },
        None => (name, 1),
    };
    !sources.contains_key(&format!("{base}#{}", number + 1))
}
