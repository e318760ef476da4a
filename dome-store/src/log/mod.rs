//! The log: the source of truth of a store. Append-only segments of JSON Lines, and a manifest that
//! says how far they are acknowledged.

pub(crate) mod entry;
pub(crate) mod frame;
mod known;
pub(crate) mod manifest;
mod recover;
mod scan;
mod write;

pub use entry::{AdmittedEntry, Checkpoint, Entry, Late, LogState, Raw, RejectedEntry, SessionTerms, Unfinished};
#[cfg(test)]
pub(crate) use known::KnownLog;
pub use manifest::{SegmentEntry, StateAt, StoreManifest};
pub(crate) use recover::{Recovered, check_version, recover};
pub use scan::{Damage, EntryBytes, LogItem};
pub(crate) use write::LogWriter;

use std::collections::{BTreeMap, btree_map};
use std::fmt::Display;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use dome_core::escaped_path;
use dome_replay::error::{Error, ErrorClass, Invariant, Result};

use crate::folder::StoreFolder;
use scan::SegmentScan;
use write::{hash_of, look_behind};

pub(crate) const FOLDER: &str = "log";

/// A log as it was acknowledged at one moment. Later batches do not show in it.
///
/// It is what everything derived is derived from: [`Log::scan`] tells its entries in order, and [`Segments::read`]
/// reads one again by its place.
#[derive(Clone, Debug)]
pub struct Log {
    manifest: StoreManifest,
    store: StoreFolder,
    folder: Option<StoreFolder>,
}

impl Log {
    /// Opens the log of a store for reading. It takes no lock and writes nothing.
    ///
    /// # Errors
    ///
    /// When no store stands there, or its manifest cannot be read, is damaged or is of another version.
    pub fn open(store: &Path) -> Result<Self> {
        let folder = open_store(store)?;
        let manifest = StoreManifest::read(&folder)?;
        Self::of(folder, manifest)
    }

    pub(crate) fn of(store: StoreFolder, manifest: StoreManifest) -> Result<Self> {
        let folder = store.sub(FOLDER)?;
        Ok(Self { manifest, store, folder })
    }

    /// What `store.json` says.
    #[must_use]
    pub const fn manifest(&self) -> &StoreManifest {
        &self.manifest
    }

    /// The position behind the last entry.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.manifest.next_position
    }

    /// All entries from a position on, and what is damaged.
    pub fn scan(&self, from: u64) -> impl Iterator<Item = Result<LogItem>> + use<> {
        let wanted = self.manifest.with_ends().filter(|(_, end)| *end > from);
        let wanted: Vec<(SegmentEntry, u64)> = wanted.map(|(segment, end)| (segment.clone(), end)).collect();
        let folder = self.folder.clone();
        let found = wanted.into_iter().flat_map(move |(segment, end)| {
            let (scan, error) = match SegmentScan::open(folder.as_ref(), &segment, end, None) {
                Ok(scan) => (Some(scan), None),
                Err(error) => (None, Some(Err(error))),
            };
            scan.into_iter().flatten().chain(error)
        });
        found.filter(move |found| match found {
            Ok(LogItem::Entry { position, .. }) => *position >= from,
            Ok(LogItem::Damage(damage)) => damage.positions.0.max(damage.positions.1) >= from,
            Err(_) => true,
        })
    }

    /// The entries from an entry on whose place is known, without reading what stands before it in its segment.
    pub(crate) fn scan_at(&self, at: StateAt) -> Result<impl Iterator<Item = Result<LogItem>> + use<>> {
        let mut segments = self.manifest.with_ends();
        let (segment, end) =
            segments.find(|(segment, _)| segment.position == at.segment).invariant("a state stands in a segment")?;
        Ok(SegmentScan::open(self.folder.as_ref(), segment, end, Some(at))?.chain(self.scan(end)))
    }

    /// The log as it was when `last` was its last entry.
    #[must_use]
    pub fn until(mut self, last: u64) -> Self {
        let next = last + 1;
        self.manifest.next_position = self.manifest.next_position.min(next);
        self.manifest.segments.retain(|segment| segment.position < next);
        self.manifest.state = self.manifest.state.filter(|at| at.position < next);
        self
    }

    /// For reading single entries.
    #[must_use]
    pub fn segments(&self) -> Segments {
        Segments { folder: self.folder.clone(), files: BTreeMap::new() }
    }

    /// Full segments whose bytes are not those that their hash is over, but for those of which a scan
    /// has named the lines.
    ///
    /// # Errors
    ///
    /// When a segment cannot be read.
    pub fn sealed_damage(&self, named: &[Damage]) -> Result<Vec<Damage>> {
        let mut damage = Vec::new();
        for (segment, end) in self.manifest.with_ends() {
            let Some(expected) = segment.sha256 else { continue };
            if named.iter().any(|named| named.segment == segment.name) {
                continue;
            }
            let found = match &self.folder {
                Some(folder) => hash_of(folder, segment)?,
                None => None,
            };
            if found != Some(expected) {
                damage.push(segment.damage(end, "the segment's bytes are not those that its hash is over"));
            }
        }
        Ok(damage)
    }

    /// What shows without reading segments: those that are gone or shorter than what was acknowledged.
    ///
    /// # Errors
    ///
    /// When a segment cannot be looked at.
    pub fn short(&self) -> Result<Vec<Damage>> {
        let mut damage = Vec::new();
        for (segment, end) in self.manifest.with_ends() {
            let what = match self.folder.as_ref().map_or(Ok(None), |folder| folder.find(&segment.name))? {
                None => "the segment is not there",
                Some(found) if !found.is_file() => "the segment is a link or no regular file",
                Some(found) if found.length < segment.length => "the segment is shorter than what was acknowledged",
                Some(_) => continue,
            };
            damage.push(segment.damage(end, what));
        }
        Ok(damage)
    }

    /// Whether `store.json` and the log are of one store and one making of it; what is wrong if they are not.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn foreign(&self) -> Result<Option<String>> {
        let Some(at) = self.manifest.state else { return Ok(None) };
        let Some(Entry::State(state)) = self.segments().read(at.place(), at.position)? else { return Ok(None) };
        let (of, found) = (&self.manifest, state);
        let what = |what: &str, says: &dyn Display, found: &dyn Display| {
            Some(format!("`store.json` is of {what} {says}, and the log is of {what} {found}"))
        };
        Ok(if found.store != of.store {
            what("the store", &of.store, &found.store)
        } else if found.generation > of.generation {
            what("generation", &of.generation, &found.generation)
        } else {
            None
        })
    }

    /// Whether whole batches stand behind the end that `store.json` names, so that it is older than its log: one batch
    /// may wait for its acknowledgement, a second one is only written when the first one is acknowledged.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn is_ahead_of_manifest(&self) -> Result<bool> {
        let Some(folder) = &self.folder else { return Ok(false) };
        let names = folder.names()?;
        let positions = || names.iter().filter_map(|name| position_of(name));
        let mut batches = 0;
        if let Some(last) = self.manifest.segments.last() {
            batches += look_behind(folder, &last.name, last.length, self.end()).map_or(0, |behind| behind.batches);
        }
        if positions().any(|at| at == self.end()) {
            batches += look_behind(folder, &segment_name(self.end()), 0, self.end()).map_or(0, |behind| behind.batches);
        }
        Ok(batches > 1 || positions().any(|at| at > self.end()))
    }

    pub(crate) const fn store(&self) -> &StoreFolder {
        &self.store
    }
}

