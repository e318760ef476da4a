//! Everything that was ingested, read again from the log: what a replay would have read.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use dome_binder::{Conflict, Record, Recorder};
use dome_core::{ProblemCode, QuarantineRow, RawLine, Reader, Rejection, Source};

use crate::lookup::RowPlace;

use super::log::{Admitted, Checkpoint, Damage, Entry, Found, Log, Place, Segments, Session};

/// A line of the log that is no envelope.
struct Turned {
    row: QuarantineRow,
    /// The whole line, where it was kept.
    whole: Option<Vec<u8>>,
}

/// What the log holds.
#[derive(Default)]
pub(crate) struct History {
    /// The envelopes, by the position of their entry.
    records: BTreeMap<u64, Box<Record>>,
    turned: BTreeMap<u64, Turned>,
    /// Where each envelope's entry stands, for the bytes of those that conflict.
    places: BTreeMap<Source, (u64, Place)>,
    /// The last checkpoint of each source.
    pub(crate) sources: BTreeMap<String, Checkpoint>,
    /// Masks put over secrets, by rule.
    pub(crate) redactions: BTreeMap<String, u64>,
    /// The terms of the last session.
    pub(crate) session: Option<Session>,
    /// What cannot be read.
    pub(crate) damage: Vec<Damage>,
    /// Entries of the log.
    pub(crate) entries: u64,
}

impl History {
    /// Reads the whole log.
    ///
    /// # Errors
    ///
    /// When a segment cannot be opened. What is damaged inside one is listed, and the rest is read.
    pub(crate) fn read(log: &Log) -> anyhow::Result<Self> {
        let mut history = Self::default();
        let (mut reader, mut recorder) = (Reader::new(), Recorder::default());
        let (mut retried, mut withdrawn) = (BTreeSet::new(), BTreeSet::new());
        for found in log.scan(1) {
            let (position, place, entry) = match found? {
                Found::Entry { position, place, entry } => (position, place, entry),
                Found::Damage(damage) => {
                    history.damage.push(damage);
                    continue;
                }
            };
            history.entries += 1;
            match entry {
                Entry::Line(line) => history.line(position, place, line, &mut reader, &mut recorder),
                Entry::Rejected(rejected) => {
                    let whole = rejected.bytes();
                    history.turned.insert(position, Turned { row: rejected.row, whole });
                    history.place(position, place);
                }
                Entry::Source(checkpoint) => history.source(checkpoint),
                Entry::Session(session) => history.session = Some(session),
                Entry::Retried { of } => drop(retried.insert(of)),
                Entry::Withdrawn { of } => drop(withdrawn.insert(of)),
            }
        }
        for of in withdrawn {
            history.records.remove(&of);
            history.turned.remove(&of);
        }
        for of in retried {
            history.retry(of, &mut reader, &mut recorder);
        }
        history.judge_late_lines();
        history.count_unfinished();
        Ok(history)
    }

    fn place(&mut self, position: u64, place: Place) {
        if let Some(turned) = self.turned.get(&position) {
            self.places.insert(turned.row.source.clone(), (position, place));
        }
    }

    fn line(&mut self, position: u64, place: Place, line: Admitted, reader: &mut Reader, recorder: &mut Recorder) {
        self.places.insert(line.source.clone(), (position, place));
        match reader.read(line.raw.as_bytes()) {
            Ok(envelope) => {
                self.records.insert(position, Box::new(recorder.record(envelope, line.source)));
            }
            Err(rejection) => {
                let whole = line.raw.into_bytes();
                let row = RawLine::of(&whole).row(line.offset, line.source, rejection);
                self.turned.insert(position, Turned { row, whole: Some(whole) });
            }
        }
    }

    fn source(&mut self, checkpoint: Checkpoint) {
        for (rule, count) in &checkpoint.redactions {
            *self.redactions.entry(rule.clone()).or_default() += count;
        }
        self.sources.insert(checkpoint.name.clone(), checkpoint);
    }

