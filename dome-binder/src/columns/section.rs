//! The sections of an index, and the numbers in them.

macro_rules! sections {
    ($($(#[$docs:meta])* $name:ident = $text:literal,)*) => {
        /// One section of an index. Sections are read one by one, as a question needs them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Section {
            $($(#[$docs])* $name,)*
        }

        impl Section {
            /// Every section.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

/// The version of the sections; another one is another index.
pub const COLUMNS_VERSION: &str = "1";

sections! {
    /// The dictionary: every text once, sorted by its bytes, one behind the other.
    Texts = "texts",
    /// Where each text starts, and where the last one ends: `u32`.
    TextStarts = "text_starts",
    /// Each task line's key (M-62), sorted: 32 bytes.
    LineKeys = "line_keys",
    /// Each task line's scope, target kind, target id and action kind: four texts.
    Lines = "lines",
    /// Each derived key (M-61), sorted: 32 bytes.
    DerivedKeys = "derived_keys",
    /// The fingerprint hash of each derived key: 32 bytes.
    Fingerprints = "fingerprints",
    /// The concept key of each derived key (M-63): 32 bytes.
    Concepts = "concepts",
    /// The task line and the failure code (a text) of each derived key: two `u32`.
    Failures = "failures",
    /// Each fact's derived key.
    Derived = "derived",
    /// Each fact's policy code, a text: the empty one where it has none.
    Policies = "policies",
    /// Each fact's run, a text.
    Runs = "runs",
    /// Each fact's ordered time (M-42): seconds since 1970 (`i64`), then nanoseconds (`u32`).
    Times = "times",
    /// Each fact's place in its run (M-41): `u64`.
    Places = "places",
    /// Whether each fact is failing (1), and the first denial of its kind (2) (M-71): a byte.
    Flags = "flags",
    /// The derived key that each fact applies: its number and one, 0 where there is none.
    Applied = "applied",
    /// The first 8 bytes of each fact's digest: `u64`, big-endian order as a number.
    Digests = "digests",
    /// The first 8 bytes of each fact's idempotency key.
    Idempotency = "idempotency",
    /// The event ids, one behind the other.
    Events = "events",
    /// Where each event id starts, and where the last one ends: `u32`.
    EventStarts = "event_starts",
    /// The source of each fact, a text.
    SourceNames = "source_names",
    /// The line in it: `u64`.
    SourceLines = "source_lines",
    /// Where the gates of each fact start, and where the last ones end: `u32`.
    GateStarts = "gate_starts",
    /// The gates: an id (a text) and a status (0 FAIL, 1 PASS, 2 SKIP), two `u32`.
    Gates = "gates",
    /// Where the denials of each fact start, and where the last ones end: `u32`.
    DenialStarts = "denial_starts",
    /// The denials: code and guard (texts), and whether it was a STOP (1), three `u32`.
    Denials = "denials",
}

/// The bit of a failing fact.
pub(super) const FAILING: u8 = 1;
/// The bit of the first denial of its kind.
pub(super) const UNSEEN: u8 = 2;

/// Numbers of a section; what is left over at its end makes it `None`.
pub(super) fn u32s(bytes: &[u8]) -> Option<Vec<u32>> {
    let (words, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| words.iter().map(|word| u32::from_le_bytes(*word)).collect())
}

/// As [`u32s`].
pub(super) fn u64s(bytes: &[u8]) -> Option<Vec<u64>> {
    let (words, rest) = bytes.as_chunks::<8>();
    rest.is_empty().then(|| words.iter().map(|word| u64::from_le_bytes(*word)).collect())
}

/// `count` numbers each.
pub(super) fn tuples<const COUNT: usize>(bytes: &[u8]) -> Option<Vec<[u32; COUNT]>> {
    let (tuples, rest) = u32s(bytes).map(|words| {
        let (tuples, rest) = words.as_chunks::<COUNT>();
        (tuples.to_vec(), rest.len())
    })?;
    (rest == 0).then_some(tuples)
}

/// Hashes of a section.
pub(super) fn hashes(bytes: &[u8]) -> Option<Vec<dome_core::Sha256Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.iter().map(|hash| dome_core::Sha256Hash::from_bytes(*hash)).collect())
}

/// The first 8 bytes of a hash as a number that compares as they do.
pub(super) fn start(hash: dome_core::Sha256Hash) -> u64 {
    hash.as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// An index into a vector.
pub(super) fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_cut_section_are_none() {
        assert_eq!(u32s(&[1, 0, 0, 0, 2]), None);
        assert_eq!(u64s(&[1, 0, 0, 0]), None);
        assert_eq!(tuples::<2>(&[1, 0, 0, 0, 2, 0, 0, 0]), Some(vec![[1, 2]]));
        assert_eq!(tuples::<2>(&[1, 0, 0, 0]), None);
        assert_eq!(hashes(&[0; 31]), None);
    }
}
