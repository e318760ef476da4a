//! Lines on their way into the log: each goes through the door and is kept with what it comes to, batch by batch.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dome_core::redact::RedactionCounts;
use dome_core::{Sha256Hash, Source as LineRef, blank_lines, limits, lines};
use dome_replay::error::{Invariant, Result};
use dome_replay::input::{Chunk, LongLine};
use dome_replay::{Admitted, Door, Masking, Watch};

use super::progress::{Progress, is_of};
use super::{Acknowledged, Stop};
use crate::log::{AdmittedEntry, Entry, Raw, RejectedEntry, SessionTerms, Unfinished};
use crate::settings;
use crate::writer::{StoreLimits, StoreWriter};

/// How often the instant that records may not pass moves on with the clock.
const CLOCK: Duration = Duration::from_secs(60);

/// What was taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngestTally {
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
type Listener<'l> = dyn FnMut(&Acknowledged) -> Result<()> + 'l;

pub(crate) struct LineIntake<'w> {
    pub(crate) writer: &'w mut StoreWriter,
    pub(crate) tally: IngestTally,
    pub(crate) limits: StoreLimits,
    pub(crate) watch: &'w dyn Watch,
    terms: SessionTerms,
    /// When the terms last moved on with the clock; `None` when they do not.
    pub(super) clock: Option<Instant>,
    pub(super) listener: Option<&'w mut Listener<'w>>,
    door: Door<'w>,
    pending: Vec<Entry>,
    /// Lines, but for blank ones that follow one another, and bytes that wait.
    held: usize,
    bytes: usize,
    since: Option<Instant>,
    /// Sources that lines of the batch are from, with the masks put over their secrets.
    touched: BTreeMap<String, (Progress, RedactionCounts)>,
}

impl<'w> LineIntake<'w> {
    pub(crate) fn new(
        writer: &'w mut StoreWriter,
        terms: SessionTerms,
        masking: &'w Masking,
        limits: StoreLimits,
        watch: &'w dyn Watch,
    ) -> Self {
        let door = Door::new(masking, terms.not_after);
        Self {
            writer,
            tally: IngestTally::default(),
            watch,
            terms,
            clock: None,
            listener: None,
            limits,
            door,
            pending: Vec::new(),
            held: 0,
            bytes: 0,
            since: None,
            touched: BTreeMap::new(),
        }
    }

