//! Facts by their position, read back from where they stand.

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use dome_binder::columns::{Needed, Settled};
use dome_binder::explain::Part;
use dome_binder::{Fact, LineFact, Position, Record, Recorder};
use dome_core::{Reader, Source};
use serde_json::Value;

use super::{Lookup, gather};
use crate::result::{FactRow, ResultDir};
use crate::store::Segments;

/// The section of the places of facts.
pub(super) const PLACES: &str = "row_places";
/// Bytes of a place.
pub(super) const LEAD: usize = 32;

/// Where a fact's row stands: in `facts.jsonl`, or in a segment of a log, as an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowPlace {
    pub(crate) segment: u64,
    pub(crate) start: u64,
    pub(crate) length: u64,
    pub(crate) position: u64,
}

impl RowPlace {
    pub(super) fn write(self, bytes: &mut Vec<u8>) {
        for number in [self.segment, self.start, self.length, self.position] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        match (numbers, rest) {
            ([segment, start, length, position], []) => {
                let [segment, start, length, position] =
                    [segment, start, length, position].map(|n| u64::from_le_bytes(*n));
                Some(Self { segment, start, length, position })
            }
            _ => None,
        }
    }
}

/// Where rows are read.
pub(super) enum Rows {
    Result(File, Box<ResultDir>),
    Store(RefCell<Segments>),
}

impl Rows {
    pub(super) fn store(store: &Path) -> Self {
        Self::Store(RefCell::new(Segments::of(store)))
    }

    /// Makes the keys that the rows were bound by.
    fn recorder(&self) -> Recorder {
        match self {
            Self::Result(_, result) => Recorder::new(result.binder()),
            Self::Store(_) => Recorder::default(),
        }
    }

    fn record(&self, place: RowPlace, source: Source, reader: &mut Reader, recorder: &mut Recorder) -> Option<Record> {
        match self {
            Self::Result(file, _) => {
                // A place is not checked by itself: it may claim any length.
                place
                    .start
                    .checked_add(place.length)
                    .filter(|end| file.metadata().is_ok_and(|found| *end <= found.len()))?;
                let mut bytes = vec![0; usize::try_from(place.length).ok()?];
                file.read_exact_at(&mut bytes, place.start).ok()?;
                FactRow::cut(bytes.strip_suffix(b"\n")?)?.record(source, reader, recorder)
            }
            Self::Store(segments) => {
                let raw = segments.borrow_mut().line_at(place)?;
                Some(recorder.record(reader.read(&raw).ok()?, source))
            }
        }
    }
}

/// Facts that were read back, in total order.
#[derive(Debug, Default)]
pub(crate) struct Brought(Vec<(Position, Fact, bool)>);

impl Brought {
    /// All facts of a history.
    pub(crate) fn whole(ledger: dome_binder::Ledger) -> Self {
        let unseen = ledger.unseen_denials();
        let facts = ledger.facts.into_iter().enumerate();
        Self(facts.map(|(position, fact)| (position, fact, unseen.contains(&position))).collect())
    }

    /// As explanations take them.
    pub(crate) fn part(&self) -> Part<'_> {
        Part {
            facts: self
                .0
                .iter()
                .map(|(position, fact, unseen)| LineFact { position: *position, fact, unseen_denial: *unseen })
                .collect(),
        }
    }

    /// The facts themselves.
    pub(crate) fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.0.iter().map(|(_, fact, _)| fact)
    }
}

impl Lookup {
    /// Reads facts back; `None` when one is not the fact that was indexed.
    pub(crate) fn bring(&self, needed: &Needed) -> Option<Brought> {
        let positions: Vec<Position> = needed.iter().copied().collect();
        let (settled, digests) = (self.columns.settled(&positions)?, self.columns.digest_starts(&positions)?);
        let (mut reader, mut recorder) = (Reader::new().any_length(), self.rows.recorder());
        let known = positions.into_iter().zip(settled.into_iter().zip(digests));
        let facts = known.map(|(position, (settled, digest))| {
            let Settled { ordered_ts, place, source, unseen_denial } = settled;
            let lead = u64::try_from(position.checked_mul(LEAD)?).ok()?;
            let stands = RowPlace::read(&self.container.piece(PLACES, lead, LEAD as u64)?)?;
            let record = self.rows.record(stands, source, &mut reader, &mut recorder)?;
            let same =
                record.keys.digest.as_bytes().first_chunk().map(|first| u64::from_be_bytes(*first)) == Some(digest);
            same.then(|| (position, Fact { record: Box::new(record), ordered_ts, place }, unseen_denial))
        });
        Some(Brought(facts.collect::<Option<_>>()?))
    }

    /// The rows of the quarantine.
    pub(crate) fn quarantine(&self) -> Option<Vec<Value>> {
        if let Rows::Result(_, result) = &self.rows {
            return result.rows("quarantine.jsonl").ok();
        }
        let bytes = self.container.section(gather::QUARANTINE)?;
        let rows = bytes.split(|byte| *byte == b'\n').filter(|row| !row.is_empty());
        rows.map(|row| serde_json::from_slice(row).ok()).collect()
    }
}
