//! The manifest made again from the log, whose lines carry their own positions and hashes.
//!
//! Without a manifest nothing says how far the log was acknowledged. So nothing is cut here: what is no part of the
//! log any more is moved to a folder beside it, whole and under a name that says where it stood.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use dome_replay::error::{Context, Error, Result};

use super::entry::{Entry, LogState};
use super::manifest::{FORMAT_VERSION, SegmentEntry, StateAt, StoreManifest, other_version};
use super::scan::{LogItem, SegmentScan};
use super::write::hash_of;
use super::{FOLDER, frame, position_of, segment_name};
use crate::aside;
use crate::folder::StoreFolder;

pub(crate) struct Recovered {
    pub(crate) manifest: StoreManifest,
    /// Files in the store that hold what was moved away.
    pub(crate) aside: Vec<String>,
}

/// Where a segment is cut: an end that is part of it, and the position behind it.
#[derive(Clone, Copy)]
struct SegmentEnd {
    length: u64,
    next: u64,
}

#[derive(Default)]
struct SegmentHeld {
    /// The end of the last whole batch.
    whole: Option<SegmentEnd>,
    last: Option<SegmentEnd>,
    state: Option<(StateAt, Box<LogState>)>,
}

/// Reads the log for what its manifest said: its segments, and how far whole batches reach. `settings` and `identity`
/// are those of a log that does not say its own any more. An unreadable log, or one of another version, is not touched.
pub(crate) fn recover(
    store: &StoreFolder,
    settings: impl FnOnce() -> Result<serde_json::Value>,
    identity: impl FnOnce() -> Result<String>,
) -> Result<Recovered> {
    let (folder, segments, mut held) = look(store)?;
    if held.iter().all(|held| held.last.is_none()) {
        return Err(Error::unreproduced(format!(
            "nothing in `{}` is a log of this format; it is left as it is",
            store.named(FOLDER)
        )));
    }
    let state = held.iter_mut().rev().find_map(|held| held.state.take());
    let mut manifest = match &state {
        Some((_, state)) => StoreManifest::new(state.settings.clone(), state.store.clone()),
        None => StoreManifest::new(settings()?, identity()?),
    };
    if let Some((at, state)) = state {
        (manifest.state, manifest.generation) = (Some(at), state.generation);
    }
    let mut recovered = Recovered { manifest, aside: Vec::new() };
    let last = segments.len() - 1;
    for (number, (segment, held)) in segments.into_iter().zip(held).enumerate() {
        recovered.segment(store, &folder, segment, &held, number == last)?;
    }
    let next_position = recovered.manifest.next_position;
    recovered.manifest.state = recovered.manifest.state.filter(|at| at.position < next_position);
    Ok(recovered)
}

/// Refuses a log that another version wrote, before anything is opened for writing.
pub(crate) fn check_version(store: &StoreFolder) -> Result<()> {
    look(store).map(drop)
}

/// All of the log is looked at before anything is changed.
fn look(store: &StoreFolder) -> Result<(StoreFolder, Vec<SegmentEntry>, Vec<SegmentHeld>)> {
    let folder = store.sub(FOLDER)?.ok_or_else(|| empty(store))?;
    let segments = found(store, &folder)?;
    let ends = segments.iter().skip(1).map(|next| next.position).chain([u64::MAX]);
    let mut held = Vec::new();
    for (segment, end) in segments.iter().zip(ends) {
        held.push(read(store, &folder, segment, end)?);
    }
    Ok((folder, segments, held))
}

impl Recovered {
    fn segment(
        &mut self,
        store: &StoreFolder,
        folder: &StoreFolder,
        mut segment: SegmentEntry,
        held: &SegmentHeld,
        is_last: bool,
    ) -> Result<()> {
        let begin = SegmentEnd { length: 0, next: segment.position };
        let end = match held.last {
            Some(last) if is_last => self.last(store, folder, &segment, held.whole.unwrap_or(begin), last)?,
            Some(last) => {
                segment.sha256 = hash_of(folder, &segment)?;
                SegmentEnd { length: segment.length, ..last }
            }
            None => {
                // Nothing of it can be read; an empty one was made by a killed writer.
                if segment.length > 0 {
                    self.aside.push(aside::whole(store, folder, &segment.name)?);
                }
                begin
            }
        };
        segment.length = end.length;
        let manifest = &mut self.manifest;
        if !is_last {
            manifest.segments.push(segment);
        } else if end.length > 0 {
            manifest.next_position = end.next;
            manifest.segments.push(segment);
        } else if let Some(before) = manifest.segments.last_mut() {
            // It is written to again.
            before.sha256 = None;
            manifest.next_position = segment.position;
        }
        Ok(())
    }

