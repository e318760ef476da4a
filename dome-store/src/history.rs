//! Everything that was ingested, read again from the log: what a replay would have read.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::{Conflict, Record, Recorder};
use dome_core::redact::RedactionCounts;
use dome_core::{ProblemCode, QuarantineRow, RawLine, Reader, Rejection, Source};
use dome_replay::{Masking, Redacted};

use crate::log::{Admitted, Checkpoint, Damage, Entry, Found, Log, Place, Segments, Session};
use dome_replay::error::{Error, Invariant, Result};

/// A line of the log that is no envelope.
struct Turned {
    row: QuarantineRow,
    /// The whole line, where it was kept.
    whole: Option<Vec<u8>>,
}

/// A line in the quarantine, and where its entry stands.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// The position of its entry.
    pub position: u64,
    /// Its row (M-31).
    pub row: QuarantineRow,
    /// Whether settling ruled it out (M-41): then it is an envelope, and reading it again changes nothing.
    pub is_conflict: bool,
    /// The whole line, where it was kept.
    pub whole: Option<Vec<u8>>,
}

/// What the log holds.
#[derive(Default)]
pub struct History {
    /// The envelopes, by the position of their entry.
    records: BTreeMap<u64, Box<Record>>,
    turned: BTreeMap<u64, Turned>,
    /// Where each envelope's entry stands, for the bytes of those that conflict.
    places: BTreeMap<Source, (u64, Place)>,
    /// The last checkpoint of each source.
    pub(crate) sources: BTreeMap<String, Checkpoint>,
    /// Masks put over secrets, by rule.
    redactions: BTreeMap<String, u64>,
    pub(crate) session: Option<Session>,
    pub(crate) damage: Vec<Damage>,
    pub(crate) entries: u64,
}

impl History {
    /// Reads the whole log.
    ///
    /// # Errors
    ///
    /// When a segment cannot be opened. What is damaged inside one is listed, and the rest is read.
    pub fn read(log: &Log) -> Result<Self> {
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
                    history.places.insert(rejected.row.source.clone(), (position, place));
                    history.turned.insert(position, Turned { row: rejected.row, whole });
                }
                Entry::Source(checkpoint) => history.source(checkpoint),
                Entry::Session(session) => history.session = Some(session),
                Entry::Retried { of } => drop(retried.insert(of)),
                Entry::Withdrawn { of } => drop(withdrawn.insert(of)),
                Entry::State(_) => {}
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
    /// terms of the last session, as a replay sees it (M-32).
    fn judge_late_lines(&mut self) {
        let mut reader = Reader::new().not_after(self.not_after());
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

    /// The instant that records may not pass, as the last session recorded it (M-32).
    #[must_use]
    pub fn not_after(&self) -> Option<dome_core::Timestamp> {
        self.session.as_ref().and_then(|session| session.not_after)
    }

    /// What cannot be read of the log.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// What masking says of it, for a manifest.
    ///
    /// # Errors
    ///
    /// When the recorded rules are not what this version of dome reads.
    pub fn redacted(&self) -> Result<Option<Redacted>> {
        let masking = Masking::recorded(self.session.as_ref().and_then(|session| session.redaction.as_ref()))?;
        let counts: RedactionCounts = self.redactions.clone().into_iter().collect();
        Ok(masking.redacted(counts))
    }

    /// Lines and blank lines of all sources. Where entries are damaged, those lines that are left
    /// (L-3). It is asked for before the records are taken.
    #[must_use]
    pub fn lines(&self) -> (u64, u64) {
        let sum = |count: fn(&Checkpoint) -> u64| self.sources.values().map(count).sum::<u64>();
        let (lines, blank) = (sum(|source| source.lines), sum(|source| source.blank));
        let left = blank + (self.records.len() + self.turned.len()) as u64;
        (if self.damage.is_empty() { lines } else { left }, blank)
    }

    /// The records, for deriving from.
    #[must_use]
    pub fn take_records(&mut self) -> Vec<Box<Record>> {
        std::mem::take(&mut self.records).into_values().collect()
    }

    /// Everything in the quarantine, with what settling ruled out; by source name, then line (M-31).
    ///
    /// # Errors
    ///
    /// When the bytes of a line cannot be read again.
    pub fn quarantined(&self, conflicts: &[Conflict], segments: &mut Segments) -> Result<Vec<Quarantined>> {
        let turned = |(position, turned): (&u64, &Turned)| Quarantined {
            position: *position,
            row: turned.row.clone(),
            is_conflict: false,
            whole: turned.whole.clone(),
        };
        let mut rows: Vec<Quarantined> = self.turned.iter().map(turned).collect();
        for conflict in conflicts {
            let place = self.places.get(&conflict.source);
            let (position, place) = *place.invariant("a conflict has its place in the log")?;
            let (offset, bytes) = match segments.read(place, position)? {
                Some(Entry::Line(line)) => (line.offset, line.raw.into_bytes()),
                Some(Entry::Rejected(rejected)) => {
                    (rejected.row.offset, rejected.bytes().invariant("a line that was retried is whole")?)
                }
                _ => return Err(Error::failed("the log changed while it was read")),
            };
            let rejection = Rejection::from(conflict.problem.clone());
            let row = RawLine::of(&bytes).row(offset, conflict.source.clone(), rejection);
            rows.push(Quarantined { position, row, is_conflict: true, whole: Some(bytes) });
        }
        rows.sort_by_cached_key(|found| (found.row.source.name.clone(), found.row.source.line, found.row.offset));
        Ok(rows)
    }
}
