//! Reading segments from front to back, past whatever is damaged.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::entry::Entry;
use super::frame::{self, Fault};
use super::manifest::SegmentEntry;

/// Where an entry stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The position of its segment's first entry, which the segment is named by.
    pub(crate) segment: u64,
    /// Where its line starts in the segment.
    pub(crate) start: u64,
    /// Bytes of its line, without the line feed.
    pub(crate) length: u64,
}

/// A line of a segment that cannot be read, or entries that are not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Damage {
    /// Bytes of it.
    pub(crate) length: u64,
    /// The positions that it stood for, first and last.
    pub(crate) positions: (u64, u64),
    /// The segment's file.
    pub(crate) segment: String,
    /// The place in the segment where it starts.
    pub(crate) start: u64,
    /// What is wrong.
    pub(crate) what: &'static str,
}

/// What a scan finds next.
pub(crate) enum Found {
    Entry { position: u64, place: Place, entry: Entry },
    Damage(Damage),
}

/// One segment, line by line, as far as it is acknowledged.
pub(crate) struct Scan {
    reader: BufReader<std::io::Take<File>>,
    name: String,
    segment: u64,
    start: u64,
    /// The position that the next entry should have.
    expected: u64,
    /// The position behind the segment's last entry.
    end: u64,
    /// A damaged stretch that is not told yet: its start, its length and why.
    stretch: Option<(u64, u64, &'static str)>,
    /// An entry that was read behind the stretch.
    waiting: Option<(u64, Place, Entry)>,
}

impl Scan {
    /// Opens a segment; `end` is the position behind its last entry.
    pub(crate) fn open(folder: &Path, segment: &SegmentEntry, end: u64) -> anyhow::Result<Self> {
        let path = folder.join(&segment.name);
        let file = File::open(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        Ok(Self {
            reader: BufReader::with_capacity(1 << 18, file.take(segment.length)),
            name: segment.name.clone(),
            segment: segment.position,
            start: 0,
            expected: segment.position,
            end,
            stretch: None,
            waiting: None,
        })
    }

    fn line(&mut self) -> anyhow::Result<Option<(Place, Vec<u8>)>> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line);
        let read = read.with_context(|| format!("cannot read `{}`", self.name))? as u64;
        if read == 0 {
            return Ok(None);
        }
        let ended = line.last() == Some(&b'\n');
        if ended {
            line.pop();
        }
        let place = Place { segment: self.segment, start: self.start, length: line.len() as u64 };
        self.start += read;
        Ok(Some((place, line)))
    }

    /// Tells the damaged stretch before `position`.
    fn damage(&mut self, position: u64) -> Option<Damage> {
        let missing = position > self.expected;
        let (start, length, what) = match self.stretch.take() {
            Some(stretch) => stretch,
            None if missing => (self.start, 0, "entries are not there"),
            None => return None,
        };
        let positions = (self.expected, position.saturating_sub(1).max(self.expected));
        Some(Damage { length, positions, segment: self.name.clone(), start, what })
    }

    fn spoil(&mut self, place: Place, what: &'static str) {
        let stretch = self.stretch.get_or_insert((place.start, 0, what));
        stretch.1 = place.start + place.length - stretch.0;
    }

    fn step(&mut self) -> anyhow::Result<Option<Found>> {
        if let Some((position, place, entry)) = self.waiting.take() {
            self.expected = position + 1;
            return Ok(Some(Found::Entry { position, place, entry }));
        }
        while let Some((place, line)) = self.line()? {
            match frame::read(&line) {
                Ok((position, entry)) if position >= self.expected && position < self.end => {
                    let Some(damage) = self.damage(position) else {
                        self.expected = position + 1;
                        return Ok(Some(Found::Entry { position, place, entry }));
                    };
                    self.waiting = Some((position, place, entry));
                    return Ok(Some(Found::Damage(damage)));
                }
                Ok(_) => self.spoil(place, "its position is not the next one"),
                Err(fault) => self.spoil(place, Fault::as_str(fault)),
            }
        }
        let damage = self.damage(self.end);
        self.expected = self.end;
        Ok(damage.map(Found::Damage))
    }
}

impl Iterator for Scan {
    type Item = anyhow::Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
