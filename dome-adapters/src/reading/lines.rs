//! Lines, one at a time.

use std::io::{BufRead, Read};

use super::{Reading, failed};
use crate::finding::{At, Finding, FindingCode};

/// Bytes of one line.
const LINE_BYTES: u64 = 1 << 24;

/// One line, without its end and without a byte order mark.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'b> {
    /// From 1.
    pub(crate) number: u64,
    /// Its bytes; empty when it is too long.
    pub(crate) bytes: &'b [u8],
    /// Whether it was longer than a line may be, and was passed over.
    pub(crate) too_long: bool,
}

impl Line<'_> {
    pub(crate) fn is_blank(&self) -> bool {
        self.bytes.trim_ascii().is_empty() && !self.too_long
    }

    /// The line as text, or what is wrong with it.
    pub(crate) fn text(&self, at: At<'_>) -> Result<&str, Finding> {
        if self.too_long {
            let message = format!("the line is longer than {LINE_BYTES} bytes");
            return Err(at.found(FindingCode::TooLarge, message, "a shorter line"));
        }
        std::str::from_utf8(self.bytes).map_err(|error| {
            let message = format!("byte {} of the line does not begin a character in UTF-8", error.valid_up_to());
            at.found(FindingCode::EncodingInvalid, message, "UTF-8")
        })
    }
}

impl Reading<'_> {
    /// The next line; `buffer` holds it. Memory is bounded by [`LINE_BYTES`].
    pub(crate) fn line<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Option<Line<'b>>, Finding> {
        buffer.clear();
        let read = Read::take(&mut *self.reader, LINE_BYTES + 1).read_until(b'\n', buffer);
        let read = read.map_err(|error| failed(self.at(""), &error))?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        let number = self.line;
        if buffer.len() as u64 > LINE_BYTES && !buffer.ends_with(b"\n") {
            buffer.clear();
            self.skip_line()?;
            return Ok(Some(Line { number, bytes: &[], too_long: true }));
        }
        let line = buffer.strip_suffix(b"\n").map_or(&buffer[..], |line| line.strip_suffix(b"\r").unwrap_or(line));
        Ok(Some(Line { number, bytes: line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line), too_long: false }))
    }

    fn skip_line(&mut self) -> Result<(), Finding> {
        loop {
            let piece = match self.reader.fill_buf() {
                Ok(piece) => piece,
                Err(error) => return Err(failed(self.at(""), &error)),
            };
            let end = piece.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(piece.len(), |end| end + 1);
            let done = end.is_some() || piece.is_empty();
            self.reader.consume(used);
            if done {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn lines_are_handed_out_one_by_one_and_one_that_is_too_long_is_passed_over() {
        let long = "x".repeat(usize::try_from(LINE_BYTES).unwrap() + 1);
        let text = format!("\u{feff}a\r\n\n{long}\nb");
        let mut reader = text.as_bytes();
        let mut reading = Reading::new("f", &mut reader);
        let (mut buffer, mut found) = (Vec::new(), Vec::new());
        while let Some(line) = reading.line(&mut buffer).unwrap() {
            found.push((line.number, line.bytes.to_vec(), line.too_long));
        }
        let expected = [(1, &b"a"[..], false), (2, b"", false), (3, b"", true), (4, b"b", false)];
        assert_eq!(found, expected.map(|(number, bytes, long)| (number, bytes.to_vec(), long)));
    }
}
