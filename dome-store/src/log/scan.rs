//! Reading segments from front to back, past whatever is damaged.

use std::cmp::Ordering;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use dome_replay::error::{Context, ErrorClass, Result};
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::frame::{self, Fault};
use super::manifest::{SegmentEntry, StateAt};
use crate::folder::StoreFolder;

/// Where the bytes of an entry stand: in a segment of a log, or in a file of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryBytes {
    /// The position of the segment's first entry, which it is named by; 0 for a result's facts, 1 for its quarantine.
    pub segment: u64,
    /// The first byte of its line.
    pub start: u64,
    /// Bytes of its line, without the line feed.
    pub length: u64,
}

/// A line of a segment that cannot be read, or entries that are not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Damage {
    /// Bytes of it.
    pub length: u64,
    /// The positions of the entries that are lost with it, first and last; the last is before the
    /// first where none is.
    pub positions: (u64, u64),
    /// The segment's file.
    pub segment: String,
    /// The place in the segment where it starts.
    pub start: u64,
    /// What is wrong.
    pub what: &'static str,
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { length, positions: (first, last), segment, start, what } = self;
        let entries = match last.cmp(first) {
            Ordering::Less => "no entry".to_owned(),
            Ordering::Equal => format!("entry {first}"),
            Ordering::Greater => format!("entries {first} to {last}"),
        };
        write!(formatter, "`log/{segment}`, byte {start}, {length} bytes, {entries}: {what}")
    }
}

impl SegmentEntry {
    /// Damage to all of it; `end` is the position behind its last entry.
    pub(crate) fn damage(&self, end: u64, what: &'static str) -> Damage {
        let positions = (self.position, end.saturating_sub(1));
        Damage { length: self.length, positions, segment: self.name.clone(), start: 0, what }
    }
}

/// What a scan finds next.
#[derive(Debug)]
pub enum LogItem {
    /// An entry whose hash holds.
    Entry {
        /// Its position in the log, from 1.
        position: u64,
        /// Where it stands.
        place: EntryBytes,
        /// The entry.
        entry: Entry,
    },
    /// Something that cannot be read, or is not there.
    Damage(Damage),
}

/// One segment, line by line, as far as it is acknowledged.
pub(crate) struct SegmentScan {
    reader: Box<dyn BufRead>,
    name: String,
    segment: u64,
    start: u64,
    expected: u64,
    /// The position behind the segment's last entry.
    end: u64,
    /// A damaged stretch that is not told yet: its start, its length and why.
    stretch: Option<(u64, u64, &'static str)>,
    /// An entry that was read behind the stretch.
    waiting: Option<(u64, EntryBytes, Entry)>,
    /// Bytes that were read behind an entry whose line feed is none.
    unread: Option<Vec<u8>>,
}

impl SegmentScan {
    /// `end` is the position behind the last entry. A missing segment is damage; nothing before a given entry is read.
    pub(crate) fn open(
        folder: Option<&StoreFolder>,
        segment: &SegmentEntry,
        end: u64,
        from: Option<StateAt>,
    ) -> Result<Self> {
        let mut scan = Self {
            reader: Box::new(std::io::empty()),
            name: segment.name.clone(),
            segment: segment.position,
            start: 0,
            expected: segment.position,
            end,
            stretch: None,
            waiting: None,
            unread: None,
        };
        let mut file = match folder.map_or(Ok(None), |folder| folder.read(&segment.name)) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(scan.lost(segment, "the segment is not there")),
            Err(error) if error.class() == ErrorClass::Invalid => {
                return Ok(scan.lost(segment, "the segment is a link or no regular file"));
            }
            Err(error) => return Err(error),
        };
        if let Some(from) = from {
            file.seek(SeekFrom::Start(from.start)).context(|| format!("cannot read `{}`", scan.name))?;
            (scan.start, scan.expected) = (from.start, from.position);
        }
        let rest = file.take(segment.length.saturating_sub(scan.start));
        scan.reader = Box::new(BufReader::with_capacity(1 << 18, rest));
        Ok(scan)
    }

