//! Temporary files. They have no name, so that nothing of them can be left behind, however the process ends.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dome_core::escaped_path;

use crate::error::{Error, Invariant, Result};

#[derive(Clone, Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// On the file system of a result: in the nearest folder that stands above its place.
    pub(crate) fn above(out: &Path) -> Self {
        let above = out.ancestors().skip(1).find(|folder| folder.is_dir());
        Self { folder: above.map_or_else(|| PathBuf::from("."), Path::to_owned) }
    }

    pub(crate) fn of_system() -> Self {
        Self { folder: std::env::temp_dir() }
    }

    pub(crate) fn file(&self) -> Result<File> {
        tempfile::tempfile_in(&self.folder).map_err(|why| self.failed("make", why))
    }

    pub(crate) fn failed(&self, verb: &str, why: io::Error) -> Error {
        Error::caused(format!("cannot {verb} a temporary file in `{}`", escaped_path(&self.folder)), why)
    }
}

/// A file of rows in runs, each of them sorted. One file holds all runs, so that a process needs few open files.
#[derive(Debug)]
pub(crate) struct SpillFile {
    file: File,
    scratch: Scratch,
    end: u64,
    runs: Vec<u64>,
}

impl SpillFile {
    pub(crate) fn new(scratch: &Scratch) -> Result<Self> {
        Ok(Self { file: scratch.file()?, scratch: scratch.clone(), end: 0, runs: Vec::new() })
    }

    /// Starts a run: what is written from here on comes sorted.
    pub(crate) fn start_run(&mut self) {
        self.runs.push(self.end);
    }

    /// Writes rows of the run that was started last, each behind its length.
    pub(crate) fn write<'r>(&mut self, rows: impl Iterator<Item = &'r [u8]>) -> Result<()> {
        /// Rows that one call to the system takes.
        const AT_ONCE: usize = 1_024;
        let mut rows = rows.map(IoSlice::new).peekable();
        while rows.peek().is_some() {
            let mut some: Vec<IoSlice<'_>> = rows.by_ref().take(AT_ONCE).collect();
            self.end += some.iter().map(|row| row.len() as u64).sum::<u64>();
            write_all(&self.file, &mut some).map_err(|why| self.scratch.failed("write", why))?;
        }
        Ok(())
    }

    pub(crate) const fn runs(&self) -> usize {
        self.runs.len()
    }

    pub(crate) fn readers(self, piece: usize) -> Vec<RunReader> {
        let ends: Vec<u64> = self.runs.iter().skip(1).copied().chain([self.end]).collect();
        let (file, scratch) = (Arc::new(self.file), self.scratch);
        let reader = |(start, end): (u64, u64)| RunReader {
            file: Arc::clone(&file),
            scratch: scratch.clone(),
            next: start,
            end,
            room: Vec::new(),
            at: 0,
            filled: 0,
            row: 0..0,
            piece,
        };
        self.runs.into_iter().zip(ends).map(reader).collect()
    }
}

/// Writes pieces one after the other, without putting them together first.
pub(crate) fn write_all(mut file: &File, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        match file.write_vectored(pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut pieces, written),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

#[derive(Debug)]
pub(crate) struct RunReader {
    file: Arc<File>,
    scratch: Scratch,
    /// The place in the file of the first byte that was not read.
    next: u64,
    end: u64,
    /// Room that is used again and again; what was read and not handed out stands in it from `at` to `filled`.
    room: Vec<u8>,
    at: usize,
    filled: usize,
    row: Range<usize>,
    piece: usize,
}

impl RunReader {
    #[expect(clippy::expect_used, reason = "`advance` says which bytes of the room are the row, when it holds them")]
    pub(crate) fn row(&self) -> &[u8] {
        self.room.get(self.row.clone()).expect("the row is held")
    }

    /// Goes on to the next row; false when there is none.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        if self.at == self.filled && self.next == self.end {
            return Ok(false);
        }
        self.hold(4)?;
        let length = self.room.get(self.at..).and_then(|held| held.first_chunk::<4>());
        let length = u32::from_le_bytes(*length.invariant("a length stands before a row")?) as usize;
        self.hold(4 + length)?;
        self.row = self.at + 4..self.at + 4 + length;
        self.at = self.row.end;
        Ok(true)
    }

    /// Sees to it that so many bytes from the next row on are held.
    fn hold(&mut self, bytes: usize) -> Result<()> {
        if self.filled - self.at >= bytes {
            return Ok(());
        }
        self.room.copy_within(self.at..self.filled, 0);
        (self.at, self.filled) = (0, self.filled - self.at);
        let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
        let wanted = bytes.max(self.piece).saturating_sub(self.filled).min(left);
        let filled = self.filled + wanted;
        if self.room.len() < filled {
            self.room.resize(filled, 0);
        }
        let room = self.room.get_mut(self.filled..filled).invariant("there is room for what is read")?;
        self.file.read_exact_at(room, self.next).map_err(|why| self.scratch.failed("read", why))?;
        self.next += wanted as u64;
        self.filled = filled;
        Ok(())
    }
}