pub(crate) fn open_store(store: &Path) -> Result<StoreFolder> {
    let shown = escaped_path(store);
    StoreFolder::open(store).map_err(|error| match error {
        error if error.kind() == std::io::ErrorKind::NotFound => no_store(store),
        error => Error::caused(format!("cannot open `{shown}`"), error),
    })
}

fn no_store(store: &Path) -> Error {
    let shown = escaped_path(store);
    Error::invalid(format!("no store at `{shown}`: `dome ingest INPUT --store {shown}` makes one"))
}

pub(crate) fn has_segments(store: &StoreFolder) -> Result<bool> {
    let Some(folder) = store.sub(FOLDER)? else { return Ok(false) };
    Ok(folder.names()?.iter().any(|name| position_of(name).is_some()))
}

/// What is wrong where no manifest stands.
pub(crate) fn missing(store: &StoreFolder) -> Result<Error> {
    let shown = escaped_path(store.path());
    if has_segments(store)? {
        return Ok(Error::invalid(format!(
            "`{}` is gone, and the log beside it is not; `dome store rebuild --store {shown}` makes it again from there, \
             and removes nothing",
            store.named(manifest::NAME)
        )));
    }
    Ok(no_store(store.path()))
}

/// The segments of a log, for reading single entries.
#[derive(Debug)]
pub struct Segments {
    folder: Option<StoreFolder>,
    /// Segments that entries were read from, by their first position.
    files: BTreeMap<u64, File>,
}

impl Segments {
    /// Reads one entry; `None` when what stands there is not the entry that was written.
    ///
    /// # Errors
    ///
    /// When the segment is there and cannot be opened.
    pub fn read(&mut self, place: EntryBytes, position: u64) -> Result<Option<Entry>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let file = match self.files.entry(place.segment) {
            btree_map::Entry::Occupied(file) => file.into_mut(),
            btree_map::Entry::Vacant(empty) => match folder.read(&segment_name(place.segment)) {
                Ok(Some(file)) => empty.insert(file),
                Ok(None) => return Ok(None),
                Err(error) if error.class() == ErrorClass::Invalid => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        // Whoever asks may not know: a place beyond the file is none.
        let end = place.start.checked_add(place.length);
        if end.is_none_or(|end| file.metadata().is_ok_and(|found| found.len() < end)) {
            return Ok(None);
        }
        let length = usize::try_from(place.length).invariant("a line that stands in a file fits into memory")?;
        let mut line = vec![0; length];
        if file.read_exact_at(&mut line, place.start).is_err() {
            return Ok(None);
        }
        Ok(frame::read(&line).ok().filter(|(found, _)| *found == position).map(|(_, entry)| entry))
    }
}

pub(crate) fn segment_name(position: u64) -> String {
    format!("{position:012}.jsonl")
}

/// The position that a segment's name says; `None` for every name that dome does not give.
pub(crate) fn position_of(name: &str) -> Option<u64> {
    let position = name.strip_suffix(".jsonl")?.parse().ok()?;
    (segment_name(position) == name && position > 0).then_some(position)
}
