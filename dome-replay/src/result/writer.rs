//! Writing rows, with the digest and the number of lines of each file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use dome_binder::append_row;
use dome_core::{Sha256Hash, escaped_path, line_feeds};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::file::{FileEntry, ResultFile, VIEWS};
use crate::error::{Context, Result};
use crate::parallel;

/// Bytes that are gathered for one write, where they come in smaller pieces.
const BUFFER_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub(crate) enum Sink {
    Folder { path: PathBuf, early_bytes: usize },
    Memory,
}

/// The rows of a file that is being written: they go to their place and into the sums, of which either may be ahead.
pub(crate) struct Rows {
    pub(crate) to: RowTarget,
    pub(crate) sums: Sums,
}

pub(crate) enum RowTarget {
    File { path: PathBuf, out: BufWriter<File>, early: EarlySync },
    Memory(Vec<u8>),
}

#[derive(Default)]
pub(crate) struct Sums {
    hasher: Sha256,
    lines: u64,
}

#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) entry: FileEntry,
    pub(crate) bytes: Vec<u8>,
}

impl Sink {
    pub(crate) fn folder(path: &Path, early_bytes: usize) -> Result<Self> {
        let views = path.join(VIEWS);
        fs::create_dir(&views).context(|| format!("cannot make `{}`", escaped_path(&views)))?;
        Ok(Self::Folder { path: path.to_owned(), early_bytes })
    }

    pub(crate) fn open(&self, file: ResultFile) -> Result<Rows> {
        let to = match self {
            Self::Memory => RowTarget::Memory(Vec::new()),
            Self::Folder { path, early_bytes } => {
                let path = path.join(file.name());
                let created = File::create_new(&path).context(|| format!("cannot write `{}`", escaped_path(&path)))?;
                let out = BufWriter::with_capacity(BUFFER_BYTES, created);
                RowTarget::File { path, out, early: EarlySync::new(*early_bytes) }
            }
        };
        Ok(Rows { to, sums: Sums::default() })
    }

    /// Ends files, all at once: a disk is waited for but once.
    pub(crate) fn close(files: Vec<(ResultFile, Rows)>) -> Result<BTreeMap<ResultFile, Closed>> {
        let count = files.len();
        let closed = parallel::map(count, files.into_iter(), |(file, rows)| Ok((file, rows.close()?)));
        closed.into_iter().collect()
    }
}

impl Rows {
    /// Writes whole lines.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.sums.add(bytes);
        self.to.write(bytes)
    }

    pub(crate) fn all<T: Serialize>(mut self, rows: impl IntoIterator<Item = T>, batch: usize) -> Result<Self> {
        let (mut rows, mut bytes) = (rows.into_iter().peekable(), Vec::new());
        while rows.peek().is_some() {
            bytes.clear();
            rows.by_ref().take(batch).for_each(|row| append_row(&row, &mut bytes));
            self.push(&bytes)?;
        }
        Ok(self)
    }

    /// Gives the system everything that was written so far, and a large file to the disk while others work.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if let RowTarget::File { path, out, early } = &mut self.to {
            out.flush().context(|| format!("cannot write `{}`", escaped_path(path)))?;
            early.ask();
        }
        Ok(())
    }

    fn close(self) -> Result<Closed> {
        let Sums { hasher, lines } = self.sums;
        let bytes = match self.to {
            RowTarget::Memory(bytes) => bytes,
            RowTarget::File { path, out, early } => {
                let file = out.into_inner().map_err(io::IntoInnerError::into_error);
                let synced = file.and_then(|file| early.end().and_then(|()| file.sync_all()));
                synced.context(|| format!("cannot write `{}`", escaped_path(&path)))?;
                Vec::new()
            }
        };
        let entry = FileEntry { lines, sha256: Sha256Hash::from_bytes(hasher.finalize().into()) };
        Ok(Closed { entry, bytes })
    }
}

impl RowTarget {
    /// Writes whole lines, which are added to the sums elsewhere.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Memory(all) => all.extend_from_slice(bytes),
            Self::File { path, out, early } => {
                out.write_all(bytes).context(|| format!("cannot write `{}`", escaped_path(path)))?;
                early.wrote(out.get_ref(), bytes.len());
            }
        }
        Ok(())
    }
}

impl Sums {
    /// Adds whole lines, which are written elsewhere.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.lines += line_feeds(bytes);
    }
}

/// Asks the disk for what was written so far, beside who writes it.
pub(crate) struct EarlySync {
    /// Bytes between two syncs, at least; a file of fewer is only synced at its end.
    every: usize,
    /// Bytes since the disk was asked last.
    waiting: usize,
    helper: Option<Helper>,
}

struct Helper {
    ask: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl EarlySync {
    const fn new(every: usize) -> Self {
        Self { every, waiting: 0, helper: None }
    }

    fn wrote(&mut self, file: &File, bytes: usize) {
        self.waiting += bytes;
        if self.waiting >= self.every {
            if self.helper.is_none() {
                self.helper = Helper::start(file);
            }
            self.ask();
        }
    }

    fn ask(&mut self) {
        self.waiting = 0;
        if let Some(helper) = &self.helper {
            // One that is still at work, or has failed, is asked no more: `end` has the error.
            let _asked = helper.ask.try_send(());
        }
    }

    /// Waits for what was begun. What was written since is not on the disk yet.
    fn end(self) -> io::Result<()> {
        let Some(Helper { ask, thread }) = self.helper else { return Ok(()) };
        drop(ask);
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Helper {
    /// One with a thread of its own; none where the system has no more to give, since all that is lost is time.
    fn start(file: &File) -> Option<Self> {
        let file = file.try_clone().ok()?;
        let (ask, asked) = sync_channel(1);
        let sync = move |asked: Receiver<()>| asked.iter().try_for_each(|()| file.sync_data());
        let thread = thread::Builder::new().spawn(move || sync(asked)).ok()?;
        Some(Self { ask, thread })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_is_synced_while_it_is_written() -> io::Result<()> {
        let mut file = tempfile::tempfile()?;
        let mut early = EarlySync::new(64);
        for _ in 0..100 {
            file.write_all(&[b'x'; 50])?;
            early.wrote(&file, 50);
        }
        assert!(early.helper.is_some());
        early.end()
    }

    #[test]
    fn what_the_disk_refuses_is_heard_at_the_end() -> io::Result<()> {
        // One end of a pipe cannot be synced.
        let (_reader, writer) = io::pipe()?;
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let mut early = EarlySync::new(64);
        early.wrote(&file, 64);
        assert_eq!(early.end().map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
        Ok(())
    }
}