    fn lost(mut self, segment: &SegmentEntry, what: &'static str) -> Self {
        self.stretch = Some((0, segment.length, what));
        self
    }

    fn line(&mut self) -> Result<Option<(EntryBytes, Vec<u8>)>> {
        let mut line = Vec::new();
        if let Some(unread) = self.unread.take() {
            line = unread;
        } else {
            let read = self.reader.read_until(b'\n', &mut line);
            read.context(|| format!("cannot read `{}`", self.name))?;
        }
        if line.is_empty() {
            return Ok(None);
        }
        let is_ended = line.pop_if(|byte| *byte == b'\n').is_some();
        let place = EntryBytes { segment: self.segment, start: self.start, length: line.len() as u64 };
        self.start += place.length + u64::from(is_ended);
        Ok(Some((place, line)))
    }

    /// The entry at the start of a line of which only the line feed is damaged. What stands behind that is read next.
    fn unterminated(&mut self, place: EntryBytes, line: &[u8]) -> Option<(u64, EntryBytes, Entry)> {
        let (whole, rest) = line.split_at_checked(frame::extent(line)?)?;
        let (_, behind) = rest.split_first()?;
        let (position, entry) = frame::read(whole).ok()?;
        let place = EntryBytes { length: whole.len() as u64, ..place };
        let ended = self.start > place.start + line.len() as u64;
        let mut unread = behind.to_vec();
        if ended {
            unread.push(b'\n');
        }
        self.start = place.start + place.length + 1;
        self.unread = (!unread.is_empty()).then_some(unread);
        Some((position, place, entry))
    }

    fn damage(&mut self, position: u64) -> Option<Damage> {
        let missing = position > self.expected;
        let (start, length, what) = match self.stretch.take() {
            Some(stretch) => stretch,
            None if missing => (self.start, 0, "entries are not there"),
            None => return None,
        };
        let positions = (self.expected, position.saturating_sub(1));
        Some(Damage { length, positions, segment: self.name.clone(), start, what })
    }

    fn spoil(&mut self, place: EntryBytes, what: &'static str) {
        let stretch = self.stretch.get_or_insert((place.start, 0, what));
        stretch.1 = place.start + place.length - stretch.0;
    }

    fn step(&mut self) -> Result<Option<LogItem>> {
        if let Some((position, place, entry)) = self.waiting.take() {
            self.expected = position + 1;
            return Ok(Some(LogItem::Entry { position, place, entry }));
        }
        while let Some((place, line)) = self.line()? {
            let (position, place, entry) = match frame::read(&line) {
                // What the index does not hold yet.
                Ok((position, _)) if position >= self.end => break,
                Ok((position, entry)) => (position, place, entry),
                Err(fault) => match self.unterminated(place, &line) {
                    Some(found) => found,
                    None => {
                        self.spoil(place, Fault::as_str(fault));
                        continue;
                    }
                },
            };
            if position < self.expected || position >= self.end {
                self.spoil(place, "its position is not the next one");
                continue;
            }
            let damage = self.damage(position);
            if place.length < line.len() as u64 {
                let behind = EntryBytes { start: self.start - 1, length: 1, ..place };
                self.spoil(behind, "the line feed behind an entry is none");
            } else if self.start == place.start + place.length {
                let behind = EntryBytes { start: self.start, length: 0, ..place };
                self.spoil(behind, "the line feed behind an entry is not there");
            }
            let Some(damage) = damage else {
                self.expected = position + 1;
                return Ok(Some(LogItem::Entry { position, place, entry }));
            };
            self.waiting = Some((position, place, entry));
            return Ok(Some(LogItem::Damage(damage)));
        }
        let damage = self.damage(self.end);
        self.expected = self.end;
        Ok(damage.map(LogItem::Damage))
    }
}

impl Iterator for SegmentScan {
    type Item = Result<LogItem>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
