//! Cutting bytes into lines (M-31, M-121).

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

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Line<'_> {
    /// Whether it is blank: spaces, tabs and `\r` alone (M-121).
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
    }
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
pub fn lines(bytes: &[u8], number: u64, offset: u64) -> impl Iterator<Item = Line<'_>> {
    let mut next = (number, offset);
    bytes.split_inclusive(|byte| *byte == b'\n').map(move |whole| {
        let (number, offset) = next;
        next = (number + 1, offset + whole.len() as u64);
        let ended = whole.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = ended.unwrap_or(whole);
        let bytes = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        Line { number, offset: offset + (line.len() - bytes.len()) as u64, bytes }
    })
}
