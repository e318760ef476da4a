//! The index of a store: entries of its log in, and lines of it read again.

use dome_binder::Recorder;
use dome_core::{QuarantineRow, Sha256Hash, Timestamp};
use serde::{Deserialize, Serialize};

use super::batch::{Arrival, Batch, EntryBytes, RawEntry, RejectedLine, RowOrigin, SourceMark, Standing};
use super::error::{Fits, IndexError, Result};
use super::sealed::json;
use super::{Basis, Index};
use crate::log::{AdmittedEntry, Damage, Entry, Log, LogItem, Segments};
use crate::settings::StoreSettings;
use dome_replay::error::{Error, Invariant};
use dome_replay::{Admitted, Door};

pub(crate) const INDEX_NAME: &str = "index.sqlite";
/// Entries that are held in memory at the most where nothing else is asked for.
pub(crate) const ENTRIES: usize = 1 << 20;

/// The end of what an index holds: the last entry, where it stands, and its hash.
#[derive(Serialize, Deserialize)]
struct LastEntry(u64, EntryBytes, Sha256Hash);

impl Basis {
    /// What the index of a store is of: the store as made last, and its rules. Entries are only ever added to that.
    pub(crate) fn of_log(log: &Log, seal: Sha256Hash) -> crate::Result<Self> {
        let manifest = log.manifest();
        let identity = format!("store {} {}", manifest.store, manifest.generation);
        Ok(Self { identity, rules: StoreSettings::rules(&manifest.settings)?, as_of: None, seal })
    }
}

/// Lines of a log, read again where entries say that they stand.
pub struct LogLines {
    segments: Segments,
    not_after: Option<Timestamp>,
}

impl LogLines {
    pub(crate) fn of(log: &Log) -> crate::Result<Self> {
        let mut segments = log.segments();
        let state = log.manifest().state.map(|at| segments.read(at.place(), at.position)).transpose()?.flatten();
        let mut not_after = None;
        if let (Some(Entry::State(state)), Some(at)) = (state, log.manifest().state) {
            not_after = state.session.and_then(|session| session.not_after);
            // Terms may have changed since.
            for found in log.scan_at(at)? {
                if let LogItem::Entry { entry: Entry::Session(session), .. } = found? {
                    not_after = session.not_after;
                }
            }
        }
        Ok(Self { segments, not_after })
    }

    /// The instant that records may not pass, as the last session recorded it (M-32).
    #[must_use]
    pub(crate) const fn not_after(&self) -> Option<Timestamp> {
        self.not_after
    }

    fn entry(&mut self, position: u64, bytes: EntryBytes) -> crate::Result<Entry> {
        let entry = self.segments.read(bytes, position)?;
        entry.ok_or_else(|| Error::invalid(format!("entry {position} of the log is damaged")))
    }
}

impl RowOrigin for LogLines {
    fn line(&mut self, position: u64, bytes: EntryBytes) -> crate::Result<RawEntry> {
        match self.entry(position, bytes)? {
            Entry::Line(line) => Ok(RawEntry { offset: line.offset, bytes: line.raw.into_bytes() }),
            Entry::Rejected(rejected) => {
                let bytes = rejected.bytes().invariant("a line that was read again was kept whole")?;
                Ok(RawEntry { offset: rejected.row.offset, bytes })
            }
            _ => Err(Error::invalid(format!("entry {position} of the log is no line"))),
        }
    }

    fn turned(&mut self, position: u64, bytes: EntryBytes) -> crate::Result<QuarantineRow> {
        match self.entry(position, bytes)? {
            Entry::Rejected(rejected) => Ok(rejected.row_by(&mut Door::for_masked(self.not_after))),
            // An envelope of another version, which this one does not read.
            Entry::Line(line) => match Door::for_masked(None).admit(&line.line(), &line.source.name) {
                Admitted::Quarantined(row, _) => Ok(*row),
                _ => Err(Error::broken("a line that is turned away is no envelope")),
            },
            _ => Err(Error::invalid(format!("entry {position} of the log is no line"))),
        }
    }
}

impl Index {
    /// Whether the index stands where the log has been: then what the log has beyond is all that it lacks.
    pub(crate) fn is_behind(&self, log: &Log) -> Result<bool> {
        let standing = self.standing()?;
        if standing.next > log.end() {
            return Ok(false);
        }
        if standing.mark.is_empty() {
            return Ok(true);
        }
        let LastEntry(position, bytes, hash) = json(standing.mark.as_bytes())?;
        let found = log.segments().read(bytes, position)?;
        Ok(found.map(|entry| digest(&entry)).transpose()? == Some(hash))
    }

