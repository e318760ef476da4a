//! The manifest made again from the log, whose lines carry their own positions and hashes.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use anyhow::Context;
use dome_core::Sha256Hash;

use super::entry::Entry;
use super::manifest::{SegmentEntry, StoreManifest};
use super::scan::{Found, Scan};
use super::{FOLDER, write};
use crate::exit::invalid;

/// Where the last batch ends that is whole.
#[derive(Clone, Copy, Default)]
struct End {
    /// Bytes of its segment.
    length: u64,
    /// The position behind its last entry.
    next: u64,
}

/// Reads the log for what the manifest of a store said: its segments, and how far whole batches reach.
/// What stands behind the last whole batch is no part of it.
///
/// # Errors
///
/// When there is no log, or it cannot be read.
pub(crate) fn recover(store: &Path, settings: serde_json::Value) -> anyhow::Result<StoreManifest> {
    let mut manifest = StoreManifest::new(settings);
    let mut segments = found(store)?;
    let ends: Vec<u64> = segments.iter().skip(1).map(|next| next.position).collect();
    let mut last = segments.pop().context("a segment was found")?;
    let mut open = BTreeSet::new();
    for (mut segment, end) in segments.into_iter().zip(ends) {
        whole(store, &segment, end, &mut open)?;
        if segment.length > 0 {
            segment.sha256 = Some(hash(store, &segment)?);
        }
        manifest.segments.push(segment);
    }
    manifest.next_position = last.position;
    let end = whole(store, &last, u64::MAX, &mut open)?;
    if end.next > 0 {
        (last.length, manifest.next_position) = (end.length, end.next);
        manifest.segments.push(last);
    } else if let Some(before) = manifest.segments.last_mut() {
        // It is written to again.
        before.sha256 = None;
    }
    Ok(manifest)
}

/// The segments that stand in the log, oldest first, as long as they are.
fn found(store: &Path) -> anyhow::Result<Vec<SegmentEntry>> {
    let folder = store.join(FOLDER);
    let failed = || format!("cannot read `{}`", folder.display());
    let mut segments = Vec::new();
    for entry in fs::read_dir(&folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let position = name.strip_suffix(".jsonl").and_then(|position| position.parse().ok());
        if let Some(position) = position.filter(|position| super::segment_name(*position) == name) {
            let length = entry.metadata().with_context(failed)?.len();
            segments.push(SegmentEntry { length, name, position, sha256: None });
        }
    }
    segments.sort_by_key(|segment| segment.position);
    if segments.is_empty() {
        return Err(invalid(format!("`{}` holds no segment to make a manifest from", folder.display())));
    }
    if segments.first().is_some_and(|first| first.position > 1) {
        // The first segment is gone, and is to be missed.
        segments.insert(0, SegmentEntry { length: 0, name: super::segment_name(1), position: 1, sha256: None });
    }
    Ok(segments)
}

/// Reads a segment for the end of its last whole batch: a batch ends with how far each source was
/// read that its lines are from. `open` are sources of which that is not told yet.
fn whole(store: &Path, segment: &SegmentEntry, end: u64, open: &mut BTreeSet<String>) -> anyhow::Result<End> {
    let mut last = End::default();
    let Ok(scan) = Scan::open(&store.join(FOLDER), segment, end)? else { return Ok(last) };
    for found in scan {
        let Found::Entry { position, place, entry } = found? else {
            // The checkpoint that is waited for may be what is lost.
            open.clear();
            continue;
        };
        match entry {
            Entry::Line(line) => drop(open.insert(line.source.name.to_string())),
            Entry::Rejected(rejected) => drop(open.insert(rejected.row.source.name.to_string())),
            Entry::Source(checkpoint) => drop(open.remove(&checkpoint.name)),
            // The terms of a store may stand before its first line.
            Entry::Session(_) | Entry::Retried { .. } => {}
            Entry::Withdrawn { .. } => continue,
        }
        if open.is_empty() {
            last = End { length: place.start + place.length + 1, next: position + 1 };
        }
    }
    Ok(last)
}

fn hash(store: &Path, segment: &SegmentEntry) -> anyhow::Result<Sha256Hash> {
    let path = store.join(FOLDER).join(&segment.name);
    let hashed = File::open(&path).and_then(|mut file| write::hash(&mut file, segment.length));
    hashed.with_context(|| format!("cannot read `{}`", path.display()))
}
