//! Writing the log: a batch is on the disk before it is acknowledged.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use dome_core::Sha256Hash;

use super::entry::Entry;
use super::frame;
use super::manifest::{SegmentEntry, StoreManifest};
use super::scan::Place;
use super::{FOLDER, segment_name};
use dome_replay::input::sha256;

/// A segment that has grown to this many bytes is full; in tests of this crate soon, so that their
/// stores have many.
const SEGMENT_BYTES: u64 = if cfg!(test) { 4 << 10 } else { 64 << 20 };

/// The one writer of a log.
pub(crate) struct LogWriter {
    pub(crate) manifest: StoreManifest,
    store: PathBuf,
    folder: PathBuf,
    active: Option<File>,
}

/// An entry that is in the log now.
pub(crate) struct Written {
    pub(crate) position: u64,
    pub(crate) place: Place,
    pub(crate) entry: Entry,
}

impl LogWriter {
    /// Opens the log for writing, and cuts what was never acknowledged off its end. Says how many
    /// bytes that were. A last segment that is gone, or has lost its end, is left as it is: what
    /// comes goes into a new one.
    ///
    /// # Errors
    ///
    /// When a segment cannot be opened.
    pub(crate) fn open(store: &Path, manifest: StoreManifest) -> anyhow::Result<(Self, u64)> {
        let folder = store.join(FOLDER);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let mut writer = Self { manifest, store: store.to_owned(), folder, active: None };
        let mut cut = writer.remove_unknown()?;
        if let Some(segment) = writer.manifest.segments.last() {
            let path = writer.folder.join(&segment.name);
            let file = match OpenOptions::new().read(true).write(true).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((writer, cut)),
                opened => opened.with_context(|| format!("cannot open `{}`", path.display()))?,
            };
            let found = file.metadata().with_context(|| format!("cannot read `{}`", path.display()))?.len();
            if found < segment.length {
                return Ok((writer, cut));
            }
            if found > segment.length {
                cut += found - segment.length;
                let cut = file.set_len(segment.length).and_then(|()| file.sync_all());
                cut.with_context(|| format!("cannot cut `{}`", path.display()))?;
            }
            writer.active = Some(file);
        }
        Ok((writer, cut))
    }

    /// A segment behind the acknowledged end was begun by a batch that was never acknowledged.
    fn remove_unknown(&self) -> anyhow::Result<u64> {
        let path = self.folder.join(segment_name(self.manifest.next_position));
        let Ok(found) = fs::metadata(&path) else { return Ok(0) };
        fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
        Ok(found.len())
    }

    /// Writes a batch. When this returns it is on the disk and acknowledged; when it fails, the log
    /// is what it was before.
    ///
    /// # Errors
    ///
    /// When the disk refuses it.
    pub(crate) fn append(&mut self, entries: Vec<Entry>) -> anyhow::Result<Vec<Written>> {
        let mut next = self.manifest.clone();
        self.roll(&mut next)?;
        let segment = next.segments.last_mut().context("a log that is written to has a segment")?;
        let (mut bytes, mut written) = (Vec::new(), Vec::with_capacity(entries.len()));
        for entry in entries {
            let (start, position) = (bytes.len() as u64, next.next_position);
            frame::append(position, &entry, &mut bytes)?;
            let length = bytes.len() as u64 - start - 1;
            let place = Place { segment: segment.position, start: segment.length + start, length };
            written.push(Written { position, place, entry });
            next.next_position += 1;
        }
        let file = self.active.as_mut().context("a segment is open")?;
        let kept = put(file, segment.length, &bytes);
        if let Err(error) = kept {
            // Whatever was written is behind the acknowledged end: the next opening cuts it as well.
            let _cut_later = file.set_len(segment.length);
            return Err(error).with_context(|| format!("cannot write `{}`", self.folder.join(&segment.name).display()));
        }
        segment.length += bytes.len() as u64;
        next.write(&self.store)?;
        self.manifest = next;
        Ok(written)
    }

    /// Closes a full segment, and begins the next one.
    fn roll(&mut self, next: &mut StoreManifest) -> anyhow::Result<()> {
        if let Some(segment) = next.segments.last_mut() {
            match self.active.as_mut() {
                Some(_) if segment.length < SEGMENT_BYTES => return Ok(()),
                Some(file) => segment.sha256 = Some(hash(file, segment.length).context("cannot read the log")?),
                // It is damaged, and what it should hash to is not known.
                None => {}
            }
        }
        let name = segment_name(next.next_position);
        let path = self.folder.join(&name);
        let begun = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
        let file = begun.and_then(|file| {
            File::open(&self.folder)?.sync_all()?;
            Ok(file)
        });
        self.active = Some(file.with_context(|| format!("cannot write `{}`", path.display()))?);
        next.segments.push(SegmentEntry { length: 0, name, position: next.next_position, sha256: None });
        Ok(())
    }
}

fn put(file: &mut File, at: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// SHA-256 of the first bytes of a file.
pub(crate) fn hash(file: &mut File, length: u64) -> io::Result<Sha256Hash> {
    file.seek(SeekFrom::Start(0))?;
    sha256(file.take(length))
}