    /// Takes in what the log has and the index has not, `most` entries at a time ([`ENTRIES`]): fewer take longer, as
    /// runs and task lines in several pieces are derived again with each. Unreadable places are handed out, and skipped.
    pub(crate) fn catch_up(&mut self, log: &Log, most: usize, damaged: &mut dyn FnMut(&Damage)) -> Result<()> {
        loop {
            match self.take_in(log, most, damaged) {
                // Someone else has taken some of it in: the rest is read again from there.
                Err(IndexError::Moved) => {}
                ended => return ended,
            }
        }
    }

    fn take_in(&mut self, log: &Log, most: usize, damaged: &mut dyn FnMut(&Damage)) -> Result<()> {
        self.is_behind(log)?.then_some(()).fits("it is not of the log as it is")?;
        let from = self.standing()?;
        let mut reading = LogReading {
            lines: LogLines::of(log)?,
            from: from.clone(),
            door: Door::for_masked(None),
            recorder: Recorder::default(),
            batch: Batch::default(),
            last: None,
            entries: 0,
        };
        for found in log.scan(from.next) {
            match found? {
                LogItem::Entry { position, place, entry } => reading.entry(self, position, place, entry)?,
                LogItem::Damage(damage) => damaged(&damage),
            }
            if let Some((position, _)) = reading.last.filter(|_| reading.entries >= most) {
                reading.derive(self, position + 1)?;
            }
        }
        if reading.from.next < log.end() {
            reading.derive(self, log.end())?;
        }
        Ok(())
    }
}

fn digest(entry: &Entry) -> Result<Sha256Hash> {
    Ok(Sha256Hash::of(&serde_json::to_vec(entry)?))
}

struct LogReading {
    lines: LogLines,
    from: Standing,
    door: Door<'static>,
    recorder: Recorder,
    batch: Batch,
    last: Option<(u64, EntryBytes)>,
    entries: usize,
}

impl LogReading {
    fn entry(&mut self, index: &Index, position: u64, bytes: EntryBytes, entry: Entry) -> Result<()> {
        self.entries += 1;
        self.last = Some((position, bytes));
        match entry {
            Entry::Line(line) => self.line(position, bytes, line),
            Entry::Rejected(rejected) => {
                let (source, sha256) = (rejected.row.source, rejected.row.sha256);
                self.batch.turned.push(RejectedLine { position, bytes, source, sha256, conflict: None });
            }
            Entry::Source(checkpoint) => {
                let text = serde_json::to_string(&checkpoint)?;
                self.batch.marks.push(SourceMark { name: checkpoint.name, blank: checkpoint.blank, text });
            }
            Entry::Retried { of } => self.retried(index, of)?,
            Entry::Withdrawn { of } => self.batch.withdrawn.push(of),
            Entry::Session(_) | Entry::State(_) => {}
        }
        Ok(())
    }

    fn line(&mut self, position: u64, bytes: EntryBytes, line: AdmittedEntry) {
        match self.door.admit(&line.line(), &line.source.name) {
            Admitted::Blank => {}
            Admitted::Envelope(envelope, _) => {
                let record = Box::new(self.recorder.record(*envelope, line.source));
                self.batch.arrivals.push(Arrival { position, bytes, record });
            }
            Admitted::Quarantined(row, _) => {
                let (source, sha256) = (line.source, row.sha256);
                self.batch.turned.push(RejectedLine { position, bytes, source, sha256, conflict: None });
            }
        }
    }

    /// A rejected line that was read again, and is an envelope.
    fn retried(&mut self, index: &Index, of: u64) -> Result<()> {
        let bytes = match self.batch.turned.binary_search_by_key(&of, |line| line.position) {
            Ok(place) => self.batch.turned.get(place).map(|line| line.bytes),
            Err(_) => {
                let mut kept = index.rejected("key = ?1", [of])?.into_iter();
                kept.find(|line| line.conflict.is_none()).map(|line| line.bytes)
            }
        };
        let Some(bytes) = bytes else { return Ok(()) };
        let Entry::Rejected(rejected) = self.lines.entry(of, bytes)? else { return Ok(()) };
        if let Some(envelope) = rejected.envelope(&mut self.door) {
            let record = Box::new(self.recorder.record(envelope, rejected.row.source.clone()));
            self.batch.arrivals.push(Arrival { position: of, bytes, record });
            self.batch.retried.push(of);
        }
        Ok(())
    }

    fn derive(&mut self, index: &mut Index, next: u64) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        self.entries = 0;
        let mark = match self.last {
            Some((position, bytes)) => {
                let hash = digest(&self.lines.entry(position, bytes)?)?;
                serde_json::to_string(&LastEntry(position, bytes, hash))?
            }
            None => String::new(),
        };
        let to = Standing { next, mark };
        index.derive(batch, &self.from, &to, &mut self.lines)?;
        self.from = to;
        Ok(())
    }
}
