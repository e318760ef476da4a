//! `store.json`: how far the log is acknowledged. It is replaced whole, never written into.

use dome_core::{Sha256Hash, canonical};
use dome_replay::error::{Error, Invariant, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scan::EntryBytes;
use super::segment_name;
use crate::folder::StoreFolder;

pub(crate) const NAME: &str = "store.json";
pub(crate) const FORMAT_VERSION: &str = "3";
/// More than a manifest ever takes: a file that is longer is none.
const MOST_BYTES: u64 = 64 << 20;

/// The manifest of a store, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreManifest {
    /// The version of the layout.
    pub format_version: String,
    /// How often the store was made anew from its log, or was given other settings; from 1.
    pub generation: u64,
    /// The position that the next entry gets.
    pub next_position: u64,
    /// The segments, oldest first; the last one is written to.
    pub segments: Vec<SegmentEntry>,
    /// What facts are derived by: `mode`, `policy`, `reason_codes`.
    pub settings: Value,
    /// Where the last state stands in the log, so that a writer need not look for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateAt>,
    /// The identity of the store: 32 hex digits, drawn when it was made.
    pub store: String,
}

/// Where a state stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateAt {
    /// Bytes of its line, without the line feed.
    pub length: u64,
    /// The position of its entry.
    pub position: u64,
    /// The segment, by the position of its first entry.
    pub segment: u64,
    /// Where its line starts in the segment.
    pub start: u64,
}

impl StateAt {
    pub(crate) const fn of(position: u64, place: EntryBytes) -> Self {
        Self { length: place.length, position, segment: place.segment, start: place.start }
    }

    /// Where it stands.
    #[must_use]
    pub const fn place(self) -> EntryBytes {
        EntryBytes { segment: self.segment, start: self.start, length: self.length }
    }
}

/// One segment of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentEntry {
    /// Acknowledged bytes; what stands behind them was never promised.
    pub length: u64,
    /// The name of the file, in `log/`.
    pub name: String,
    /// The position of its first entry.
    pub position: u64,
    /// SHA-256 of the segment, once it is full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Hash>,
}

/// As it is written: with the digest of the rest.
#[derive(Serialize)]
struct Signed<'m> {
    digest: Sha256Hash,
    store: &'m StoreManifest,
}

#[derive(Debug)]
pub(crate) enum Looked {
    Missing,
    Sound(Box<StoreManifest>),
    Damaged,
    /// Something that says to be of this other version, and whose digest is not one that this version makes.
    Other(String),
}

impl StoreManifest {
    pub(crate) fn new(settings: Value, store: String) -> Self {
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            generation: 1,
            next_position: 1,
            segments: Vec::new(),
            settings,
            state: None,
            store,
        }
    }

    /// Looks at the manifest. The version comes first: nothing else is believed of another one, which is an error.
    pub(crate) fn look(store: &StoreFolder) -> Result<Looked> {
        let Some(bytes) = store.bytes(NAME, MOST_BYTES)? else { return Ok(Looked::Missing) };
        let Ok(document) = serde_json::from_slice::<Value>(&bytes) else { return Ok(Looked::Damaged) };
        let (digest, body) = (document.get("digest").and_then(Value::as_str), document.get("store"));
        let found = body.and_then(canonical_hash);
        let sound = found.is_some() && digest == found.as_deref();
        let version = body.and_then(|body| body.get("format_version")).and_then(Value::as_str);
        match version {
            Some(version) if version != FORMAT_VERSION && sound => return Err(other_version(store, version)),
            Some(version) if version != FORMAT_VERSION => return Ok(Looked::Other(version.to_owned())),
            _ => {}
        }
        let read = body.filter(|_| sound).and_then(|body| serde_json::from_value::<Self>(body.clone()).ok());
        Ok(read.filter(Self::is_possible).map_or(Looked::Damaged, |read| Looked::Sound(Box::new(read))))
    }

    pub(crate) fn read(store: &StoreFolder) -> Result<Self> {
        match Self::look(store)? {
            Looked::Sound(manifest) => Ok(*manifest),
            Looked::Missing => Err(super::missing(store)?),
            Looked::Damaged => Err(Error::invalid(format!(
                "`{}` is damaged: it is not what dome wrote; the log beside it is the source of truth: `dome store \
                 rebuild --store {}` makes it again from there, and removes nothing",
                store.named(NAME),
                dome_core::escaped_path(store.path())
            ))),
            Looked::Other(version) => Err(other_version(store, &version)),
        }
    }

    /// Whether dome could have written it: names are those that it gives, and positions grow.
    fn is_possible(&self) -> bool {
        let names = self.segments.iter().all(|segment| segment.name == segment_name(segment.position));
        let grow = self.with_ends().all(|(segment, end)| segment.position <= end);
        let distinct = self.segments.is_sorted_by(|segment, next| segment.position < next.position);
        let first = self.segments.first().map_or(self.next_position, |first| first.position) == 1;
        names && grow && distinct && first
    }

    /// Replaces the manifest: on the disk when this returns; where it cannot be written, the one before is still whole.
    pub(crate) fn write(&self, store: &StoreFolder) -> Result<()> {
        let body = canonical::to_vec(self).invariant("a manifest has canonical bytes")?;
        let signed = Signed { digest: Sha256Hash::of(&body), store: self };
        let mut bytes = canonical::to_vec(&signed).invariant("a manifest has canonical bytes")?;
        bytes.push(b'\n');
        store.replace(NAME, &bytes)
    }

    /// The segments, each with the position behind its last entry.
    pub(crate) fn with_ends(&self) -> impl Iterator<Item = (&SegmentEntry, u64)> {
        let ends = self.segments.iter().skip(1).map(|next| next.position).chain([self.next_position]);
        self.segments.iter().zip(ends)
    }

    /// Bytes of the log that are acknowledged.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.length).sum()
    }
}

/// The digest of a body; none where it holds a number that has no canonical form, which stands in no manifest.
fn canonical_hash(body: &Value) -> Option<String> {
    canonical::to_vec(body).ok().map(|bytes| Sha256Hash::of(&bytes).to_string())
}

pub(crate) fn other_version(store: &StoreFolder, version: &str) -> Error {
    let newer =
        version.parse::<u64>().is_ok_and(|version| FORMAT_VERSION.parse().is_ok_and(|ours: u64| version > ours));
    let what = match newer {
        true => "a later dome wrote it: use that one",
        false => "an earlier dome wrote it, by an earlier model: ingest what it was made from into a new store",
    };
    Error::invalid(format!(
        "`{}`: expected format_version `{FORMAT_VERSION}`, found `{}`; {what}. Nothing was changed",
        store.named(NAME),
        dome_core::escaped(&version.chars().take(40).collect::<String>())
    ))
}
