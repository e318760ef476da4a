//! Writing files, with the digest and the number of lines of each.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use dome_core::{Sha256Hash, canonical, line_feeds};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::early::EarlySync;
use dome_replay::parallel;

/// Bytes that are gathered for one write, where they come in smaller pieces.
const BUFFER_BYTES: usize = 64 << 10;

/// What the manifest says of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct FileEntry {
    /// Its lines.
    pub(crate) lines: u64,
    /// SHA-256 of its bytes.
    pub(crate) sha256: Sha256Hash,
}

/// A directory that is being filled.
pub(crate) struct Folder {
    path: PathBuf,
    files: BTreeMap<String, FileEntry>,
}

/// A file that is being written: its bytes go to the file and into the sums, of which either may be ahead.
pub(crate) struct Rows {
    pub(super) file: RowFile,
    pub(super) sums: Sums,
}

/// Where rows go.
pub(super) struct RowFile {
    path: PathBuf,
    out: BufWriter<File>,
    early: EarlySync,
}

/// What the manifest says of rows, so far.
#[derive(Default)]
pub(super) struct Sums {
    hasher: Sha256,
    lines: u64,
}

impl Rows {
    /// Writes whole lines.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.sums.add(bytes);
        self.file.write(bytes)
    }

    /// Gives the system everything that was written so far, and a large file to the disk while others work.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        let RowFile { path, out, early } = &mut self.file;
        out.flush().with_context(|| format!("cannot write `{}`", path.display()))?;
        early.ask();
        Ok(())
    }

    fn close(self) -> anyhow::Result<FileEntry> {
        let (RowFile { path, out, early }, Sums { hasher, lines }) = (self.file, self.sums);
        let file = out.into_inner().map_err(std::io::IntoInnerError::into_error);
        let synced = file.and_then(|file| early.end().and_then(|()| file.sync_all()));
        synced.with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(FileEntry { lines, sha256: Sha256Hash::from_bytes(hasher.finalize().into()) })
    }
}

impl RowFile {
    /// Writes whole lines, which are added to the sums elsewhere.
    pub(super) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.out.write_all(bytes).with_context(|| format!("cannot write `{}`", self.path.display()))?;
        self.early.wrote(self.out.get_ref(), bytes.len());
        Ok(())
    }
}

impl Sums {
    /// Adds whole lines, which are written elsewhere.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.lines += line_feeds(bytes);
    }
}

impl Folder {
    pub(super) fn new(path: &Path) -> anyhow::Result<Self> {
        let views = path.join("views");
        fs::create_dir(&views).with_context(|| format!("cannot make `{}`", views.display()))?;
        Ok(Self { path: path.to_owned(), files: BTreeMap::new() })
    }

    pub(crate) fn open(&self, name: &str) -> anyhow::Result<Rows> {
        let path = self.path.join(name);
        let file = File::create_new(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
        let out = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(Rows { file: RowFile { path, out, early: EarlySync::default() }, sums: Sums::default() })
    }

    /// Ends a file: everything is on the disk before the manifest names it.
    pub(crate) fn close(&mut self, name: &str, rows: Rows) -> anyhow::Result<()> {
        self.files.insert(name.to_owned(), rows.close()?);
        Ok(())
    }

    /// Ends files, all at once: a disk is waited for but once.
    pub(super) fn close_all(&mut self, files: Vec<(&str, Rows)>) -> anyhow::Result<()> {
        let count = files.len();
        let closed = parallel::map(count, files.into_iter(), |(name, rows)| (name, rows.close()));
        for (name, entry) in closed {
            self.files.insert(name.to_owned(), entry?);
        }
        Ok(())
    }

    pub(super) fn files(&self) -> BTreeMap<String, FileEntry> {
        self.files.clone()
    }

    /// Writes one canonical object on a line.
    pub(super) fn document<T: Serialize>(&mut self, name: &str, document: &T) -> anyhow::Result<()> {
        let mut bytes = canonical::to_vec(document)?;
        bytes.push(b'\n');
        let mut rows = self.open(name)?;
        rows.push(&bytes)?;
        self.close(name, rows)
    }

    /// Sees to it that the names of the files are on the disk too.
    pub(super) fn sync(&self) -> anyhow::Result<()> {
        for path in [self.path.join("views"), self.path.clone()] {
            let synced = File::open(&path).and_then(|folder| folder.sync_all());
            synced.with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        Ok(())
    }
}