    /// Admits lines that are not too far ahead of the clock any more: one replay by the last terms would admit them.
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
        self.terms.not_after = self.terms.not_after.max(Some(settings::tomorrow()?));
        self.door.set_not_after(self.terms.not_after);
        self.readmit()
    }

    /// Takes a chunk of a source in, or what of it belongs to the batch in which a signal asks to end; says whether none
    /// did. `is_last` when nothing follows it: then its last line is one, even without an end.
    pub(crate) fn chunk(&mut self, chunk: Chunk, progress: &mut Progress, is_last: bool, stop: &Stop) -> Result<bool> {
        match chunk {
            Chunk::Long(line) => self.long_line(line, progress)?,
            Chunk::Lines { bytes, .. } => {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (blank, count) = blank_lines(rest);
                    let whole = if count > 0 && progress.at.unfinished.is_none() {
                        self.blank_lines(rest.split_at(blank).0, count, progress)?;
                        blank
                    } else {
                        let line = rest.split_inclusive(|byte| *byte == b'\n').next().unwrap_or(rest);
                        if line.ends_with(b"\n") || is_last {
                            self.line(line, progress)?;
                        }
                        line.len()
                    };
                    (_, rest) = rest.split_at(whole);
                    let between_batches = self.since.is_none();
                    if between_batches && stop.is_asked() {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(!stop.is_asked())
    }

    /// Takes blank lines in, all that follow one another at once: none of them leaves anything but its number.
    fn blank_lines(&mut self, whole: &[u8], count: u64, progress: &mut Progress) -> Result<()> {
        self.begin()?;
        progress.at.lines += count;
        progress.at.blank += count;
        self.tally.lines += count;
        self.tally.blank += count;
        progress.pass(whole);
        self.bytes += whole.len();
        self.touch(progress, false, &RedactionCounts::default());
        self.keep_if_full()
    }

    fn line(&mut self, whole: &[u8], progress: &mut Progress) -> Result<()> {
        self.begin()?;
        let number = progress.number();
        let Some(line) = lines(whole, number, progress.at.offset).next() else { return Ok(()) };
        let is_ended = whole.ends_with(b"\n");
        if let Some(before) = progress.at.unfinished.take() {
            if before.sha256 == self.kept_sha256(line.bytes) {
                if is_ended {
                    progress.pass(whole);
                    self.touch(progress, false, &before.redactions.into_iter().collect());
                } else {
                    progress.at.unfinished = Some(before);
                }
                return Ok(());
            }
            self.withdraw(before, progress);
        }
        let admitted = self.door.admit(&line, &progress.at.name);
        let blank = matches!(admitted, Admitted::Blank);
        let position = self.take(admitted, (number, line.offset), progress)?;
        let mut masks = std::mem::take(&mut self.door.masks);
        if is_ended {
            progress.pass(whole);
        } else {
            let sha256 = self.kept_sha256(line.bytes);
            let redactions = std::mem::take(&mut masks).iter().map(|(rule, count)| (rule.to_owned(), count)).collect();
            progress.at.unfinished = Some(Unfinished { blank, position, redactions, sha256 });
        }
        self.bytes += whole.len();
        self.touch(progress, false, &masks);
        self.held += 1;
        self.keep_if_full()
    }

    /// What an unfinished line is known again by: a hash of what is kept of it, so that none is over a secret.
    fn kept_sha256(&self, line: &[u8]) -> String {
        let kept = self.door.kept(line);
        Sha256Hash::of(kept.as_deref().unwrap_or(&(line.len() as u64).to_be_bytes())).to_string()
    }

    /// What had no end was the start of the line that comes now, and is counted with it.
    fn withdraw(&mut self, before: Unfinished, progress: &mut Progress) {
        progress.at.lines -= 1;
        progress.at.blank -= u64::from(before.blank);
        self.pending.extend(before.position.map(|of| Entry::Withdrawn { of }));
    }

    /// Takes a line in that went through the door; the position of its entry, if it has one.
    fn take(
        &mut self,
        admitted: Admitted<'_>,
        (line, offset): (u64, u64),
        progress: &mut Progress,
    ) -> Result<Option<u64>> {
        progress.at.lines += 1;
        self.tally.lines += 1;
        let entry = match admitted {
            Admitted::Blank => {
                progress.at.blank += 1;
                self.tally.blank += 1;
                return Ok(None);
            }
            Admitted::Envelope(envelope, bytes) => {
                progress.at.latest = progress.at.latest.max(Some(envelope.ts));
                let raw = String::from_utf8(bytes.into_owned()).invariant("an envelope is UTF-8")?;
                Entry::Line(AdmittedEntry {
                    offset,
                    raw,
                    source: LineRef { line, name: progress.at.name.as_str().into() },
                })
            }
            Admitted::Quarantined(row, bytes) => {
                self.tally.rejected += 1;
                // The row has only the start of a line that is long.
                let whole = bytes.filter(|_| row.raw_truncated).map(|bytes| Raw::of(&bytes));
                Entry::Rejected(Box::new(RejectedEntry { row: *row, whole }))
            }
        };
        let position = self.writer.next_position(&self.terms) + self.pending.len() as u64;
        self.pending.push(entry);
        Ok(Some(position))
    }

    fn long_line(&mut self, line: LongLine, progress: &mut Progress) -> Result<()> {
        self.begin()?;
        if let Some(before) = progress.at.unfinished.take() {
            self.withdraw(before, progress);
        }
        progress.pass_long(&line);
        let place = (line.number, line.offset);
        let admitted = self.door.admit_long(line, &progress.at.name);
        if self.take(admitted, place, progress)?.is_some() {
            self.bytes += limits::RAW_BYTES;
        }
        let masks = std::mem::take(&mut self.door.masks);
        self.touch(progress, false, &masks);
        self.held += 1;
        self.keep_if_full()
    }

    /// Notes whether a source was read to its end, where that is news.
    pub(crate) fn ended(&mut self, progress: &mut Progress, ended: bool) {
        if progress.at.ended != ended {
            self.touch(progress, ended, &RedactionCounts::default());
        }
    }

    fn touch(&mut self, progress: &mut Progress, ended: bool, masks: &RedactionCounts) {
        progress.at.ended = ended;
        self.since.get_or_insert_with(Instant::now);
        match self.touched.get_mut(&progress.at.name) {
            Some((known, counts)) => {
                known.clone_from(progress);
                *counts += masks;
            }
            None => drop(self.touched.insert(progress.at.name.clone(), (progress.clone(), masks.clone()))),
        }
    }

    /// How long the batch may still wait.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.since.map(|since| self.limits.batch_age.saturating_sub(since.elapsed()))
    }

    fn keep_if_full(&mut self) -> Result<()> {
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

    /// Keeps the batch where lines of it may be of this source, so that the store knows how far it was read.
    pub(crate) fn keep_lines_of(&mut self, name: &str) -> Result<()> {
        let touched = self.touched.keys().any(|touched| is_of(touched, name));
        if touched { self.keep() } else { Ok(()) }
    }
}
