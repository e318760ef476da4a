//! A file that grows: read on from where reading stopped, whatever becomes of its name.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::intake::Intake;
use super::progress::{Progress, Start, find_start, skip};
use super::stop::Stop;
use dome_core::escaped_path;
use dome_replay::error::{Context, Result};
use dome_replay::input::{Chunks, Source};

/// An open file and how far it was read. The file stays open when its name goes to another one.
pub(crate) struct Tail {
    path: PathBuf,
    file: File,
    progress: Progress,
    compressed: bool,
    /// Of a compressed file: the size and change time that were read.
    seen: (u64, i64, i64),
    /// When it last had something new.
    active: Instant,
}

/// What has become of a file.
pub(crate) enum Now {
    /// It is the file at its path.
    Same,
    /// Its path leads to another file, or nowhere.
    Renamed,
    /// It does not hold any more what was read from it.
    Rewritten,
}

impl Tail {
    /// Starts where the store stopped; `in_use` are the names under which others are read.
    pub(crate) fn open(
        source: &Source,
        path: &Path,
        intake: &mut Intake<'_>,
        in_use: &BTreeSet<String>,
    ) -> Result<Self> {
        intake.keep_lines_of(&source.name)?;
        let known = intake.writer.checkpoints_of(&source.name);
        let Start { progress, note: remark } = find_start(source, &known, in_use)?;
        if let Some(remark) = remark {
            intake.watch.note(&remark);
        }
        let file = File::open(path).context(|| format!("cannot read `{}`", escaped_path(path)))?;
        let (path, compressed) = (path.to_owned(), source.is_compressed());
        Ok(Self { path, file, progress, compressed, seen: (0, 0, 0), active: Instant::now() })
    }

    /// The path that it has, or had.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name under which the store knows it.
    pub(crate) fn name(&self) -> &str {
        &self.progress.name
    }

    /// Whether nothing has come for so long.
    pub(crate) fn is_quiet(&self, time: Duration) -> bool {
        self.active.elapsed() >= time
    }

    /// Whether its path still leads to it.
    pub(crate) fn has_its_name(&self) -> bool {
        let place = |found: &fs::Metadata| (found.dev(), found.ino());
        let named = fs::metadata(&self.path).ok();
        named.is_some_and(|named| self.file.metadata().is_ok_and(|open| place(&open) == place(&named)))
    }

    /// Reads what has come. A line without an end waits for it.
    pub(crate) fn advance(&mut self, source: &Source, intake: &mut Intake<'_>, stop: &Stop) -> Result<Now> {
        let renamed = !self.has_its_name();
        if self.compressed {
            return if renamed { Ok(Now::Renamed) } else { self.compressed(source, intake, stop) };
        }
        match self.rest(intake, false, stop)? {
            Now::Same if renamed => Ok(Now::Renamed),
            now => Ok(now),
        }
    }

    /// Whether it is shorter than what was read, or other bytes stand before that place.
    fn is_rewritten(&self) -> Result<bool> {
        let expected = self.progress.recent();
        let mut found = vec![0; expected.len()];
        let start = self.progress.offset - expected.len() as u64;
        let length = self.file.metadata().context(|| format!("cannot read `{}`", escaped_path(&self.path)))?.len();
        let read = self.file.read_exact_at(&mut found, start);
        Ok(length < self.progress.offset || read.is_ok() && found != expected)
    }

    /// Reads to the end of what stands in the file; `is_all` when nothing will follow, so that a last
    /// line without an end is one. Says whether the file is another one than what was read of it.
    pub(crate) fn rest(&mut self, intake: &mut Intake<'_>, is_all: bool, stop: &Stop) -> Result<Now> {
        if self.compressed {
            return Ok(Now::Same);
        }
        if self.is_rewritten()? {
            return Ok(Now::Rewritten);
        }
        let failed = || format!("cannot read `{}`", escaped_path(&self.path));
        let length = self.file.metadata().context(failed)?.len();
        if length <= self.progress.offset {
            return Ok(Now::Same);
        }
        self.file.seek(SeekFrom::Start(self.progress.offset)).context(failed)?;
        let reader = Read::take(&self.file, length - self.progress.offset);
        let before = self.progress.offset;
        for chunk in Chunks::resumed(reader, self.progress.number(), self.progress.offset) {
            let chunk = chunk.context(failed)?;
            // Looked at once the chunk is in memory: a file that was rewritten in the meantime may have
            // given bytes of another text. What stands before the chunk still, stood there when it was read.
            if self.is_rewritten()? {
                return Ok(Now::Rewritten);
            }
            if is_all {
                intake.chunk(chunk, &mut self.progress, true)?;
            } else if !intake.chunk_until(chunk, &mut self.progress, false, stop)? {
                break;
            }
        }
        if self.progress.offset > before {
            self.active = Instant::now();
        }
        let ended = is_all || self.progress.offset == length;
        intake.ended(&mut self.progress, ended);
        Ok(Now::Same)
    }

    /// A compressed file is read from its start whenever it has changed.
    fn compressed(&mut self, source: &Source, intake: &mut Intake<'_>, stop: &Stop) -> Result<Now> {
        let open = self.file.metadata().context(|| format!("cannot read `{}`", escaped_path(&self.path)))?;
        let seen = (open.len(), open.mtime(), open.mtime_nsec());
        if seen == self.seen {
            return Ok(Now::Same);
        }
        let Ok(mut reader) = source.open() else { return Ok(Now::Same) };
        match skip(&mut reader, self.progress.offset) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof && self.progress.offset > 0 => {
                return Ok(Now::Rewritten);
            }
            Err(_) => return Ok(Now::Same),
            Ok(()) => {}
        }
        let mut chunks = Chunks::resumed(reader, self.progress.number(), self.progress.offset).peekable();
        while let Some(chunk) = chunks.next() {
            // It may still be being written: what is not there yet is read when it is.
            let Ok(chunk) = chunk else { return Ok(Now::Same) };
            let is_last = chunks.peek().is_none();
            if !intake.chunk_until(chunk, &mut self.progress, is_last, stop)? {
                return Ok(Now::Same);
            }
        }
        self.seen = seen;
        intake.ended(&mut self.progress, true);
        Ok(Now::Same)
    }
}
