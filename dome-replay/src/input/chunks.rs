//! Chunks of whole lines, and the lines that are too long to hold (M-14, M-31).

use std::io::{self, Read};

use dome_core::{RawLine, limits, line_feeds};

/// Bytes that a chunk aims at.
const CHUNK_BYTES: usize = 1 << 20;
/// Bytes that are asked for at once where lines are handed out as soon as they are there.
const EAGER_BYTES: usize = 1 << 16;
/// Without an end in this many bytes a line is too long, whatever mark and end it has.
const SURELY_TOO_LONG_BYTES: usize = limits::LINE_BYTES + 8;

/// A piece of a source.
pub enum Chunk {
    /// Whole lines: the number and the offset of the first one, and the bytes.
    Lines {
        /// The number of the first line, from 1.
        number: u64,
        /// The place of its first byte in the source.
        offset: u64,
        /// The lines, with their ends.
        bytes: Vec<u8>,
    },
    /// One line that is too long to be an envelope.
    Long(LongLine),
}

impl Chunk {
    /// Bytes of the source that it stands for, but for the ends of long lines.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Lines { bytes, .. } => bytes.len() as u64,
            Self::Long(line) => line.raw.length(),
        }
    }
}

/// A line that was described without being held.
pub struct LongLine {
    /// Its number, from 1.
    pub number: u64,
    /// The place of its first byte.
    pub offset: u64,
    /// The place of the first byte behind it and its end.
    pub end: u64,
    /// What the quarantine says of it.
    pub raw: RawLine,
    /// Its first bytes: at least [`limits::LINE_BYTES`], for callers that look at what is kept.
    pub start: Vec<u8>,
    /// Whether it is spaces, tabs and `\r` alone (M-121).
    pub blank: bool,
}

/// Cuts what a reader gives into chunks.
pub struct Chunks<R> {
    reader: R,
    /// Bytes read and not handed out.
    rest: Vec<u8>,
    number: u64,
    offset: u64,
    ended: bool,
    eager: bool,
}

impl<R: Read> Chunks<R> {
    /// Starts at the first byte of a source.
    pub const fn new(reader: R) -> Self {
        Self::resumed(reader, 1, 0)
    }

    /// Goes on at a line's start, `offset` bytes behind the start of the source.
    pub const fn resumed(reader: R, number: u64, offset: u64) -> Self {
        Self { reader, rest: Vec::new(), number, offset, ended: false, eager: false }
    }

    /// Hands out lines as soon as they are there, as a stream that may pause needs it.
    pub fn eager(reader: R) -> Self {
        Self { eager: true, ..Self::new(reader) }
    }

