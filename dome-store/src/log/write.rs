//! Writing the log: a batch is on the disk before it is acknowledged.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use dome_core::Sha256Hash;
use dome_replay::error::{Context, Error, Invariant, Result};

use super::entry::Entry;
use super::known::KnownLog;
use super::manifest::{SegmentEntry, StateAt, StoreManifest};
use super::scan::EntryBytes;
use super::{FOLDER, Log, frame, segment_name};
use crate::aside;
use crate::folder::StoreFolder;
use crate::writer::StoreLimits;

pub(crate) struct LogWriter {
    pub(crate) manifest: StoreManifest,
    pub(crate) known: KnownLog,
    store: StoreFolder,
    folder: StoreFolder,
    active: Option<File>,
    limits: StoreLimits,
    /// Whether a batch failed, so that what is in memory may not be what is on the disk.
    is_broken: bool,
}

/// What was done with bytes behind the acknowledged end of a log.
#[derive(Debug, Default)]
pub(crate) struct Cleared {
    /// Bytes of a batch that was never acknowledged, which are cut off.
    pub(crate) cut: u64,
    /// Files in the store with bytes that no killed writer leaves.
    pub(crate) aside: Vec<String>,
}

impl LogWriter {
    /// Opens the log for writing, and cuts what was never acknowledged off its end. A last segment that is gone, or has
    /// lost its end, is left as it is: what comes goes into a new one. A segment that is shared with another store, or a
    /// manifest that is older than its log, is an error.
    pub(crate) fn open(store: &StoreFolder, manifest: StoreManifest, limits: StoreLimits) -> Result<(Self, Cleared)> {
        let folder = store.make_sub(FOLDER)?;
        let log = Log::of(store.clone(), manifest)?;
        if log.is_ahead_of_manifest()? {
            return Err(behind(store));
        }
        if let Some(what) = log.foreign()? {
            return Err(Error::unreproduced(format!("{what}: they do not belong together, and nothing is written")));
        }
        let mut cleared = Cleared::default();
        begun(store, &folder, log.end(), &mut cleared)?;
        let active = match log.manifest().segments.last() {
            Some(segment) => active(store, &folder, segment, log.end(), &mut cleared)?,
            None => None,
        };
        let known = KnownLog::read(&log)?;
        let (manifest, store) = (log.manifest().clone(), store.clone());
        Ok((Self { manifest, known, store, folder, active, limits, is_broken: false }, cleared))
    }

    pub(crate) fn next_position(&self) -> u64 {
        self.manifest.next_position + u64::from(self.is_state_due())
    }

    fn is_full(&self) -> bool {
        let has_room = |segment: &SegmentEntry| segment.length < self.limits.segment_bytes;
        self.active.is_none() || !self.manifest.segments.last().is_some_and(has_room)
    }

    fn is_state_due(&self) -> bool {
        self.is_full() || self.known.is_due(self.manifest.generation, self.limits.state_bytes)
    }

    /// Writes a batch. When this returns it is on the disk and acknowledged; when it fails, the log on the disk is what
    /// it was before or has the whole batch, and this writer takes no other.
    pub(crate) fn append(&mut self, entries: Vec<Entry>) -> Result<()> {
        if self.is_broken {
            return Err(Error::failed("a batch before this one could not be written: open the store again"));
        }
        self.is_broken = true;
        for (position, place, entry) in self.write(entries)? {
            self.known.take(position, place, &entry);
        }
        self.is_broken = false;
        Ok(())
    }

    /// Says where each entry stands now.
    fn write(&mut self, entries: Vec<Entry>) -> Result<Vec<(u64, EntryBytes, Entry)>> {
        let mut next = self.manifest.clone();
        let state = self.is_state_due().then(|| Entry::State(Box::new(self.known.state(&self.manifest))));
        if self.is_full() {
            self.roll(&mut next)?;
        }
        let segment = next.segments.last_mut().invariant("a log that is written to has a segment")?;
        let (mut bytes, mut written) = (Vec::new(), Vec::with_capacity(entries.len() + 1));
        for entry in state.into_iter().chain(entries) {
            let (start, position) = (bytes.len() as u64, next.next_position);
            frame::append(position, &entry, &mut bytes)?;
            let length = bytes.len() as u64 - start - 1;
            let place = EntryBytes { segment: segment.position, start: segment.length + start, length };
            if matches!(entry, Entry::State(_)) {
                next.state = Some(StateAt::of(position, place));
            }
            written.push((position, place, entry));
            next.next_position += 1;
        }
        let file = self.active.as_mut().invariant("a segment is open")?;
        if let Err(error) = file.write_all_at(&bytes, segment.length).and_then(|()| file.sync_data()) {
            // Whatever was written is behind the acknowledged end: the next opening cuts it as well.
            let _cut_later = file.set_len(segment.length);
            return Err(error).context(|| format!("cannot write `{}`", self.folder.named(&segment.name)));
        }
        segment.length += bytes.len() as u64;
        next.write(&self.store)?;
        self.manifest = next;
        Ok(written)
    }

