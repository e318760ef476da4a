//! Looking at many bytes of a text at once.

use wide::u8x16;

/// Bytes of a block.
pub(crate) const BLOCK: usize = 16;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;

/// How many bytes come before the first control character, quote or backslash: what a JSON string
/// holds as it stands.
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
        rest = rest.get(place..).unwrap_or_default();
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

/// [`plain_prefix`] byte by byte.
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

    proptest::proptest! {
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