    /// Reads until `rest` holds at least `bytes`, or a line where that is enough, or the source ends.
    fn fill(&mut self, bytes: usize) -> io::Result<()> {
        while self.eager && !self.rest.contains(&b'\n') && self.rest.len() < bytes {
            let held = self.rest.len();
            self.rest.resize(held + EAGER_BYTES, 0);
            let (_, room) = self.rest.split_at_mut(held);
            let read = self.reader.read(room);
            self.rest.truncate(held + read.as_ref().map_or(0, |read| *read));
            match read {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        if self.eager {
            return Ok(());
        }
        let wanted = bytes.saturating_sub(self.rest.len());
        self.rest.reserve_exact(wanted);
        let read = self.reader.by_ref().take(wanted as u64).read_to_end(&mut self.rest)?;
        self.ended = read < wanted;
        Ok(())
    }

    fn hand_out(&mut self, bytes: usize) -> Vec<u8> {
        let rest = self.rest.split_off(bytes);
        let out = std::mem::replace(&mut self.rest, rest);
        self.offset += out.len() as u64;
        out
    }

    fn next_chunk(&mut self) -> io::Result<Option<Chunk>> {
        if !self.ended {
            self.fill(CHUNK_BYTES)?;
        }
        if !self.ended && !self.rest.contains(&b'\n') {
            self.fill(SURELY_TOO_LONG_BYTES)?;
        }
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map(|place| place + 1);
        let whole = if self.ended { Some(self.rest.len()) } else { whole };
        match whole {
            Some(0) => Ok(None),
            Some(whole) => {
                let (number, offset, bytes) = (self.number, self.offset, self.hand_out(whole));
                self.number += line_feeds(&bytes);
                Ok(Some(Chunk::Lines { number, offset, bytes }))
            }
            None => self.long_line().map(|line| Some(Chunk::Long(line))),
        }
    }

    /// Describes a line that does not end in what was read.
    fn long_line(&mut self) -> io::Result<LongLine> {
        let mark = if self.rest.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let (number, offset) = (self.number, self.offset + mark as u64);
        let (raw, start) = (RawLine::new(), Vec::new());
        let mut line = LongLine { number, offset, end: offset, raw, start, blank: true };
        self.hand_out(mark);
        loop {
            let end = self.rest.iter().position(|byte| *byte == b'\n');
            let piece = self.hand_out(end.map_or(self.rest.len(), |end| end + 1));
            // A carriage return at the end of a piece may belong to the line's end.
            let done = end.is_some() || self.ended;
            let text = match (end, piece.as_slice()) {
                (Some(_), [text @ .., b'\r', b'\n'] | [text @ .., b'\n']) => text,
                (None, [text @ .., b'\r']) if !done => {
                    self.rest.push(b'\r');
                    self.offset -= 1;
                    text
                }
                (_, text) => text,
            };
            line.blank &= text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
            line.raw.push(text);
            if line.start.is_empty() {
                line.start = text.to_vec();
            }
            if done {
                self.number += 1;
                line.end = self.offset;
                return Ok(line);
            }
            self.fill(CHUNK_BYTES)?;
        }
    }
}

impl<R: Read> Iterator for Chunks<R> {
    type Item = io::Result<Chunk>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = self.next_chunk().transpose();
        if let Some(Err(_)) = chunk {
            (self.ended, self.rest) = (true, Vec::new());
        }
        chunk
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use dome_core::lines;

    use super::*;

    /// Gives few bytes at a time, as a pipe does.
    struct Drops<'b>(&'b [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = into.len().min(70_001);
            let slice = into.get_mut(..most).unwrap();
            self.0.read(slice)
        }
    }

    fn described(bytes: &[u8]) -> Vec<(u64, u64, u64, bool)> {
        let mut found = Vec::new();
        for chunk in Chunks::new(Drops(bytes)) {
            match chunk.unwrap() {
                Chunk::Lines { number, offset, bytes } => found.extend(
                    lines(&bytes, number, offset)
                        .map(|line| (line.number, line.offset, line.bytes.len() as u64, line.is_blank())),
                ),
                Chunk::Long(line) => found.push((line.number, line.offset, line.raw.length(), line.blank)),
            }
        }
        found
    }

    #[test]
    fn m31_chunks_and_the_whole_source_have_the_same_lines() {
        let long = "x".repeat(limits::LINE_BYTES + 9);
        let spaces = " ".repeat(limits::LINE_BYTES + 9);
        let edge = "y".repeat(CHUNK_BYTES - 1);
        for text in [
            String::new(),
            "\n".to_owned(),
            "a\nb".to_owned(),
            format!("{edge}\r\n{long}\r\nz"),
            format!("\u{feff}{long}\n\u{feff}a\n"),
            format!("{long}{long}{long}\r"),
            format!("{spaces}\n{spaces}\r"),
            format!("{}\r{}\r\n", "é".repeat(CHUNK_BYTES / 2), long),
        ] {
            let bytes = text.as_bytes();
            let whole: Vec<_> = lines(bytes, 1, 0)
                .map(|line| (line.number, line.offset, line.bytes.len() as u64, line.is_blank()))
                .collect();
            assert_eq!(described(bytes), whole, "{} bytes", bytes.len());
        }
    }
}
