//! The door: every line is masked, read, and kept with what it comes to, batch by batch.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dome_core::redact::RedactionCounts;
use dome_core::{Line, RawLine, Reader, Rejection, Sha256Hash, Source as Place, limits, line_too_long, lines};

use super::progress::{Progress, is_of};
use super::stop::Stop;
use super::summary::Acknowledged;
use crate::limits::Limits;
use crate::log::{Admitted, Entry, Raw, Rejected, Session, Unfinished};
use crate::terms;
use crate::writer::Writer;
use dome_replay::error::{Error, Result};
use dome_replay::input::{Chunk, LongLine};
use dome_replay::{Masking, Seen, Watch};

/// How often the instant that records may not pass moves on with the clock.
const CLOCK: Duration = Duration::from_secs(60);

/// What was taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines that were read.
    pub lines: u64,
    /// Those that are blank.
    pub blank: u64,
    /// Those that are no envelopes.
    pub rejected: u64,
    /// Batches that were kept.
    pub batches: u64,
}

/// Who hears of each batch that is kept.
pub(crate) type Listener<'l> = dyn FnMut(&Acknowledged) -> Result<()> + 'l;

/// Lines on their way into the store.
pub(crate) struct Intake<'w> {
    pub(crate) writer: &'w mut Writer,
    pub(crate) tally: Tally,
    pub(crate) limits: Limits,
    pub(crate) watch: &'w dyn Watch,
    terms: Session,
    /// When the terms last moved on with the clock; `None` when they do not.
    clock: Option<Instant>,
    /// Who hears of each batch that is kept.
    listener: Option<&'w mut Listener<'w>>,
    masking: Masking,
    reader: Reader,
    pending: Vec<Entry>,
    /// Lines and bytes that wait.
    held: usize,
    bytes: usize,
    since: Option<Instant>,
    /// Sources that lines of the batch are from, with the masks put over their secrets.
    touched: BTreeMap<String, (Progress, RedactionCounts)>,
}

impl<'w> Intake<'w> {
    pub(crate) fn new(
        writer: &'w mut Writer,
        terms: Session,
        masking: Masking,
        limits: Limits,
        watch: &'w dyn Watch,
    ) -> Self {
        let reader = Reader::new().not_after(terms.not_after);
        Self {
            writer,
            tally: Tally::default(),
            watch,
            terms,
            clock: None,
            listener: None,
            masking,
            limits,
            reader,
            pending: Vec::new(),
            held: 0,
            bytes: 0,
            since: None,
            touched: BTreeMap::new(),
        }
    }

    /// Takes in by the terms of the last session, but for the clock.
    pub(crate) fn as_before(writer: &'w mut Writer, limits: Limits, watch: &'w dyn Watch) -> Result<Self> {
        let masking = match writer.session() {
            Some(session) => Masking::recorded(session.redaction.as_ref())?,
            None => Masking::load(Some(std::path::Path::new(dome_replay::BUILT_IN)))?,
        };
        let terms = terms::session(&masking, None, writer.session())?;
        Ok(Self::new(writer, terms, masking, limits, watch))
    }

    /// Lets the terms move on with the clock.
    pub(crate) fn with_clock(mut self) -> Self {
        self.clock = Some(Instant::now());
        self
    }

    /// Tells of each batch that is kept.
    pub(crate) fn telling(mut self, listener: &'w mut Listener<'w>) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Admits lines that were too far ahead of the clock and are not by the terms of now: one replay by
    /// the last terms would admit them.
    pub(crate) fn readmit(&mut self) -> Result<()> {
        let late = self.writer.no_longer_late(&self.terms);
        if late.is_empty() {
            return Ok(());
        }
        self.watch.note(&format!("{} lines that were too far ahead of the clock are admitted now", late.len()));
        self.pending.extend(late.into_iter().map(|of| Entry::Retried { of }));
        self.keep()
    }

    /// A batch begins: its terms may be later ones than those of the batch before.
    fn begin(&mut self) -> Result<()> {
        let due = self.clock.is_some_and(|moved| moved.elapsed() >= CLOCK);
        if !due || self.since.is_some() || !self.pending.is_empty() {
            return Ok(());
        }
        self.clock = Some(Instant::now());
        self.terms.not_after = self.terms.not_after.max(Some(terms::tomorrow()?));
        self.reader = Reader::new().not_after(self.terms.not_after);
        self.readmit()
    }

