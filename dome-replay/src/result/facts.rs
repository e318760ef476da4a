//! Rows of `facts.jsonl` and `lineage.jsonl` as records again.

use std::borrow::Cow;

use dome_binder::{Record, Recorder};
use dome_core::{Reader, Source};
use serde::Deserialize;

/// What stands before and behind the envelope in a row; nothing behind it can hold the last one.
const DERIVED: &[u8] = b"{\"derived_key\":\"";
const DIGEST: &[u8] = b"\",\"digest\":\"";
const ENVELOPE: &[u8] = b"\",\"envelope\":";
const BEHIND: &[u8] = b",\"fingerprint_hash\":\"";
/// Hex digits of a hash.
const HASH_BYTES: usize = 64;

/// A row of `facts.jsonl` as it is written, cut where its members are.
#[derive(Clone, Copy, Debug)]
pub struct FactRow<'l> {
    /// The canonical envelope.
    pub envelope: &'l [u8],
}

impl<'l> FactRow<'l> {
    /// Cuts a line; `None` when it does not have the form of a row.
    pub fn cut(line: &'l [u8]) -> Option<Self> {
        let (_derived_key, rest) = line.strip_prefix(DERIVED)?.split_at_checked(HASH_BYTES)?;
        let (_digest, rest) = rest.strip_prefix(DIGEST)?.split_at_checked(HASH_BYTES)?;
        let rest = rest.strip_prefix(ENVELOPE)?;
        let behind = rest.windows(BEHIND.len()).rposition(|window| window == BEHIND)?;
        Some(Self { envelope: rest.get(..behind)? })
    }

    /// The record behind the row, as it was read from its source.
    pub fn record(&self, source: Source, reader: &mut Reader, recorder: &mut Recorder) -> Option<Record> {
        let envelope = reader.read(self.envelope).ok()?;
        Some(recorder.record(envelope, source))
    }
}

/// Where a row of `lineage.jsonl` says that a fact stood.
pub fn source_of(line: &[u8]) -> Option<Source> {
    #[derive(Deserialize)]
    struct Row<'l> {
        #[serde(borrow)]
        source: Place<'l>,
    }
    #[derive(Deserialize)]
    struct Place<'l> {
        line: u64,
        #[serde(borrow)]
        name: Cow<'l, str>,
    }
    let Row { source: Place { line, name } } = serde_json::from_slice(line).ok()?;
    Some(Source { line, name: name.into() })
}
