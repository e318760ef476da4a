//! Rejected lines, kept with every reason (M-31).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hash::Sha256Hash;
use crate::limits::RAW_BYTES;
use crate::problem::{Problem, Rejection};

/// Where a line stands: its source's name and its number from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Source {
    /// The number of the line, from 1.
    pub line: u64,
    /// The name of the source.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub name: CompactString,
}

/// A row of `quarantine.jsonl` (M-31), its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuarantineRow {
    /// Bytes in the line, without its end and a byte order mark.
    pub length: u64,
    /// The place of its first byte in its source, as decompressed.
    pub offset: u64,
    /// Why it was rejected.
    pub problems: Vec<Problem>,
    /// The line, when the whole of it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// The line in Base64 (RFC 4648, padded), when it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_base64: Option<String>,
    /// Whether only the first [`RAW_BYTES`] bytes are kept.
    pub raw_truncated: bool,
    /// SHA-256 of the whole line.
    pub sha256: Sha256Hash,
    /// Where it stood.
    pub source: Source,
}

/// What a quarantine row says of a line's bytes, gathered piece by piece, so that a line of any
/// length is described in bounded memory.
///
/// ```
/// let mut gathered = dome_core::RawLine::new();
/// gathered.push(b"not ");
/// gathered.push(b"json");
/// assert_eq!(gathered.length(), 8);
/// ```
#[derive(Clone, Default)]
pub struct RawLine {
    kept: Vec<u8>,
    length: u64,
    hasher: Sha256,
    not_utf8: bool,
    /// The start of a character that the next piece may complete: at most three bytes.
    begun: Vec<u8>,
}

impl RawLine {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole line.
    #[must_use]
    pub fn of(line: &[u8]) -> Self {
        let mut raw = Self::new();
        raw.push(line);
        raw
    }

    /// A line that is too long, of which only the start is known: what is kept and hashed is of the
    /// first [`RAW_BYTES`] bytes of `start`; `length` is that of the whole line.
    #[must_use]
    pub fn of_start(start: &[u8], length: u64) -> Self {
        let mut kept = start.get(..RAW_BYTES).unwrap_or(start);
        if let Err(error) = str::from_utf8(kept)
            && error.error_len().is_none()
        {
            (kept, _) = kept.split_at(error.valid_up_to());
        }
        Self { length, ..Self::of(kept) }
    }

    /// The next bytes of the line.
    pub fn push(&mut self, bytes: &[u8]) {
        let (kept, _) = bytes.split_at(RAW_BYTES.saturating_sub(self.kept.len()).min(bytes.len()));
        self.kept.extend_from_slice(kept);
        self.length += bytes.len() as u64;
        self.hasher.update(bytes);
        let begun = std::mem::take(&mut self.begun);
        let bytes = if begun.is_empty() { Cow::Borrowed(bytes) } else { Cow::Owned([&begun, bytes].concat()) };
        if let Err(error) = str::from_utf8(&bytes) {
            self.not_utf8 |= error.error_len().is_some();
            let (_, begun) = bytes.split_at(if self.not_utf8 { bytes.len() } else { error.valid_up_to() });
            self.begun = begun.to_vec();
        }
    }

    fn is_text(&self) -> bool {
        !self.not_utf8 && self.begun.is_empty()
    }

    /// Bytes so far.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The row for a line that was rejected.
    #[must_use]
    pub fn row(self, offset: u64, source: Source, rejection: Rejection) -> QuarantineRow {
        let is_text = self.is_text();
        // What is kept may end inside a character.
        let whole_characters = || self.kept.utf8_chunks().next().map_or("", |chunk| chunk.valid()).to_owned();
        let (raw, raw_base64) = (is_text.then(whole_characters), (!is_text).then(|| STANDARD.encode(&self.kept)));
        QuarantineRow {
            length: self.length,
            offset,
            problems: rejection.into_problems(),
            raw,
            raw_base64,
            raw_truncated: self.length > RAW_BYTES as u64,
            sha256: Sha256Hash::from_bytes(self.hasher.finalize().into()),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &[u8]) -> QuarantineRow {
        let source = Source { line: 1, name: "a".into() };
        let Err(rejection) = crate::read(line) else { unreachable!("the lines here are bad") };
        RawLine::of(line).row(0, source, rejection)
    }

    #[test]
    fn m31_raw_is_cut_at_a_character_boundary() {
        let line = format!("x{}", "é".repeat(3_000));
        let row = row(line.as_bytes());
        assert!(row.raw_truncated);
        assert_eq!(row.raw.map(|raw| raw.len()), Some(4_095));
        assert_eq!((row.length, row.sha256), (6_001, Sha256Hash::of(line.as_bytes())));
    }

    #[test]
    fn m31_raw_is_text_only_when_the_whole_line_is_utf8() {
        let mut line = vec![b'x'; 5_000];
        line.push(0xFF);
        let row = row(&line);
        assert_eq!(row.raw, None);
        assert_eq!(row.raw_base64.map(|raw| raw.len()), Some(4_096_usize.div_ceil(3) * 4));
        assert!(row.raw_truncated);
    }

    proptest::proptest! {
        #[test]
        fn m31_pieces_and_the_whole_line_give_one_row(
            line in proptest::collection::vec(proptest::prop_oneof![
                proptest::prelude::Just("é".as_bytes().to_vec()),
                proptest::prelude::Just("\u{1F600}".as_bytes().to_vec()),
                proptest::prelude::Just(vec![b'a']),
                proptest::prelude::Just(vec![0xF0, 0x9F]),
            ], 0..20),
            piece in 1_usize..5,
        ) {
            let line = line.concat();
            let mut raw = RawLine::new();
            line.chunks(piece).for_each(|bytes| raw.push(bytes));
            proptest::prop_assert_eq!(raw.is_text(), str::from_utf8(&line).is_ok());
            proptest::prop_assert_eq!(raw.length(), line.len() as u64);
        }
    }
}
