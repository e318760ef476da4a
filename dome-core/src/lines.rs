//! Cutting bytes into lines (M-31, M-121).

use memchr::{memchr, memchr_iter};

/// One line, without its end and without a byte order mark at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'b> {
    /// Its number, from 1.
    pub number: u64,
    /// The place of its first byte after a byte order mark.
    pub offset: u64,
    /// Its bytes.
    pub bytes: &'b [u8],
}

pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Line<'_> {
    /// Whether it is blank: spaces, tabs and `\r` alone (M-121).
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.bytes.iter().all(|byte| is_blank(*byte))
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// The blank lines that bytes begin with, as far as they have ends: their bytes and how many there are. A line with a
/// byte order mark is left to [`lines`].
///
/// ```
/// assert_eq!(dome_core::blank_lines(b"\n \t\r\n\n {}\n"), (6, 3));
/// assert_eq!(dome_core::blank_lines(b"\n  "), (1, 1));
/// ```
#[must_use]
pub fn blank_lines(bytes: &[u8]) -> (usize, u64) {
    let (mut end, mut count) = (0, 0);
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' => (end, count) = (place + 1, count + 1),
            byte if is_blank(*byte) => {}
            _ => break,
        }
    }
    (end, count)
}

/// How many line feeds there are.
///
/// ```
/// assert_eq!(dome_core::line_feeds(b"a\nb\r\nc"), 2);
/// ```
#[must_use]
pub fn line_feeds(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

/// The lines of `bytes`, which start with line `number` at `offset` of their source.
///
/// `\n` and `\r\n` end a line; a last line without an end is a line.
///
/// ```
/// let lines: Vec<_> = dome_core::lines(b"\xEF\xBB\xBFa\r\n\nb", 1, 0).collect();
/// assert_eq!(lines.iter().map(|line| line.bytes).collect::<Vec<_>>(), [&b"a"[..], b"", b"b"]);
/// assert_eq!((lines[0].offset, lines[2].offset, lines[2].number), (3, 7, 3));
/// ```
pub fn lines(mut bytes: &[u8], mut number: u64, mut offset: u64) -> impl Iterator<Item = Line<'_>> {
    std::iter::from_fn(move || {
        let end = memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
        let (whole, rest) = bytes.split_at(end);
        let ended = whole.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let written = ended.unwrap_or(whole);
        let unmarked = written.strip_prefix(BYTE_ORDER_MARK).unwrap_or(written);
        let line = Line { number, offset: offset + (written.len() - unmarked.len()) as u64, bytes: unmarked };
        (bytes, number, offset) = (rest, number + 1, offset + whole.len() as u64);
        (!whole.is_empty()).then_some(line)
    })
}
