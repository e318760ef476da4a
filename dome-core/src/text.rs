//! White space, case, order and quoting of text (M-01, M-06, M-30).

use std::cmp::Ordering;
use std::path::Path;

use wide::u8x16;

use crate::limits;

/// How a type calls itself whose text never needs an escape: to [`crate::canonical::append`] it is
/// copied as it stands, to any other serialiser it is a string.
pub(crate) const PLAIN_TEXT: &str = "$dome::PlainText";

/// White space is U+0009 to U+000D and U+0020 (M-06); `char::is_ascii_whitespace` leaves out U+000B.
pub(crate) const fn is_blank(character: char) -> bool {
    matches!(character, '\t'..='\r' | ' ')
}

/// `text` without M-06 white space at either end.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// The order of object keys in canonical bytes: by UTF-16 code units (RFC 8785, section 3.2.3).
///
/// It differs from the order of UTF-8 bytes only where a character beyond U+FFFF meets one from
/// U+E000 to U+FFFF.
///
/// ```
/// use std::cmp::Ordering;
/// assert_eq!(dome_core::utf16_order("\u{1F600}", "\u{FB33}"), Ordering::Less);
/// assert_eq!("\u{1F600}".cmp("\u{FB33}"), Ordering::Greater);
/// ```
pub fn utf16_order(left: &str, right: &str) -> Ordering {
    let high = |text: &str| text.bytes().any(|byte| byte >= 0xEE);
    if high(left) && high(right) { left.encode_utf16().cmp(right.encode_utf16()) } else { left.cmp(right) }
}

/// A name or a message of others as people may see it: on one line, each control character, each mark that turns the
/// order of what follows and each character that shows as nothing as `\u{1b}`, so that no terminal and no runner of
/// workflows obeys it and no two names look like one.
///
/// ```
/// assert_eq!(dome_core::escaped("a\u{1b}[31m\n::error::x"), "a\\u{1b}[31m\\u{a}::error::x");
/// assert_eq!(dome_core::escaped("a\u{202e}b\u{200b}"), "a\\u{202e}b\\u{200b}");
/// ```
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character does something where it is shown, or shows as nothing: what [`escaped`] escapes.
///
/// ```
/// assert!(dome_core::is_obeyed('\n') && dome_core::is_obeyed('\u{200b}') && !dome_core::is_obeyed('é'));
/// ```
#[must_use]
pub fn is_obeyed(character: char) -> bool {
    character.is_control() || is_unseen(character)
}

/// Whether it shows as nothing (what Unicode calls default ignorable, the marks of UAX #9 among them), or ends a line.
const fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A path, [`escaped`].
#[must_use]
pub fn escaped_path(path: &Path) -> String {
    escaped(&path.to_string_lossy())
}

/// The text as a message quotes it: in backticks, on one line, at most 80 characters (M-30).
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().min(4 * limits::QUOTE_CHARS) + 2);
    quoted.push('`');
    for (count, character) in text.chars().enumerate() {
        if count == limits::QUOTE_CHARS {
            quoted.push('…');
            break;
        }
        if character.is_control() {
            quoted.extend(character.escape_default());
        } else {
            quoted.push(character);
        }
    }
    quoted.push('`');
    quoted
}

/// The longest prefix of at most `bytes` bytes that ends at a character boundary.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

pub(crate) const BLOCK: usize = 16;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;

/// The bytes before the first control character, quote or backslash, which a JSON string holds as they stand.
#[inline(always)]
pub(crate) fn plain_prefix(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((block, after)) = rest.split_first_chunk() {
        let place = special_of(block);
        if place < BLOCK {
            return bytes.len() - rest.len() + place;
        }
        rest = after;
    }
    bytes.len() - rest.len() + if is_plain(rest) { rest.len() } else { plain_bytes(rest) }
}

/// The bytes from the first control character, quote or backslash on, of bytes that end with a
/// [`BLOCK`] of control characters.
#[inline(always)]
pub(crate) fn from_special(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let Some(block) = rest.first_chunk() {
        let place = special_of(block);
        (_, rest) = rest.split_at(place);
        if place < BLOCK {
            break;
        }
    }
    rest
}

