//! The log: the source of truth of a store. Append-only segments of JSON Lines, and a manifest that
//! says how far they are acknowledged.

pub(crate) mod entry;
pub(crate) mod frame;
pub(crate) mod manifest;
mod recover;
mod scan;
mod write;

pub(crate) use entry::{Admitted, Checkpoint, Entry, Raw, Rejected, Session, Unfinished};
pub(crate) use manifest::StoreManifest;
pub(crate) use recover::recover;
pub(crate) use scan::{Damage, Found, Place};
pub(crate) use write::{LogWriter, Written};

use std::collections::{BTreeMap, btree_map};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::exit::invalid;
use crate::lookup::RowPlace;
use crate::store::log::scan::Scan;

/// The folder of the segments.
pub(crate) const FOLDER: &str = "log";

/// A log as it was acknowledged at one moment. Later batches do not show in it.
pub(crate) struct Log {
    pub(crate) manifest: StoreManifest,
    folder: PathBuf,
}

impl Log {
    /// Opens the log of a store for reading.
    ///
    /// # Errors
    ///
    /// When no store stands there, or its manifest cannot be read.
    pub(crate) fn open(store: &Path) -> anyhow::Result<Self> {
        let manifest = StoreManifest::read(store)?;
        let manifest = manifest.ok_or_else(|| missing(store))?;
        Ok(Self { manifest, folder: store.join(FOLDER) })
    }

    /// The position behind the last entry.
    pub(crate) const fn end(&self) -> u64 {
        self.manifest.next_position
    }

    /// All entries from a position on, and what is damaged.
    pub(crate) fn scan(&self, from: u64) -> impl Iterator<Item = anyhow::Result<Found>> + use<> {
        let segments = self.manifest.segments.clone();
        let ends: Vec<u64> =
            segments.iter().skip(1).map(|next| next.position).chain([self.manifest.next_position]).collect();
        let folder = self.folder.clone();
        let wanted = segments.into_iter().zip(ends).filter(move |(_, end)| *end > from);
        let found = wanted.flat_map(move |(segment, end)| match Scan::open(&folder, &segment, end) {
            Ok(Ok(scan)) => Box::new(scan) as Box<dyn Iterator<Item = anyhow::Result<Found>>>,
            Ok(Err(damage)) => Box::new(std::iter::once(Ok(Found::Damage(damage)))),
            Err(error) => Box::new(std::iter::once(Err(error))),
        });
        found.filter(move |found| match found {
            Ok(Found::Entry { position, .. }) => *position >= from,
            Ok(Found::Damage(damage)) => damage.positions.0.max(damage.positions.1) >= from,
            Err(_) => true,
        })
    }
}

impl Log {
    /// The log as it was when `last` was its last entry.
    pub(crate) fn until(mut self, last: u64) -> Self {
        let next = last + 1;
        self.manifest.next_position = self.manifest.next_position.min(next);
        self.manifest.segments.retain(|segment| segment.position < next);
        self
    }

    /// Full segments whose bytes are not those that their hash is over, but for those of which a scan
    /// has named the lines.
    ///
    /// # Errors
    ///
    /// When a segment cannot be read.
    pub(crate) fn sealed_damage(&self, named: &[Damage]) -> anyhow::Result<Vec<Damage>> {
        let mut damage = Vec::new();
        let ends = self.manifest.segments.iter().skip(1).map(|next| next.position);
        for (segment, end) in self.manifest.segments.iter().zip(ends) {
            if named.iter().any(|named| named.segment == segment.name) {
                continue;
            }
            let path = self.folder.join(&segment.name);
            let hashed = File::open(&path).and_then(|mut file| write::hash(&mut file, segment.length));
            let found = hashed.with_context(|| format!("cannot read `{}`", path.display()))?;
            if segment.sha256.is_some_and(|expected| expected != found) {
                damage.push(segment.damage(end, "the segment's bytes are not those that its hash is over"));
            }
        }
        Ok(damage)
    }

    /// Segments that are gone, or shorter than what was acknowledged: what shows without reading them.
    pub(crate) fn short(&self) -> usize {
        let found = |segment: &&manifest::SegmentEntry| {
            std::fs::metadata(self.folder.join(&segment.name)).map_or(0, |found| found.len())
        };
        self.manifest.segments.iter().filter(|segment| found(segment) < segment.length).count()
    }
}

/// Whether segments of a log stand in a store.
pub(crate) fn has_segments(store: &Path) -> bool {
    let segments = std::fs::read_dir(store.join(FOLDER)).into_iter().flatten().flatten();
    segments.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|end| end == "jsonl"))
}

/// What is wrong where no manifest stands.
pub(crate) fn missing(store: &Path) -> anyhow::Error {
    let shown = store.display();
    if has_segments(store) {
        return invalid(format!(
            "`{}` is gone, and the log beside it is not; `dome store rebuild --store {shown}` makes it again from there",
            store.join(manifest::NAME).display()
        ));
    }
    invalid(format!("no store at `{shown}`: `dome ingest INPUT --store {shown}` makes one"))
}

/// The segments of a log, for reading single entries.
pub(crate) struct Segments {
    folder: PathBuf,
    /// Segments that entries were read from, by their first position.
    files: BTreeMap<u64, File>,
}

impl Segments {
    pub(crate) fn of(store: &Path) -> Self {
        Self { folder: store.join(FOLDER), files: BTreeMap::new() }
    }

    /// Reads one entry; `None` when what stands there is not the entry that was written.
    ///
    /// # Errors
    ///
    /// When the segment is there and cannot be opened.
    pub(crate) fn read(&mut self, place: Place, position: u64) -> anyhow::Result<Option<Entry>> {
        let file = match self.files.entry(place.segment) {
            btree_map::Entry::Occupied(file) => file.into_mut(),
            btree_map::Entry::Vacant(empty) => {
                let path = self.folder.join(segment_name(place.segment));
                match File::open(&path) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                    opened => empty.insert(opened.with_context(|| format!("cannot read `{}`", path.display()))?),
                }
            }
        };
        // Whoever asks may not know: a place beyond the file is none.
        let end = place.start.checked_add(place.length);
        if end.is_none_or(|end| file.metadata().is_ok_and(|found| found.len() < end)) {
            return Ok(None);
        }
        let mut line = vec![0; usize::try_from(place.length)?];
        if file.read_exact_at(&mut line, place.start).is_err() {
            return Ok(None);
        }
        Ok(frame::read(&line).ok().filter(|(found, _)| *found == position).map(|(_, entry)| entry))
    }
}

impl Segments {
    /// The line that an entry keeps; `None` when none stands there.
    pub(crate) fn line_at(&mut self, place: RowPlace) -> Option<Vec<u8>> {
        let RowPlace { segment, start, length, position } = place;
        match self.read(Place { segment, start, length }, position).ok()?? {
            Entry::Line(line) => Some(line.raw.into_bytes()),
            Entry::Rejected(rejected) => rejected.bytes(),
            _ => None,
        }
    }
}

/// The name of the segment whose first entry has this position.
pub(crate) fn segment_name(position: u64) -> String {
    format!("{position:012}.jsonl")
}
