//! Sizes of memory, as people write them: `512MiB`, `2GB`, `1073741824`.

use std::str::FromStr;

use crate::input::LineSource;

/// Units of 1024 and of 1000, beside plain bytes. Their case matters.
const UNITS: [(&str, u64); 7] = [
    ("", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// The least that is taken: with less, runs and task lines of a usual size would not fit by themselves.
pub const LEAST_BYTES: u64 = 64 << 20;

/// The memory that a replay keeps to where nothing else is asked for, and it is not known how much it will read.
pub const DEFAULT_MEMORY: MemorySize = MemorySize(160 << 20);

/// The most that a replay takes without being asked to.
const MOST_UNASKED: u64 = 2 << 30;

/// The memory that a replay keeps to, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemorySize(u64);

/// Why a text is no size of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// It is no whole number with a unit.
    #[error("expected a whole number of bytes, or one with kB, MB, GB, KiB, MiB or GiB, such as `512MiB`")]
    Shape,
    /// It is too small to work with.
    #[error("expected at least 64MiB")]
    Small,
}

impl MemorySize {
    /// Its bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The memory that a replay of these sources keeps to where nothing else is asked for: a tenth more than they
    /// have bytes, in which a history whose failures repeat is replayed without temporary files; 64 MiB at least, 2 GiB
    /// at most. Where a source is compressed or no file, at least [`DEFAULT_MEMORY`].
    #[must_use]
    pub fn for_sources(sources: &[LineSource]) -> Self {
        let (known, unknown): (Vec<_>, Vec<_>) = sources.iter().map(LineSource::bytes).partition(Option::is_some);
        let bytes = known.into_iter().flatten().fold(0, u64::saturating_add);
        let least = if unknown.is_empty() { LEAST_BYTES } else { DEFAULT_MEMORY.0 };
        Self((bytes.saturating_add(bytes / 10)).clamp(least, MOST_UNASKED))
    }
}

/// As people write it, in the largest unit of 1024 that divides it.
impl std::fmt::Display for MemorySize {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = UNITS
            .iter()
            .rev()
            .filter(|(name, unit)| (*unit == 1 || name.ends_with("iB")) && self.0.is_multiple_of(*unit));
        match units.max_by_key(|(_, unit)| *unit) {
            Some((name, unit)) => write!(formatter, "{}{name}", self.0 / unit),
            None => write!(formatter, "{}", self.0),
        }
    }
}

/// # Errors
///
/// [`SizeError`].
impl FromStr for MemorySize {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or(SizeError::Shape)?;
        let (_, unit) = UNITS.into_iter().find(|(name, _)| *name == unit.trim_start()).ok_or(SizeError::Shape)?;
        // `number` is digits alone: parsing fails on none of them, or on too many.
        let bytes = number.parse().ok().and_then(|number: u64| number.checked_mul(unit)).ok_or(SizeError::Shape)?;
        if bytes < LEAST_BYTES { Err(SizeError::Small) } else { Ok(Self(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::input::find_some;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("67108864", 67_108_864),
            ("64MiB", 67_108_864),
            ("512 MiB", 536_870_912),
            ("70000kB", 70_000_000),
            ("65536KiB", 67_108_864),
            ("100MB", 100_000_000),
            ("2GB", 2_000_000_000),
            ("3GiB", 3_221_225_472),
        ] {
            assert_eq!(text.parse(), Ok(MemorySize(bytes)), "{text}");
        }
        for text in ["", "MiB", "512mib", "512M", "1.5GiB", "-1GiB", "0x40MiB", "18446744073709551615GiB", "1GiB1"] {
            assert_eq!(text.parse::<MemorySize>(), Err(SizeError::Shape), "{text}");
        }
        for text in ["0", "512", "63MiB", "67108863"] {
            assert_eq!(text.parse::<MemorySize>(), Err(SizeError::Small), "{text}");
        }
        assert_eq!(DEFAULT_MEMORY.to_string(), "160MiB");
        assert_eq!(MemorySize(MOST_UNASKED).to_string(), "2GiB");
        assert!(SizeError::Small.to_string().contains(&format!("{}MiB", LEAST_BYTES >> 20)));
    }

    #[test]
    fn what_is_read_says_how_much_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: u64| {
            let path = folder.path().join(name);
            std::fs::File::create(&path).and_then(|file| file.set_len(bytes)).unwrap();
            path
        };
        let (small, large, huge) = (file("a", 1_000), file("b", 400_000_000), file("c", 1 << 40));
        let packed = file("d.gz", 1_000);
        for (paths, expected) in [
            (vec![&small], LEAST_BYTES),
            (vec![&large], 440_000_000),
            (vec![&small, &large], 440_001_100),
            (vec![&small, &large, &huge], MOST_UNASKED),
            (vec![&small, &packed], DEFAULT_MEMORY.0),
            (vec![&large, &packed], 440_000_000),
        ] {
            let paths: Vec<_> = paths.into_iter().cloned().collect();
            let sources = find_some(&paths, crate::input::ENVELOPES).unwrap();
            assert_eq!(MemorySize::for_sources(&sources).bytes(), expected, "{paths:?}");
        }
    }
}
