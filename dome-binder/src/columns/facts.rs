//! An index that can be asked.

use dome_core::{Sha256Hash, Source, Timestamp};

use super::section::{FAILING, Section, UNSEEN, at, hashes, tuples, u32s, u64s};
use super::text::Texts;
use crate::ledger::Position;

/// The facts of a history as columns. Sections are fetched as questions need them.
pub struct Columns<S> {
    fetch: S,
    pub(super) texts: Texts,
}

/// What an index knows of a fact that its record does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Its ordered time (M-42).
    pub ordered_ts: Timestamp,
    /// Its place in its run (M-41).
    pub place: u64,
    /// Where it first appeared (M-43).
    pub source: Source,
    /// Whether it is the first denial of its kind (M-71).
    pub unseen_denial: bool,
}

impl<S> std::fmt::Debug for Columns<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Columns").field("texts", &self.texts.len()).finish_non_exhaustive()
    }
}

impl<S: Fn(Section) -> Option<Vec<u8>>> Columns<S> {
    /// The index whose sections `fetch` brings; `None` when it cannot.
    #[must_use]
    pub fn new(fetch: S) -> Option<Self> {
        let texts = Texts::new(fetch(Section::Texts)?, &fetch(Section::TextStarts)?)?;
        Some(Self { fetch, texts })
    }

    pub(super) fn bytes(&self, section: Section) -> Option<Vec<u8>> {
        (self.fetch)(section)
    }

    pub(super) fn numbers(&self, section: Section) -> Option<Vec<u32>> {
        u32s(&self.bytes(section)?)
    }

    pub(super) fn long(&self, section: Section) -> Option<Vec<u64>> {
        u64s(&self.bytes(section)?)
    }

    pub(super) fn tuples<const COUNT: usize>(&self, section: Section) -> Option<Vec<[u32; COUNT]>> {
        tuples(&self.bytes(section)?)
    }

    pub(super) fn hashes(&self, section: Section) -> Option<Vec<Sha256Hash>> {
        hashes(&self.bytes(section)?)
    }

    /// The ordered times, in total order.
    pub(super) fn times(&self) -> Option<Vec<(i64, u32)>> {
        let bytes = self.bytes(Section::Times)?;
        let (times, rest) = bytes.as_chunks::<12>();
        let time = |bytes: &[u8; 12]| {
            let (seconds, nanoseconds) = bytes.split_first_chunk()?;
            Some((i64::from_le_bytes(*seconds), u32::from_le_bytes(*nanoseconds.first_chunk()?)))
        };
        rest.is_empty().then(|| times.iter().map(time).collect())?
    }

    /// Whether each fact is failing.
    pub(super) fn failing(&self) -> Option<Vec<bool>> {
        Some(self.bytes(Section::Flags)?.into_iter().map(|flags| flags & FAILING != 0).collect())
    }

    /// What is known of the facts at `positions` beside their records, in their order.
    #[must_use]
    pub fn settled(&self, positions: &[Position]) -> Option<Vec<Settled>> {
        let (times, places, flags) = (self.times()?, self.long(Section::Places)?, self.bytes(Section::Flags)?);
        let (names, lines) = (self.numbers(Section::SourceNames)?, self.long(Section::SourceLines)?);
        let settled = |position: &Position| {
            let (seconds, nanoseconds) = times.get(*position)?;
            Some(Settled {
                ordered_ts: Timestamp::from_unix(*seconds, *nanoseconds).ok()?,
                place: *places.get(*position)?,
                source: Source { line: *lines.get(*position)?, name: self.texts.get(*names.get(*position)?)?.into() },
                unseen_denial: flags.get(*position)? & UNSEEN != 0,
            })
        };
        positions.iter().map(settled).collect()
    }

    /// The first 8 bytes of the digests of the facts at `positions`, as numbers in the order of bytes:
    /// a record that was read back is the one that was indexed.
    #[must_use]
    pub fn digest_starts(&self, positions: &[Position]) -> Option<Vec<u64>> {
        let digests = self.long(Section::Digests)?;
        positions.iter().map(|position| digests.get(*position).copied()).collect()
    }

    /// The spans of a list, one a fact.
    pub(super) fn spans(&self, section: Section) -> Option<Vec<std::ops::Range<usize>>> {
        let starts = self.numbers(section)?;
        Some(starts.windows(2).filter_map(|span| Some(at(*span.first()?)..at(*span.last()?))).collect())
    }
}
