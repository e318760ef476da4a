//! SHA-256 values (M-02).

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::text::PLAIN_TEXT;

/// A SHA-256 value, written as 64 lower-case hex digits (M-02).
///
/// ```
/// use dome_core::Sha256Hash;
/// let hash = Sha256Hash::of(b"");
/// assert!(hash.to_string().starts_with("e3b0c442"));
/// assert_eq!(hash.to_string().parse(), Ok(hash));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Hash([u8; 32]);

/// Why a text is not a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 lower-case hex digits")]
pub struct HashError;

impl Sha256Hash {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes themselves.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash that these 32 bytes are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash of everything that a reader gives.
    ///
    /// # Errors
    ///
    /// When it cannot be read to its end.
    pub fn of_reader(reader: impl Read) -> io::Result<Self> {
        let mut reader = HashingReader::new(reader);
        io::copy(&mut reader, &mut io::sink())?;
        Ok(reader.sha256())
    }

    /// The first 12 digits: enough to tell the hashes of one page apart.
    ///
    /// ```
    /// assert_eq!(dome_core::Sha256Hash::of(b"").short(), "e3b0c44298fc");
    /// ```
    #[must_use]
    pub fn short(&self) -> String {
        format!("{self:.12}")
    }

    #[expect(clippy::expect_used, reason = "hex digits are ASCII")]
    fn with_hex<T>(self, use_text: impl FnOnce(&str) -> T) -> T {
        // Without a table or a branch, so that the compiler takes many bytes at a time.
        let digit = |nibble: u8| b'0' + nibble + (b'a' - b'9' - 1) * u8::from(nibble > 9);
        let mut hex = [0; 64];
        let (pairs, _) = hex.as_chunks_mut::<2>();
        for (pair, byte) in pairs.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        use_text(str::from_utf8(&hex).expect("hex digits are ASCII"))
    }
}

/// A reader that hashes and counts what is read through it.
///
/// ```
/// use std::io::Read;
/// use dome_core::{HashingReader, Sha256Hash};
/// let (mut reader, mut text) = (HashingReader::new(&b"abc"[..]), String::new());
/// reader.read_to_string(&mut text)?;
/// assert_eq!((reader.bytes(), reader.sha256()), (3, Sha256Hash::of(b"abc")));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct HashingReader<R> {
    reader: R,
    hasher: Sha256,
    bytes: u64,
}

impl<R: Read> HashingReader<R> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(reader: R) -> Self {
        Self { reader, hasher: Sha256::new(), bytes: 0 }
    }

    /// How many bytes were read.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The hash of what was read.
    #[must_use]
    pub fn sha256(&self) -> Sha256Hash {
        Sha256Hash::from_bytes(self.hasher.clone().finalize().into())
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        let (read, _) = into.split_at(count);
        self.hasher.update(read);
        self.bytes += count as u64;
        Ok(count)
    }
}

impl Ord for Sha256Hash {
    /// By their bytes. The first eight nearly always tell.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let first_word = |[a, b, c, d, e, f, g, h, ..]: [u8; 32]| u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        first_word(self.0).cmp(&first_word(other.0)).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Sha256Hash {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Sha256Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_hex(|hex| formatter.pad(hex))
    }
}

impl fmt::Debug for Sha256Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Sha256Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        // Without a branch, so that the compiler takes many digits at a time: 16 and more are none.
        let digit = |byte: u8| {
            let (decimal, letter) = (byte.wrapping_sub(b'0'), byte.wrapping_sub(b'a'));
            if decimal < 10 { decimal } else { letter.saturating_add(10) }
        };
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| HashError)?;
        let nibbles = digits.map(digit);
        if nibbles.iter().fold(0, |all, nibble| all | nibble) >= 16 {
            return Err(HashError);
        }
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(nibbles.as_chunks().0) {
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Sha256Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_hex(|hex| serializer.serialize_newtype_struct(PLAIN_TEXT, hex))
    }
}

impl<'de> Deserialize<'de> for Sha256Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m02_hashes_are_in_the_order_of_their_digits() {
        let base = Sha256Hash::of(b"");
        let mut hashes: Vec<Sha256Hash> = (0..32_u8).map(|text| Sha256Hash::of(&[text])).collect();
        for place in 0..32 {
            let mut bytes = *base.as_bytes();
            bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 0x80);
            hashes.extend([base, Sha256Hash::from_bytes(bytes)]);
        }
        for (a, b) in hashes.iter().flat_map(|a| hashes.iter().map(move |b| (a, b))) {
            assert_eq!(a.cmp(b), a.to_string().cmp(&b.to_string()), "{a} {b}");
        }
    }

    #[test]
    fn m02_only_64_lower_case_hex_digits_are_a_hash() {
        let hex = "ab".repeat(32);
        assert_eq!(hex.parse::<Sha256Hash>().map(|hash| hash.to_string()), Ok(hex.clone()));
        for bad in [&hex[1..], &format!("{hex}a"), &format!("{hex}ab"), &hex.to_uppercase(), ""] {
            assert_eq!(bad.parse::<Sha256Hash>(), Err(HashError), "{bad}");
        }
        for byte in 0..0x80_u8 {
            let text = format!("{}{}{}", &hex[..7], char::from(byte), &hex[8..]);
            let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let back = text.parse::<Sha256Hash>().map(|hash| hash.to_string());
            assert_eq!(back, if is_digit { Ok(text.clone()) } else { Err(HashError) }, "{text}");
        }
    }
}
