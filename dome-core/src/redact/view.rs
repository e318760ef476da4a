//! Text as it is read rather than written: escapes decoded, each byte with its place on the line.

use std::borrow::Cow;
use std::ops::Range;

/// How deep text in text is looked through: a JSON document that is a string of another one is
/// escaped twice.
const LEVELS: usize = 4;

/// A part of a line, as written or with its escapes decoded.
pub(super) struct View<'l> {
    pub(super) bytes: Cow<'l, [u8]>,
    /// Where the part begins on the line.
    start: usize,
    /// Of decoded text: where on the line each byte begins, and where the last one ends.
    places: Vec<usize>,
}

impl<'l> View<'l> {
    /// A part of a line as it is written.
    pub(super) fn written(line: &'l [u8], range: Range<usize>) -> Self {
        let start = range.start;
        Self { bytes: line.get(range).unwrap_or_default().into(), start, places: Vec::new() }
    }

    /// Where a byte begins on the line; of the end, where the last byte ends.
    fn place(&self, byte: usize) -> usize {
        if self.places.is_empty() { self.start + byte } else { self.places.get(byte).copied().unwrap_or(self.start) }
    }

    /// The bytes of the line that a range of this text is written with: whole escapes.
    pub(super) fn on_line(&self, range: Range<usize>) -> Range<usize> {
        let (start, last) = (self.place(range.start), self.place(range.end.saturating_sub(1)));
        let mut end = range.end;
        while end < self.bytes.len() && self.place(end) == last {
            end += 1;
        }
        start..self.place(end)
    }

    /// This text with its escapes decoded; `None` when it has none.
    pub(super) fn decoded(&self) -> Option<View<'static>> {
        memchr::memchr(b'\\', &self.bytes)?;
        let (mut bytes, mut places) = (Vec::with_capacity(self.bytes.len()), Vec::with_capacity(self.bytes.len() + 1));
        let (mut at, mut any) = (0, false);
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let before = bytes.len();
            let taken = match escape(rest) {
                Some((character, taken)) => {
                    any = true;
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    taken
                }
                None => {
                    bytes.extend(rest.first());
                    1
                }
            };
            places.extend((before..bytes.len()).map(|_| self.place(at)));
            at += taken;
        }
        places.push(self.place(at));
        any.then_some(View { bytes: bytes.into(), start: self.start, places })
    }

    /// This text, then as often as there is something to decode, the text that it writes.
    pub(super) fn levels(self, mut each: impl FnMut(&View<'_>)) {
        let mut next = self.decoded();
        each(&self);
        for _ in 0..LEVELS {
            let Some(view) = next else { return };
            each(&view);
            next = view.decoded();
        }
    }
}

/// The character that an escape at the start of `text` writes, and the bytes it takes. Half a
/// surrogate pair is no escape.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let [b'\\', kind, ..] = text else { return None };
    let simple = match kind {
        b'"' | b'\\' | b'/' => char::from(*kind),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(text),
        _ => return None,
    };
    Some((simple, 2))
}

fn unicode(text: &[u8]) -> Option<(char, usize)> {
    let first = code_unit(text)?;
    if !(0xD800..0xDC00).contains(&first) {
        return char::from_u32(first).map(|character| (character, 6));
    }
    let second = code_unit(text.get(6..)?).filter(|unit| (0xDC00..0xE000).contains(unit))?;
    char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)).map(|character| (character, 12))
}

/// `\u` and four hex digits.
fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let all_hex = digits.iter().all(u8::is_ascii_hexdigit);
    str::from_utf8(digits).ok().filter(|_| all_hex).and_then(|digits| u32::from_str_radix(digits, 16).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_text_knows_where_it_stands() {
        let line = br#"a\u0067\/\ud83d\ude00z\q"#;
        let view = View::written(line, 0..line.len());
        let decoded = view.decoded().unwrap_or(view);
        assert_eq!(decoded.bytes.as_ref(), "ag/\u{1F600}z\\q".as_bytes());
        assert_eq!(decoded.on_line(1..2), 1..7);
        assert_eq!(decoded.on_line(2..4), 7..21, "a character is never split");
        assert_eq!(decoded.on_line(7..8), 21..22);
    }
}