    /// A rejected line that was read again, and is an envelope.
    fn retry(&mut self, of: u64, reader: &mut Reader, recorder: &mut Recorder) {
        let Some(turned) = self.turned.remove(&of) else { return };
        match turned.whole.as_deref().map(|whole| reader.read(whole)) {
            Some(Ok(envelope)) => {
                let source = turned.row.source;
                self.records.insert(of, Box::new(recorder.record(envelope, source)));
            }
            _ => drop(self.turned.insert(of, turned)),
        }
    }

    /// What is wrong with a line that was too far ahead of the clock depends on the clock: here by the
    /// terms of the last session, as a replay sees it.
    fn judge_late_lines(&mut self) {
        let mut reader = Reader::new().not_after(self.session.as_ref().and_then(|session| session.not_after));
        let late = |turned: &&mut Turned| {
            turned.row.problems.iter().any(|problem| problem.code == ProblemCode::TimestampFuture)
        };
        for turned in self.turned.values_mut().filter(late) {
            let Some(whole) = &turned.whole else { continue };
            if let Err(rejection) = reader.read(whole) {
                turned.row = RawLine::of(whole).row(turned.row.offset, turned.row.source.clone(), rejection);
            }
        }
    }

    /// The masks of lines that have no end yet.
    fn count_unfinished(&mut self) {
        for unfinished in self.sources.values().filter_map(|source| source.unfinished.as_ref()) {
            for (rule, count) in &unfinished.redactions {
                *self.redactions.entry(rule.clone()).or_default() += count;
            }
        }
    }

    /// Lines and blank lines of all sources. Where entries are damaged, those lines that are left
    /// (L-3). It is asked for before the records are taken.
    pub(crate) fn lines(&self) -> (u64, u64) {
        let sum = |count: fn(&Checkpoint) -> u64| self.sources.values().map(count).sum::<u64>();
        let (lines, blank) = (sum(|source| source.lines), sum(|source| source.blank));
        let left = blank + (self.records.len() + self.turned.len()) as u64;
        (if self.damage.is_empty() { lines } else { left }, blank)
    }

    /// Where the entry of each source's line stands.
    pub(crate) fn places(self) -> BTreeMap<Source, RowPlace> {
        let row = |(source, (position, place)): (Source, (u64, Place))| {
            let Place { segment, start, length } = place;
            (source, RowPlace { segment, start, length, position })
        };
        self.places.into_iter().map(row).collect()
    }

    /// The records, for deriving from.
    #[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer moves, not the record")]
    pub(crate) fn take_records(&mut self) -> Vec<Box<Record>> {
        std::mem::take(&mut self.records).into_values().collect()
    }

    /// The rows of the quarantine, with those that settling ruled out; by source name, then line.
    ///
    /// # Errors
    ///
    /// When the bytes of a line cannot be read again.
    pub(crate) fn quarantine(
        &self,
        conflicts: &[Conflict],
        segments: &mut Segments,
    ) -> anyhow::Result<Vec<QuarantineRow>> {
        let mut rows: Vec<QuarantineRow> = self.turned.values().map(|turned| turned.row.clone()).collect();
        for conflict in conflicts {
            let place = self.places.get(&conflict.source);
            let (position, place) = *place.context("a conflict has its place in the log")?;
            let (offset, bytes) = match segments.read(place, position)? {
                Some(Entry::Line(line)) => (line.offset, line.raw.into_bytes()),
                Some(Entry::Rejected(rejected)) => {
                    (rejected.row.offset, rejected.bytes().context("a line that was retried is whole")?)
                }
                _ => anyhow::bail!("the log changed while it was being read"),
            };
            let rejection = Rejection::from(conflict.problem.clone());
            rows.push(RawLine::of(&bytes).row(offset, conflict.source.clone(), rejection));
        }
        let key = |row: &QuarantineRow| (row.source.name.clone(), row.source.line, row.offset);
        rows.sort_by_cached_key(key);
        Ok(rows)
    }
}