    /// Decides where the last segment ends, and moves away what stands behind.
    fn last(
        &mut self,
        store: &StoreFolder,
        folder: &StoreFolder,
        segment: &SegmentEntry,
        whole: SegmentEnd,
        last: SegmentEnd,
    ) -> Result<SegmentEnd> {
        let lost = damaged_lines(folder, segment, last)?;
        // An entry that was written to its end and is damaged may be the checkpoint that ended its batch: what stands
        // before it was acknowledged, then.
        let end = if lost.next > last.next { lost } else { whole };
        if end.length < segment.length {
            self.aside.push(aside::tail(store, folder, &segment.name, end.length)?);
        }
        Ok(end)
    }
}

fn empty(store: &StoreFolder) -> Error {
    Error::invalid(format!("`{}` holds no segment to make a manifest from", store.named(FOLDER)))
}

/// The segments that stand in the log, oldest first, as long as they are.
fn found(store: &StoreFolder, folder: &StoreFolder) -> Result<Vec<SegmentEntry>> {
    let mut segments = Vec::new();
    for name in folder.names()? {
        let Some(position) = position_of(&name) else { continue };
        let found =
            folder.find(&name)?.ok_or_else(|| Error::failed(format!("`{}` was removed", folder.named(&name))))?;
        segments.push(SegmentEntry { length: found.length, name, position, sha256: None });
    }
    segments.sort_by_key(|segment| segment.position);
    match segments.first() {
        None => return Err(empty(store)),
        // The first segment is gone, and is to be missed.
        Some(first) if first.position > 1 => {
            segments.insert(0, SegmentEntry { length: 0, name: segment_name(1), position: 1, sha256: None });
        }
        Some(_) => {}
    }
    Ok(segments)
}

/// Reads a segment for the end of its last whole batch, which ends with how far each source of its lines was read.
fn read(store: &StoreFolder, folder: &StoreFolder, segment: &SegmentEntry, end: u64) -> Result<SegmentHeld> {
    let mut held = SegmentHeld::default();
    newer(store, folder, segment)?;
    // Sources of which it is not told yet how far they were read.
    let mut open = BTreeSet::new();
    for found in SegmentScan::open(Some(folder), segment, end, None)? {
        let LogItem::Entry { position, place, entry } = found? else {
            // The checkpoint that is waited for may be what is lost.
            open.clear();
            continue;
        };
        let end = SegmentEnd { length: (place.start + place.length + 1).min(segment.length), next: position + 1 };
        held.last = Some(end);
        match entry {
            Entry::Line(line) => drop(open.insert(line.source.name.to_string())),
            Entry::Rejected(rejected) => drop(open.insert(rejected.row.source.name.to_string())),
            Entry::Source(checkpoint) => drop(open.remove(&checkpoint.name)),
            Entry::State(state) if state.format_version != FORMAT_VERSION => {
                return Err(other_version(store, &state.format_version));
            }
            Entry::State(state) => held.state = Some((StateAt::of(position, place), state)),
            // The terms of a store may stand before its first line.
            Entry::Session(_) | Entry::Retried { .. } => {}
            Entry::Withdrawn { .. } => continue,
        }
        if open.is_empty() {
            held.whole = Some(end);
        }
    }
    Ok(held)
}

/// Refuses a segment that another version wrote: its lines hold, and this version does not know what they say.
fn newer(store: &StoreFolder, folder: &StoreFolder, segment: &SegmentEntry) -> Result<()> {
    let Some(file) = folder.read(&segment.name)? else { return Ok(()) };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).context(|| format!("cannot read `{}`", folder.named(&segment.name)))?;
        if line.is_empty() {
            return Ok(());
        }
        line.pop_if(|byte| *byte == b'\n');
        if frame::read(&line) == Err(frame::Fault::Entry) {
            return Err(Error::invalid(format!(
                "`{}` holds entries that this version of dome does not know: a later one wrote them, use that one. \
                 Nothing was changed in `{}`",
                folder.named(&segment.name),
                dome_core::escaped_path(store.path())
            )));
        }
    }
}

/// How far lines behind the last entry reach that were written to their ends, and are damaged.
fn damaged_lines(folder: &StoreFolder, segment: &SegmentEntry, last: SegmentEnd) -> Result<SegmentEnd> {
    let mut end = last;
    let Some(mut file) = folder.read(&segment.name)? else { return Ok(end) };
    let failed = || format!("cannot read `{}`", folder.named(&segment.name));
    file.seek(SeekFrom::Start(last.length)).context(failed)?;
    let mut reader = BufReader::new(file.take(segment.length - last.length));
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).context(failed)?;
        if !line.ends_with(b"\n") || !frame::looks_written(&line) {
            return Ok(end);
        }
        end = SegmentEnd { length: end.length + line.len() as u64, next: end.next + 1 };
    }
}
