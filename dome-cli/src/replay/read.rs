//! Reading: every line becomes a record, a row of the quarantine, or is blank (L-3).

use std::collections::BTreeMap;

use anyhow::Context;
use dome_binder::{Conflict, Record, Recorder, Shared};
use dome_core::redact::RedactionCounts;
use dome_core::{
    BinderVersion, Envelope, Line, QuarantineRow, RawLine, Reader, Rejection, Source as Place, Timestamp,
    line_too_long, lines,
};

use crate::progress::Progress;
use crate::replay::spool::Spool;
use dome_replay::input::{Chunk, LongLine, Source, all_chunks};
use dome_replay::parallel;
use dome_replay::{Masking, Seen};

/// Lines seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LineCounts {
    pub(crate) lines: u64,
    pub(crate) blank: u64,
}

/// What the input comes to.
#[derive(Default)]
pub(super) struct Input {
    #[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer moves, not the record")]
    pub(super) records: Vec<Box<Record>>,
    pub(super) quarantine: Vec<QuarantineRow>,
    pub(super) counts: LineCounts,
    pub(super) masks: RedactionCounts,
}

impl Input {
    fn add(&mut self, other: Self) {
        self.records.extend(other.records);
        self.quarantine.extend(other.quarantine);
        self.counts.lines += other.counts.lines;
        self.counts.blank += other.counts.blank;
        self.masks += other.masks;
    }

    fn line(&mut self, line: &Line<'_>, source: &Source, door: &mut Door<'_>) {
        self.counts.lines += 1;
        if line.is_blank() {
            self.counts.blank += 1;
            return;
        }
        let place = Place { line: line.number, name: source.name.as_str().into() };
        let bytes = match door.how.masking.line(line.bytes, &mut self.masks) {
            Seen::Whole(bytes) => bytes,
            Seen::TooLong(raw) => {
                let rejection = line_too_long(raw.length());
                return self.quarantine.push(raw.row(line.offset, place, rejection));
            }
        };
        match door.reader.read(&bytes) {
            Ok(envelope) => {
                self.records.push(Box::new(door.record(envelope, place)));
            }
            Err(rejection) => self.quarantine.push(RawLine::of(&bytes).row(line.offset, place, rejection)),
        }
    }

    fn long_line(&mut self, line: LongLine, source: &Source, masking: &Masking) {
        self.counts.lines += 1;
        if line.blank {
            self.counts.blank += 1;
            return;
        }
        let place = Place { line: line.number, name: source.name.as_str().into() };
        let raw = masking.long_line(&line.start, line.raw, &mut self.masks);
        let rejection = line_too_long(raw.length());
        self.quarantine.push(raw.row(line.offset, place, rejection));
    }
}

/// What a line goes through; one a thread.
pub(super) struct Door<'m> {
    how: &'m Reading<'m>,
    reader: Reader,
    recorder: Recorder,
    /// Canonical envelopes that go to the spool.
    pile: Vec<u8>,
}

impl<'m> Door<'m> {
    pub(super) fn new(how: &'m Reading<'m>) -> Self {
        let reader = Reader::new().not_after(how.not_after);
        Self { how, reader, recorder: Recorder::new(how.binder), pile: Vec::new() }
    }

    /// One whose records are all held, and share what they have in common.
    fn sharing(how: &'m Reading<'m>, shared: &Shared) -> Self {
        Self { recorder: Recorder::sharing(how.binder, shared), ..Self::new(how) }
    }

    fn record(&mut self, envelope: Envelope, place: Place) -> Record {
        match self.how.spool {
            None => self.recorder.record(envelope, place),
            Some(_) => self.recorder.record_onto(&mut self.pile, envelope, place),
        }
    }

    /// Brings the pile to the spool.
    fn keep(&mut self, records: &mut [Box<Record>]) -> anyhow::Result<()> {
        self.how.spool.map_or(Ok(()), |spool| spool.keep(&mut self.pile, records))
    }
}

