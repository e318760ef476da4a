//! Temporary files. They have no name, so that nothing of them can be left behind, however the process ends.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use dome_core::escaped_path;

use crate::error::{Error, Invariant, Result};
use crate::parallel::held;

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

/// A file that some parts of a sorter share, made when the first of them needs it: files by the hundred would cost more
/// than what is written to them.
#[derive(Debug)]
pub(crate) struct SpillFile {
    scratch: Scratch,
    /// The file, and where it ends.
    open: Mutex<Option<(Arc<File>, u64)>>,
}

impl SpillFile {
    pub(crate) fn new(scratch: &Scratch) -> Self {
        Self { scratch: scratch.clone(), open: Mutex::default() }
    }

    pub(crate) fn scratch(&self) -> Scratch {
        self.scratch.clone()
    }

    /// Appends a run of rows: `write` hands them out sorted. No other run is written meanwhile.
    pub(crate) fn write_run(
        &self,
        write: impl FnOnce(&mut RunWriter<'_>) -> Result<()>,
    ) -> Result<(Arc<File>, Range<u64>)> {
        let mut open = held(&self.open);
        let (file, end) = match &mut *open {
            Some(open) => open,
            None => open.insert((Arc::new(self.scratch.file()?), 0)),
        };
        let start = *end;
        write(&mut RunWriter { file, scratch: &self.scratch, end })?;
        Ok((Arc::clone(file), start..*end))
    }
}

/// Writes the rows of a run, each behind its length.
pub(crate) struct RunWriter<'f> {
    file: &'f File,
    scratch: &'f Scratch,
    end: &'f mut u64,
}

impl RunWriter<'_> {
    pub(crate) fn write<'r>(&mut self, rows: impl Iterator<Item = &'r [u8]>) -> Result<()> {
        /// Rows that one call to the system takes.
        const AT_ONCE: usize = 1_024;
        let mut rows = rows.map(IoSlice::new).peekable();
        while rows.peek().is_some() {
            let mut some: Vec<IoSlice<'_>> = rows.by_ref().take(AT_ONCE).collect();
            *self.end += some.iter().map(|row| row.len() as u64).sum::<u64>();
            write_all(self.file, &mut some).map_err(|why| self.scratch.failed("write", why))?;
        }
        Ok(())
    }
}

/// What one part has in a file: runs of rows, each of them sorted.
#[derive(Debug)]
pub(crate) struct SpilledRuns {
    pub(crate) scratch: Scratch,
    pub(crate) file: Arc<File>,
    pub(crate) runs: Vec<Range<u64>>,
}

impl SpilledRuns {
    pub(crate) fn readers(self, piece: usize) -> Vec<RunReader> {
        let Self { scratch, file, runs } = self;
        let reader = |run: Range<u64>| RunReader {
            file: Arc::clone(&file),
            scratch: scratch.clone(),
            next: run.start,
            end: run.end,
            room: Vec::new(),
            at: 0,
            filled: 0,
            row: 0..0,
            piece,
        };
        runs.into_iter().map(reader).collect()
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
