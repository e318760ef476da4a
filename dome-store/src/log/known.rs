//! What a writer knows of the entries before, kept while it writes and put into the log as a state.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::{ProblemCode, Timestamp};
use dome_replay::{Door, Result};

use super::Log;
use super::entry::{Checkpoint, Entry, Late, LogState, RejectedEntry, SessionTerms};
use super::manifest::{FORMAT_VERSION, StoreManifest};
use super::scan::{EntryBytes, LogItem};

/// What the entries of a log come to for whoever appends to it.
#[derive(Default)]
pub(crate) struct KnownLog {
    pub(crate) sources: BTreeMap<String, Checkpoint>,
    pub(crate) session: Option<SessionTerms>,
    /// Lines that a later instant admits, by position.
    late: BTreeMap<u64, Timestamp>,
    /// Bytes of the log since the last state, and bytes of that state.
    since: u64,
    size: u64,
    generation: u64,
}

impl KnownLog {
    /// Reads what a log says: from its last state on, or the whole log where that cannot be read.
    pub(crate) fn read(log: &Log) -> Result<Self> {
        if let Some(at) = log.manifest().state {
            let mut entries = log.scan_at(at)?.peekable();
            let is_there = matches!(
                entries.peek(),
                Some(Ok(LogItem::Entry { position, entry: Entry::State(_), .. })) if *position == at.position
            );
            if is_there {
                return Self::of(entries);
            }
        }
        Self::read_whole(log)
    }

    /// Reads the whole log: what [`KnownLog::read`] comes to as well.
    pub(crate) fn read_whole(log: &Log) -> Result<Self> {
        Self::of(log.scan(1))
    }

    fn of(entries: impl Iterator<Item = Result<LogItem>>) -> Result<Self> {
        let mut known = Self::default();
        for found in entries {
            if let LogItem::Entry { position, place, entry } = found? {
                known.take(position, place, &entry);
            }
        }
        Ok(known)
    }

    pub(crate) fn take(&mut self, position: u64, place: EntryBytes, entry: &Entry) {
        self.since += place.length + 1;
        match entry {
            Entry::State(state) => self.begin(state, place),
            Entry::Session(session) => self.session = Some(session.clone()),
            Entry::Source(checkpoint) => {
                let checkpoint = Checkpoint { redactions: BTreeMap::new(), ..checkpoint.clone() };
                self.sources.insert(checkpoint.name.clone(), checkpoint);
            }
            Entry::Rejected(rejected) => {
                if let Some(ts) = Self::late_ts(rejected) {
                    self.late.insert(position, ts);
                }
            }
            Entry::Retried { of } | Entry::Withdrawn { of } => drop(self.late.remove(of)),
            Entry::Line(_) => {}
        }
    }

    fn begin(&mut self, state: &LogState, place: EntryBytes) {
        self.sources = state.sources.iter().map(|source| (source.name.clone(), source.clone())).collect();
        self.session.clone_from(&state.session);
        self.late = state.late.iter().map(|late| (late.position, late.ts)).collect();
        (self.since, self.size, self.generation) = (0, place.length, state.generation);
    }

    /// The `ts` of a line that is rejected for nothing but that, and is kept whole.
    fn late_ts(rejected: &RejectedEntry) -> Option<Timestamp> {
        let problems = &rejected.row.problems;
        let late = !problems.is_empty() && problems.iter().all(|problem| problem.code == ProblemCode::TimestampFuture);
        // It is read whatever the time, to learn the time.
        let envelope = late.then(|| rejected.envelope(&mut Door::for_masked(None))).flatten()?;
        Some(envelope.ts)
    }

    /// Positions of lines that were too late and are not by this instant; `None` admits all.
    pub(crate) fn admitted_by(&self, not_after: Option<Timestamp>) -> Vec<u64> {
        let admitted = self.late.iter().filter(|(_, ts)| not_after.is_none_or(|not_after| **ts <= not_after));
        admitted.map(|(position, _)| *position).collect()
    }

    /// Forgets sources that never come again, because their names are given once.
    pub(crate) fn forget(&mut self, gone: &BTreeSet<String>) {
        self.sources.retain(|name, _| !gone.contains(name));
    }

    /// Whether a state is due: the log has grown by so many bytes since the last one, and by several times its size, so
    /// that states are a small part of the log however many sources there are.
    pub(crate) fn is_due(&self, generation: u64, bytes: u64) -> bool {
        self.generation != generation || self.since >= bytes.max(self.size.saturating_mul(4))
    }

    pub(crate) fn state(&self, manifest: &StoreManifest) -> LogState {
        LogState {
            format_version: FORMAT_VERSION.to_owned(),
            generation: manifest.generation,
            late: self.late.iter().map(|(position, ts)| Late { position: *position, ts: *ts }).collect(),
            session: self.session.clone(),
            settings: manifest.settings.clone(),
            sources: self.sources.values().cloned().collect(),
            store: manifest.store.clone(),
        }
    }
}