/// How lines become records.
#[derive(Clone, Copy)]
pub(super) struct Reading<'m> {
    /// The binder that makes the keys.
    pub(super) binder: BinderVersion,
    /// The instant after which lines are refused.
    pub(super) not_after: Option<Timestamp>,
    /// Threads to use.
    pub(super) threads: usize,
    /// What masks secrets before anything else looks at a line.
    pub(super) masking: &'m Masking,
    /// Where canonical envelopes are kept; records hold them when there is none.
    pub(super) spool: Option<&'m Spool>,
}

/// Reads all sources on the threads that are allowed, and holds all records.
pub(super) fn read(sources: &[Source], how: &Reading<'_>) -> anyhow::Result<Input> {
    let (chunks, progress, shared) = (all_chunks(sources), Progress::new("reading"), Shared::default());
    let parsed = parallel::map_with(
        how.threads,
        chunks,
        || Door::sharing(how, &shared),
        |door, chunk| {
            let (index, chunk) = chunk?;
            progress.add(chunk.bytes());
            let source = sources.get(index).context("a chunk belongs to a source")?;
            parse(chunk, source, door)
        },
    );
    progress.end();
    let mut input = Input::default();
    for part in parsed {
        input.add(part?);
    }
    Ok(input)
}

/// Reads the lines of a chunk.
pub(super) fn parse(chunk: Chunk, source: &Source, door: &mut Door<'_>) -> anyhow::Result<Input> {
    let mut input = Input::default();
    match chunk {
        Chunk::Lines { number, offset, bytes } => {
            if door.how.spool.is_some() {
                // Canonical bytes are hardly ever more than their lines: the pile need not grow step by step.
                door.pile.reserve_exact(bytes.len());
            }
            lines(&bytes, number, offset).for_each(|line| input.line(&line, source, door));
        }
        Chunk::Long(line) => input.long_line(line, source, door.how.masking),
    }
    door.keep(&mut input.records)?;
    Ok(input)
}

/// Adds the lines that settling ruled out, and sorts by source name, then line (M-120).
pub(super) fn with_conflicts(
    mut quarantine: Vec<QuarantineRow>,
    conflicts: &[Conflict],
    sources: &[Source],
    masking: &Masking,
) -> anyhow::Result<Vec<QuarantineRow>> {
    conflicting(conflicts, sources, masking, |row| {
        quarantine.push(row);
        Ok(())
    })?;
    quarantine
        .sort_by(|a, b| (&a.source.name, a.source.line, a.offset).cmp(&(&b.source.name, b.source.line, b.offset)));
    Ok(quarantine)
}

/// Hands out the lines that settling ruled out, source by source.
///
/// Their bytes are read again from their sources: few lines conflict, and none is kept twice.
pub(super) fn conflicting(
    conflicts: &[Conflict],
    sources: &[Source],
    masking: &Masking,
    mut take: impl FnMut(QuarantineRow) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut wanted: BTreeMap<(&str, u64), Vec<&Conflict>> = BTreeMap::new();
    for conflict in conflicts {
        wanted.entry((&conflict.source.name, conflict.source.line)).or_default().push(conflict);
    }
    let touched = |source: &&Source| conflicts.iter().any(|conflict| conflict.source.name == source.name);
    for source in sources.iter().filter(touched) {
        for chunk in all_chunks(std::slice::from_ref(source)) {
            let (_, Chunk::Lines { number, offset, bytes }) = chunk? else { continue };
            for line in lines(&bytes, number, offset) {
                let Some(found) = wanted.get_mut(&(source.name.as_str(), line.number)) else { continue };
                // Masked again, but counted once.
                let Seen::Whole(bytes) = masking.line(line.bytes, &mut RedactionCounts::default()) else { continue };
                let digest = Reader::new().read(&bytes).ok().map(|envelope| envelope.digest());
                let Some(place) = found.iter().position(|conflict| Some(conflict.digest) == digest) else { continue };
                let conflict = found.remove(place);
                let rejection = Rejection::from(conflict.problem.clone());
                take(RawLine::of(&bytes).row(line.offset, conflict.source.clone(), rejection))?;
            }
        }
    }
    if let Some(((name, line), _)) = wanted.iter().find(|(_, left)| !left.is_empty()) {
        anyhow::bail!("`{name}` changed while it was being read: line {line} is not what it was");
    }
    Ok(())
}
