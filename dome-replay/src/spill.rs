//! Temporary files. They have no name, so that nothing of them can be left behind, however the process ends.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dome_core::escaped_path;

use crate::error::{Error, Invariant, Result};

/// Bytes that are written at once.
const WRITE_BYTES: usize = 256 << 10;

/// Where temporary files are made.
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

    /// Where the system keeps temporary files.
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
    /// Where each run starts.
    runs: Vec<u64>,
}

impl SpillFile {
    pub(crate) fn new(scratch: &Scratch) -> Result<Self> {
        Ok(Self { file: scratch.file()?, scratch: scratch.clone(), end: 0, runs: Vec::new() })
    }

    /// Adds a run of rows, which come sorted; `append` appends the bytes of each.
    pub(crate) fn add_run<T>(
        &mut self,
        rows: impl IntoIterator<Item = T>,
        append: impl Fn(&T, &mut Vec<u8>),
    ) -> Result<()> {
        self.runs.push(self.end);
        let mut bytes = Vec::with_capacity(WRITE_BYTES + (8 << 10));
        for row in rows {
            let at = bytes.len();
            bytes.extend_from_slice(&[0; 4]);
            append(&row, &mut bytes);
            let length = u32::try_from(bytes.len() - at - 4).ok().invariant("a row has less than 4 GiB")?;
            bytes
                .get_mut(at..at + 4)
                .invariant("a length stands before its row")?
                .copy_from_slice(&length.to_le_bytes());
            if bytes.len() >= WRITE_BYTES {
                self.write(&bytes)?;
                bytes.clear();
            }
        }
        self.write(&bytes)
    }

    /// How many runs it has.
    pub(crate) const fn runs(&self) -> usize {
        self.runs.len()
    }

    /// The runs, for reading in pieces of about so many bytes.
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
            piece,
        };
        self.runs.into_iter().zip(ends).map(reader).collect()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all_at(bytes, self.end).map_err(|why| self.scratch.failed("write", why))?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// A run that is being read from front to back.
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
    piece: usize,
}

impl RunReader {
    /// The bytes of the next row.
    pub(crate) fn next_row(&mut self) -> Result<Option<&[u8]>> {
        if self.at == self.filled && self.next == self.end {
            return Ok(None);
        }
        self.hold(4)?;
        let length = self.room.get(self.at..).and_then(|held| held.first_chunk::<4>());
        let length = u32::from_le_bytes(*length.invariant("a length stands before a row")?) as usize;
        self.hold(4 + length)?;
        let start = self.at + 4;
        self.at = start + length;
        self.room.get(start..self.at).invariant("a row stands behind its length").map(Some)
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