    fn roll(&mut self, next: &mut StoreManifest) -> Result<()> {
        if let (Some(segment), Some(file)) = (next.segments.last_mut(), self.active.as_mut()) {
            segment.sha256 = Some(hash(file, segment.length).context(|| "cannot read the log")?);
        }
        // Where the last segment is damaged, what it should hash to is not known.
        let name = segment_name(next.next_position);
        self.active = Some(self.folder.create(&name)?);
        self.folder.sync()?;
        next.segments.push(SegmentEntry { length: 0, name, position: next.next_position, sha256: None });
        Ok(())
    }
}

/// Opens the segment that is written to, without what stands behind its acknowledged end.
fn active(
    store: &StoreFolder,
    folder: &StoreFolder,
    segment: &SegmentEntry,
    end: u64,
    cleared: &mut Cleared,
) -> Result<Option<File>> {
    let Some(file) = folder.write(&segment.name)? else { return Ok(None) };
    let found = file.metadata().context(|| format!("cannot read `{}`", folder.named(&segment.name)))?.len();
    if found < segment.length {
        return Ok(None);
    }
    let tail = look_behind(folder, &segment.name, segment.length, end)?;
    if tail.is_foreign {
        cleared.aside.push(aside::tail(store, folder, &segment.name, segment.length)?);
    } else if tail.length > 0 {
        cleared.cut += tail.length;
        let cut = file.set_len(segment.length).and_then(|()| file.sync_all());
        cut.context(|| format!("cannot cut `{}`", folder.named(&segment.name)))?;
    }
    Ok(Some(file))
}

/// A segment at the acknowledged end was begun by a batch that was never acknowledged.
fn begun(store: &StoreFolder, folder: &StoreFolder, end: u64, cleared: &mut Cleared) -> Result<()> {
    let name = segment_name(end);
    let Some(found) = folder.find(&name)? else { return Ok(()) };
    if !found.is_file() || look_behind(folder, &name, 0, end)?.is_foreign {
        cleared.aside.push(aside::whole(store, folder, &name)?);
        return Ok(());
    }
    cleared.cut += found.length;
    folder.remove(&name)
}

fn behind(store: &StoreFolder) -> Error {
    let shown = dome_core::escaped_path(store.path());
    Error::unreproduced(format!(
        "`{}` is older than the log beside it (a copy that was made while the store was written?); nothing is written. \
         `dome store rebuild --store {shown}` takes up all that the log holds",
        store.named(super::manifest::NAME)
    ))
}

fn hash(file: &mut File, length: u64) -> io::Result<Sha256Hash> {
    file.seek(SeekFrom::Start(0))?;
    Sha256Hash::of_reader(file.take(length))
}

/// SHA-256 of a segment, as far as it is acknowledged; `None` where there is none.
pub(crate) fn hash_of(folder: &StoreFolder, segment: &SegmentEntry) -> Result<Option<Sha256Hash>> {
    let hashed = folder.read(&segment.name)?.map(|mut file| hash(&mut file, segment.length)).transpose();
    hashed.context(|| format!("cannot read `{}`", folder.named(&segment.name)))
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unacknowledged {
    pub(crate) length: u64,
    /// Batches that begin in it.
    pub(crate) batches: u32,
    /// Whether it holds anything that no killed writer leaves.
    pub(crate) is_foreign: bool,
}

/// Looks at a segment from its acknowledged end on; `position` is that of the entry which would stand there.
///
/// A killed writer leaves whole entries, the next positions in order, and behind them at most one that was not written
/// to its end. Its batch ends with checkpoints, so whatever follows checkpoints is another batch.
pub(crate) fn look_behind(folder: &StoreFolder, name: &str, from: u64, mut position: u64) -> Result<Unacknowledged> {
    let mut tail = Unacknowledged::default();
    let Some(mut file) = folder.read(name)? else { return Ok(tail) };
    let failed = || format!("cannot read `{}`", folder.named(name));
    let length = file.metadata().context(failed)?.len();
    if length <= from {
        return Ok(tail);
    }
    tail.length = length - from;
    file.seek(SeekFrom::Start(from)).context(failed)?;
    let mut reader = BufReader::new(file.take(tail.length));
    let (mut line, mut in_checkpoints) = (Vec::new(), false);
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).context(failed)?;
        if line.is_empty() {
            return Ok(tail);
        }
        let is_ended = line.pop_if(|byte| *byte == b'\n').is_some();
        match frame::read(&line) {
            Ok((found, entry)) if found == position => {
                position += 1;
                let is_checkpoint = matches!(entry, Entry::Source(_));
                if tail.batches == 0 || in_checkpoints && !is_checkpoint {
                    tail.batches += 1;
                }
                in_checkpoints = is_checkpoint;
            }
            // Its hash holds, so it was written to its end: by another version, or for another place.
            Ok(_) | Err(frame::Fault::Entry) => tail.is_foreign = true,
            Err(_) => {
                let is_last = reader.fill_buf().context(failed)?.is_empty();
                let is_begun = frame::is_begun(&line) || line.iter().all(|byte| *byte == 0);
                tail.is_foreign |= !is_last || !is_begun || is_ended && !frame::looks_written(&line);
            }
        }
        if tail.is_foreign {
            return Ok(tail);
        }
    }
}
