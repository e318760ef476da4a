//! The directory of a result, opened.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use dome_binder::{Ledger, Record, Recorder, Replay, Rules};
use dome_core::{BinderVersion, Reader, Sha256Hash, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::file::{FileEntry, MANIFEST, ResultFile};
use super::named::Named;
use super::{FactRow, source_of};
use crate::error::{Context, Error, Result};

/// Bytes of a file that are held to its digest at once.
const PIECE_BYTES: usize = 64 << 10;

/// A result that was opened: its manifest is read, its files are read when they are asked for.
#[derive(Clone, Debug)]
pub struct ResultDir {
    path: PathBuf,
    named: Named,
}

impl ResultDir {
    /// Opens the result that `dome replay --out DIR` left.
    ///
    /// # Errors
    ///
    /// When `path` holds no result, one of another format, or a manifest that cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = manifest_bytes(path)?;
        let named = Named::parse(&bytes)
            .map_err(|why| Error::invalid(format!("`{}`: {why}", path.join(MANIFEST).display())))?;
        Ok(Self { path: path.to_owned(), named })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its manifest names.
    pub const fn manifest(&self) -> &Named {
        &self.named
    }

    /// The policy, the reason codes and the mode that it was computed by.
    pub const fn rules(&self) -> &Rules {
        &self.named.rules
    }

    /// The binder that it was computed by.
    pub const fn binder(&self) -> BinderVersion {
        self.named.binder
    }

    /// The instant that staleness was measured at.
    pub const fn as_of(&self) -> Option<Timestamp> {
        self.named.as_of
    }

    /// Lines that left no row: blank ones, and repeats of facts.
    pub fn unlisted(&self) -> (u64, u64) {
        let count = |name: &str| self.named.document.pointer(&format!("/counts/{name}")).and_then(Value::as_u64);
        (count("blank").unwrap_or(0), count("duplicates").unwrap_or(0))
    }

    /// One of its files, whole: the very bytes that the manifest names.
    ///
    /// # Errors
    ///
    /// When it is missing, cut short, or another file than the manifest names.
    pub fn file(&self, name: ResultFile) -> Result<Vec<u8>> {
        let path = self.path.join(name.name());
        let named = self.named(name)?;
        let bytes = fs::read(&path).context(|| format!("cannot read `{}`", path.display()))?;
        let found = FileEntry { lines: dome_core::line_feeds(&bytes), sha256: Sha256Hash::of(&bytes) };
        self.same(&path, named, &found)?;
        Ok(bytes)
    }

    /// Holds one of its files to the manifest, piece by piece.
    ///
    /// # Errors
    ///
    /// As [`ResultDir::file`].
    pub fn hold(&self, name: ResultFile) -> Result<()> {
        let path = self.path.join(name.name());
        let named = self.named(name)?;
        let found = entry_of(&path).context(|| format!("cannot read `{}`", path.display()))?;
        self.same(&path, named, &found)
    }

    /// Holds every file to the manifest, so that nothing is said of a result that was edited.
    ///
    /// # Errors
    ///
    /// As [`ResultDir::file`].
    pub fn check(&self) -> Result<()> {
        ResultFile::ALL.into_iter().try_for_each(|file| self.hold(file))
    }

    /// What the manifest says of a file.
    fn named(&self, name: ResultFile) -> Result<&FileEntry> {
        let path = self.path.join(name.name());
        let entry = self.named.files.get(name.name());
        entry.ok_or_else(|| Error::invalid(format!("`{}`: the manifest names no such file", path.display())))
    }

    fn same(&self, path: &Path, named: &FileEntry, found: &FileEntry) -> Result<()> {
        let says = |what: String| {
            let dir = self.path.display();
            Error::invalid(format!("`{}` {what}; `dome verify {dir}` says what differs", path.display()))
        };
        if found.lines < named.lines {
            return Err(says(format!("is cut short: {} of {} lines", found.lines, named.lines)));
        }
        if found.sha256 != named.sha256 {
            return Err(says("is not the file that the manifest names".to_owned()));
        }
        Ok(())
    }

    /// The rows of one of its files as values.
    ///
    /// # Errors
    ///
    /// As [`ResultDir::file`], and when a row is not JSON.
    pub fn rows(&self, name: ResultFile) -> Result<Vec<Value>> {
        let bytes = self.file(name)?;
        let row = |(number, line): (usize, &[u8])| {
            serde_json::from_slice(line).map_err(|why| self.bad_row(name, number, &why.to_string()))
        };
        lines(&bytes).enumerate().map(row).collect()
    }

    /// Its facts as records again, in total order, each with the place that it came from.
    ///
    /// # Errors
    ///
    /// As [`ResultDir::file`], and when a row is not one.
    pub fn records(&self) -> Result<Vec<Box<Record>>> {
        self.records_under(self.binder())
    }

    /// As [`ResultDir::records`], with the keys of another binder.
    ///
    /// # Errors
    ///
    /// As [`ResultDir::records`].
    pub fn records_under(&self, binder: BinderVersion) -> Result<Vec<Box<Record>>> {
        let (facts, lineage) = (self.file(ResultFile::Facts)?, self.file(ResultFile::Lineage)?);
        let (mut reader, mut recorder) = (Reader::new().any_length(), Recorder::new(binder));
        let mut records = Vec::new();
        let mut places = lines(&lineage);
        for (number, line) in lines(&facts).enumerate() {
            let source = places.next().and_then(source_of);
            let source =
                source.ok_or_else(|| self.bad_row(ResultFile::Lineage, number, "no row of lineage for this fact"))?;
            let row = FactRow::cut(line);
            let record = row.and_then(|row| row.record(source, &mut reader, &mut recorder));
            records
                .push(Box::new(record.ok_or_else(|| self.bad_row(ResultFile::Facts, number, "not a row of facts"))?));
        }
        Ok(records)
    }

    /// Its facts in total order (M-42), settled again; duplicates are not counted, as they left no row.
    ///
    /// # Errors
    ///
    /// As [`ResultDir::records`].
    pub fn ledger(&self) -> Result<Ledger> {
        Ok(Ledger::of(self.records()?))
    }

    /// Everything that its facts come to, computed again under its own rules (L-10).
    ///
    /// # Errors
    ///
    /// As [`ResultDir::records`].
    pub fn replay(&self) -> Result<Replay> {
        Ok(dome_binder::replay(self.records()?, self.rules(), self.as_of()))
    }

    fn bad_row(&self, name: ResultFile, number: usize, why: &str) -> Error {
        Error::invalid(format!("`{}`, line {}: {why}", self.path.join(name.name()).display(), number + 1))
    }
}

/// What a manifest would say of a file, read piece by piece.
fn entry_of(path: &Path) -> io::Result<FileEntry> {
    let (mut file, mut piece) = (File::open(path)?, vec![0; PIECE_BYTES]);
    let (mut lines, mut hasher) = (0, Sha256::new());
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok(FileEntry { lines, sha256: Sha256Hash::from_bytes(hasher.finalize().into()) });
        }
        let read = piece.get(..count).unwrap_or_default();
        lines += dome_core::line_feeds(read);
        hasher.update(read);
    }
}

/// The lines of a file of a result, without their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

/// The bytes of the manifest.
///
/// # Errors
///
/// When there is none, and so no result.
pub fn manifest_bytes(path: &Path) -> Result<Vec<u8>> {
    let not_one = |why: &str| Error::invalid(format!("`{}` is no dome result: {why}", path.display()));
    match fs::read(path.join(MANIFEST)) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(not_one("it is a file; name the directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_dir() => {
            Err(not_one("it has no `manifest.json`"))
        }
        Err(error) => Err(error).context(|| format!("cannot read `{}`", path.join(MANIFEST).display())),
    }
}