    /// Takes a chunk of a source in. `is_last` when nothing follows it: then its last line is one,
    /// even without an end.
    pub(crate) fn chunk(&mut self, chunk: Chunk, progress: &mut Progress, is_last: bool) -> Result<()> {
        self.chunk_until(chunk, progress, is_last, &Stop::never()).map(|_| ())
    }

    /// Takes a chunk in, or what of it belongs to the batch in which a signal asks to end; says
    /// whether none did.
    pub(crate) fn chunk_until(
        &mut self,
        chunk: Chunk,
        progress: &mut Progress,
        is_last: bool,
        stop: &Stop,
    ) -> Result<bool> {
        match chunk {
            Chunk::Long(line) => self.long_line(line, progress)?,
            Chunk::Lines { bytes, .. } => {
                for whole in bytes.split_inclusive(|byte| *byte == b'\n') {
                    if whole.ends_with(b"\n") || is_last {
                        self.line(whole, progress)?;
                    }
                    let between_batches = self.since.is_none();
                    if between_batches && stop.is_asked() {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(!stop.is_asked())
    }

    fn line(&mut self, whole: &[u8], progress: &mut Progress) -> Result<()> {
        self.begin()?;
        let number = progress.number();
        let Some(line) = lines(whole, number, progress.offset).next() else { return Ok(()) };
        let is_ended = whole.ends_with(b"\n");
        if let Some(before) = progress.unfinished.take() {
            if before.sha256 == self.masked_sha256(line.bytes) {
                if is_ended {
                    progress.pass(whole);
                    self.touch(progress, false);
                    self.masked(progress, &before.redactions.into_iter().collect());
                } else {
                    progress.unfinished = Some(before);
                }
                return Ok(());
            }
            self.withdraw(before, progress);
        }
        progress.lines += 1;
        self.tally.lines += 1;
        let blank = line.is_blank();
        let mut masks = RedactionCounts::default();
        let position = if blank {
            progress.blank += 1;
            self.tally.blank += 1;
            None
        } else {
            Some(self.take(&line, progress, &mut masks)?)
        };
        if is_ended {
            progress.pass(whole);
        } else {
            let sha256 = self.masked_sha256(line.bytes);
            let redactions = std::mem::take(&mut masks).iter().map(|(rule, count)| (rule.to_owned(), count)).collect();
            progress.unfinished = Some(Unfinished { blank, position, redactions, sha256 });
        }
        self.bytes += whole.len();
        self.touch(progress, false);
        self.masked(progress, &masks);
        self.keep_if_full()
    }

    /// By what an unfinished line is known again: a hash of what is kept of it, so that none is over a
    /// secret.
    fn masked_sha256(&self, line: &[u8]) -> String {
        let sha256 = match self.masking.line(line, &mut RedactionCounts::default()) {
            Seen::Whole(bytes) => Sha256Hash::of(&bytes),
            Seen::TooLong(raw) => Sha256Hash::of(&raw.length().to_be_bytes()),
        };
        sha256.to_string()
    }

    /// What had no end was the start of the line that comes now, and is counted with it.
    fn withdraw(&mut self, before: Unfinished, progress: &mut Progress) {
        progress.lines -= 1;
        progress.blank -= u64::from(before.blank);
        self.pending.extend(before.position.map(|of| Entry::Withdrawn { of }));
    }

    /// Reads a line; the position of its entry.
    fn take(&mut self, line: &Line<'_>, progress: &mut Progress, masks: &mut RedactionCounts) -> Result<u64> {
        let position = self.writer.next_position(&self.terms) + self.pending.len() as u64;
        let source = Place { line: line.number, name: progress.name.as_str().into() };
        let bytes = match self.masking.line(line.bytes, masks) {
            Seen::Whole(bytes) => bytes,
            Seen::TooLong(raw) => {
                self.tally.rejected += 1;
                let row = raw.row(line.offset, source, line_too_long(line.bytes.len() as u64));
                self.pending.push(Entry::Rejected(Box::new(Rejected { row, whole: None })));
                return Ok(position);
            }
        };
        let pending = match (self.reader.read(&bytes).map(|envelope| envelope.ts), str::from_utf8(&bytes)) {
            (Ok(ts), Ok(raw)) => {
                progress.latest = progress.latest.max(Some(ts));
                Entry::Line(Admitted { offset: line.offset, raw: raw.to_owned(), source })
            }
            (Err(rejection), _) => {
                self.tally.rejected += 1;
                rejected(&bytes, line.offset, source, rejection)
            }
            (Ok(_), Err(_)) => return Err(Error::broken("an envelope is UTF-8")),
        };
        self.pending.push(pending);
        Ok(position)
    }

    fn long_line(&mut self, line: LongLine, progress: &mut Progress) -> Result<()> {
        self.begin()?;
        if let Some(before) = progress.unfinished.take() {
            self.withdraw(before, progress);
        }
        let mut masks = RedactionCounts::default();
        progress.lines += 1;
        self.tally.lines += 1;
        progress.pass_long(&line);
        if line.blank {
            progress.blank += 1;
            self.tally.blank += 1;
        } else {
            self.tally.rejected += 1;
            let source = Place { line: line.number, name: progress.name.as_str().into() };
            let rejection = line_too_long(line.raw.length());
            let raw = self.masking.long_line(&line.start, line.raw, &mut masks);
            let row = raw.row(line.offset, source, rejection);
            self.bytes += limits::RAW_BYTES;
            self.pending.push(Entry::Rejected(Box::new(Rejected { row, whole: None })));
        }
        self.touch(progress, false);
        self.masked(progress, &masks);
        self.keep_if_full()
    }

    /// Notes whether a source was read to its end, where that is news.
    pub(crate) fn ended(&mut self, progress: &mut Progress, ended: bool) {
        if progress.ended != ended {
            self.touch(progress, ended);
        }
    }

    fn touch(&mut self, progress: &mut Progress, ended: bool) {
        progress.ended = ended;
        self.since.get_or_insert_with(Instant::now);
        match self.touched.get_mut(&progress.name) {
            Some((known, _)) => known.clone_from(progress),
            None => drop(self.touched.insert(progress.name.clone(), (progress.clone(), RedactionCounts::default()))),
        }
    }

    fn masked(&mut self, progress: &Progress, masks: &RedactionCounts) {
        if let Some((_, counts)) = self.touched.get_mut(&progress.name) {
            *counts += masks;
        }
    }

    /// How long the batch may still wait.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.since.map(|since| self.limits.batch_age.saturating_sub(since.elapsed()))
    }

    fn keep_if_full(&mut self) -> Result<()> {
        self.held += 1;
        let full = self.held >= self.limits.batch_lines || self.bytes >= self.limits.batch_bytes;
        if full { self.keep() } else { Ok(()) }
    }

    /// Keeps the batch: when this returns, it is on the disk.
    pub(crate) fn keep(&mut self) -> Result<()> {
        let touched = std::mem::take(&mut self.touched);
        for (progress, counts) in touched.into_values() {
            let mut checkpoint = progress.checkpoint();
            checkpoint.redactions = counts.iter().map(|(rule, count)| (rule.to_owned(), count)).collect();
            self.pending.push(Entry::Source(checkpoint));
        }
        let pending = std::mem::take(&mut self.pending);
        (self.held, self.bytes, self.since) = (0, 0, None);
        if pending.is_empty() {
            return Ok(());
        }
        self.tally.batches += 1;
        self.writer.keep(&self.terms, pending)?;
        match &mut self.listener {
            Some(listener) => listener(&Acknowledged::of(self.writer, self.tally)),
            None => Ok(()),
        }
    }

    /// Keeps the batch where it holds lines of a source that may be this one, so that the store knows
    /// how far it was read.
    pub(crate) fn keep_lines_of(&mut self, name: &str) -> Result<()> {
        let touched = self.touched.keys().any(|touched| is_of(touched, name));
        if touched { self.keep() } else { Ok(()) }
    }
}

/// The entry of a rejected line: its row, and the whole line where the row has only its start.
fn rejected(bytes: &[u8], offset: u64, source: Place, rejection: Rejection) -> Entry {
    let row = RawLine::of(bytes).row(offset, source, rejection);
    let whole = row.raw_truncated.then(|| Raw::of(bytes));
    Entry::Rejected(Box::new(Rejected { row, whole }))
}
