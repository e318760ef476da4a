//! White space, case, order and quoting of text (M-01, M-06, M-30).

mod plain;

pub(crate) use plain::{BLOCK, from_special, is_printable, plain_prefix};

use std::cmp::Ordering;
use std::path::Path;

use crate::limits;

/// Whether a character is white space in the sense of M-06: U+0009 to U+000D and U+0020.
///
/// Not `char::is_ascii_whitespace`, which leaves out U+000B.
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

/// A name or a message of others as people may see it: on one line, each control character as `\u{1b}`, so that no
/// terminal and no runner of workflows obeys it.
///
/// ```
/// assert_eq!(dome_core::escaped("a\u{1b}[31m\n::error::x"), "a\\u{1b}[31m\\u{a}::error::x");
/// ```
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
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
    let boundary = (0..=bytes.min(text.len())).rev().find(|place| text.is_char_boundary(*place));
    text.get(..boundary.unwrap_or(0)).unwrap_or_default()
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
    }
}
