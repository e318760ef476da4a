//! A file that grows: read on from where reading stopped, whatever becomes of its name.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use anyhow::Context;

use super::intake::Intake;
use super::progress::{Progress, Start, find_start};
use crate::input::{Chunks, Source};
use crate::output::note;

/// An open file and how far it was read. The file stays open when its name goes to another one.
pub(super) struct Tail {
    path: PathBuf,
    file: File,
    progress: Progress,
    compressed: bool,
    /// Of a compressed file: the size and change time that were read.
    seen: (u64, i64, i64),
}

impl Tail {
    /// Starts where the store stopped.
    pub(super) fn open(source: &Source, intake: &mut Intake<'_>) -> anyhow::Result<Option<Self>> {
        let Some(path) = source.path().map(PathBuf::from) else { return Ok(None) };
        intake.keep()?;
        let Start { progress, note: remark } = find_start(source, &intake.writer.known_sources()?)?;
        if let Some(remark) = remark {
            note(&format!("dome: note: {remark}"));
        }
        let file = File::open(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let compressed = source.is_compressed();
        Ok(Some(Self { path, file, progress, compressed, seen: (0, 0, 0) }))
    }

    /// Reads what has come; says whether the file at this path is still the one that is read.
    ///
    /// A line without an end waits for its end, unless the file has gone from its name: then nothing
    /// will follow.
    pub(super) fn advance(&mut self, source: &Source, intake: &mut Intake<'_>) -> anyhow::Result<bool> {
        let failed = || format!("cannot read `{}`", self.path.display());
        let open = self.file.metadata().with_context(failed)?;
        let named = fs::metadata(&self.path).ok();
        let same = named.as_ref().is_some_and(|named| (named.dev(), named.ino()) == (open.dev(), open.ino()));
        if self.compressed {
            return self.compressed(source, &open, same, intake);
        }
        if open.len() < self.progress.offset {
            return Ok(false);
        }
        if open.len() > self.progress.offset {
            self.file.seek(SeekFrom::Start(self.progress.offset)).with_context(failed)?;
            let limit = open.len() - self.progress.offset;
            let reader = std::io::Read::take(&self.file, limit);
            let chunks = Chunks::resumed(reader, self.progress.number(), self.progress.offset);
            for chunk in chunks {
                intake.chunk(chunk.with_context(failed)?, &mut self.progress, !same)?;
            }
        }
        Ok(same)
    }

    /// A compressed file is read as a whole once it is whole.
    fn compressed(
        &mut self,
        source: &Source,
        open: &fs::Metadata,
        same: bool,
        intake: &mut Intake<'_>,
    ) -> anyhow::Result<bool> {
        let seen = (open.len(), open.mtime(), open.mtime_nsec());
        if !same || seen == self.seen {
            return Ok(same);
        }
        let mut reader = source.open()?;
        if super::progress::skip(&mut reader, self.progress.offset).is_err() {
            return Ok(false);
        }
        for chunk in Chunks::resumed(reader, self.progress.number(), self.progress.offset) {
            // It may still be being written: what is not there yet is read when it is.
            let Ok(chunk) = chunk else { return Ok(true) };
            intake.chunk(chunk, &mut self.progress, false)?;
        }
        self.seen = seen;
        Ok(true)
    }
}
