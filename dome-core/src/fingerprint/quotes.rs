//! The rules that normaliser 2 adds to those of version 1 (`normalizer-v2.json`): what stands in
//! quotes differs from run to run, so it is masked.
//!
//! A quote opens at the start of the text or behind what is no word, so that the apostrophes of
//! `users'` and `5"` open nothing; those inside words (`don't`) are set apart first.

use std::ops::Range;

use memchr::{memchr, memchr3};

use super::scan::{Rule, first};

/// Characters that a quoted string may have.
const QUOTED_CHARS: usize = 256;

/// The rules, in the order of the document; each looks at one line.
pub(super) const QUOTES: [Rule; 2] = [(apostrophe, "\u{2019}"), (quoted, "<str>")];

const fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The `'` of `([A-Za-z0-9_])'([A-Za-z0-9_])`: what the groups matched stays, and is used up.
fn apostrophe(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    // The letter behind the match before this one belongs to that match.
    let unused = from + usize::from(from > 0);
    let word = |at: usize| bytes.get(at).copied().is_some_and(in_word);
    first(
        bytes,
        from,
        |bytes| memchr(b'\'', bytes),
        |place| {
            let before = place.checked_sub(1).filter(|before| *before >= unused)?;
            (word(before) && word(place + 1)).then_some(place..place + 1)
        },
    )
}

/// What stands behind the first group of
/// ``(^|[^A-Za-z0-9_])("[^"\r\n]{1,256}"|'[^'\r\n]{1,256}'|`[^`\r\n]{1,256}`)``.
fn quoted(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    first(
        bytes,
        from,
        |bytes| memchr3(b'"', b'\'', b'`', bytes),
        |open| {
            let before = open.checked_sub(1).map(|before| (before >= from).then(|| bytes.get(before)).flatten());
            let opens = before.is_none_or(|byte| byte.is_some_and(|byte| !in_word(*byte)));
            let close = opens.then(|| closing(bytes, open)).flatten()?;
            Some(open..close + 1)
        },
    )
}

/// The quote that ends what `open` begins, if 1 to 256 characters of one line stand between them.
fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    let quote = bytes.get(open)?;
    let mut chars = 0;
    for (offset, byte) in bytes.get(open + 1..)?.iter().enumerate() {
        match byte {
            byte if byte == quote => return (chars > 0).then_some(open + 1 + offset),
            b'\r' | b'\n' => return None,
            // The further bytes of a character begin with the bits 10.
            byte => chars += usize::from(byte & 0xC0 != 0x80),
        }
        if chars > QUOTED_CHARS {
            return None;
        }
    }
    None
}