/// The place of the first control character, quote or backslash of a block, or its length.
#[inline(always)]
fn special_of(block: &[u8; BLOCK]) -> usize {
    let block = u8x16::new(*block);
    let is = |byte: u8| block.cmp_eq(u8x16::splat(byte));
    let control = block.min(u8x16::splat(0x1F)).cmp_eq(block);
    let special = control | is(b'"') | is(b'\\');
    // A bit beyond the block, so that there is always a first one.
    (special.move_mask() | 1 << BLOCK).trailing_zeros() as usize
}

/// The high bit of the first of eight bytes that is a control character, a quote or a backslash,
/// and perhaps of some behind it.
#[inline(always)]
fn special(word: u64) -> u64 {
    // With the bit 2 turned, a quote stands right above the control characters.
    let low = (word ^ (2 * ONES)).wrapping_sub(0x21 * ONES);
    let backslash = (word ^ (u64::from(b'\\') * ONES)).wrapping_sub(ONES);
    (low | backslash) & !word & HIGH
}

/// Whether none of fewer bytes than a block is special. Two words, or half words, that overlap.
#[inline(always)]
fn is_plain(bytes: &[u8]) -> bool {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => special(u64::from_le_bytes(*first)) | special(u64::from_le_bytes(*last)) == 0,
        _ => match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
                special(first | last << 32) == 0
            }
            _ => plain_bytes(bytes) == bytes.len(),
        },
    }
}

fn plain_bytes(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte >= 0x20 && !matches!(**byte, b'"' | b'\\')).count()
}

/// Whether all bytes are printable ASCII, U+0020 to U+007E.
#[inline]
pub(crate) fn is_printable(bytes: &[u8]) -> bool {
    let printable = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        (word | word.wrapping_add(ONES) | word.wrapping_sub(0x20 * ONES)) & HIGH == 0
    };
    match bytes.last_chunk() {
        Some(last) => printable(last) && bytes.as_chunks().0.iter().all(printable),
        None => bytes.iter().all(|byte| (0x20..0x7F).contains(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m06_vertical_tab_is_white_space() {
        assert_eq!(trim("\u{b}\t a \u{c}\r\n"), "a");
        assert_eq!(trim("\u{a0}a"), "\u{a0}a");
    }

    #[test]
    fn m30_a_quote_is_one_line_of_at_most_eighty_characters() {
        assert_eq!(quote("a\nb"), "`a\\nb`");
        assert_eq!(quote(&"é".repeat(81)), format!("`{}…`", "é".repeat(80)));
    }

    #[test]
    fn cut_never_splits_a_character() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }

    proptest::proptest! {
        #[test]
        fn m01_utf16_order_is_the_order_of_code_units(a in ".{0,4}", b in ".{0,4}") {
            proptest::prop_assert_eq!(utf16_order(&a, &b), a.encode_utf16().cmp(b.encode_utf16()));
        }

        #[test]
        fn the_plain_prefix_ends_at_the_first_special_byte(
            bytes in proptest::collection::vec(proptest::prop_oneof![0x18_u8..=0x23, 0x5B_u8..=0x5D, 0_u8..=255], 0..40),
        ) {
            let special = bytes.iter().position(|byte| matches!(byte, 0..=0x1F | b'"' | b'\\'));
            proptest::prop_assert_eq!(plain_prefix(&bytes), special.unwrap_or(bytes.len()));
            let padded = [&bytes, [0; BLOCK].as_slice()].concat();
            for from in 0..=bytes.len() {
                let rest = padded.get(from..).unwrap_or_default();
                let special = rest.iter().position(|byte| matches!(byte, 0..=0x1F | b'"' | b'\\')).unwrap_or(0);
                proptest::prop_assert_eq!(from_special(rest), rest.get(special..).unwrap_or_default());
            }
        }

        #[test]
        fn printable_bytes_are_those_from_space_to_tilde(
            bytes in proptest::collection::vec(proptest::prop_oneof![9 => 0x20_u8..=0x7E, 1 => 0_u8..=255], 0..30),
        ) {
            let printable = bytes.iter().all(|byte| (0x20..=0x7E).contains(byte));
            proptest::prop_assert_eq!(is_printable(&bytes), printable);
        }
    }
}
