//! The directory of a result, opened.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use dome_binder::{Ledger, Record, Recorder, Replay, Rules};
use dome_core::{BinderVersion, Reader, Source, Timestamp, escaped_path};
use serde::Deserialize;
use serde_json::Value;

use super::file::{FileEntry, MANIFEST, ResultFile};
use super::manifest::Named;
use crate::error::{Context, Error, Result};

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
            .map_err(|why| Error::invalid(format!("`{}`: {why}", escaped_path(&path.join(MANIFEST)))))?;
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
        (self.named.count("blank"), self.named.count("duplicates"))
    }

    /// One of its files, whole: the very bytes that the manifest names.
    ///
    /// # Errors
    ///
    /// When it is missing, cut short, or another file than the manifest names.
    pub fn file(&self, name: ResultFile) -> Result<Vec<u8>> {
        let (path, named) = self.named(name)?;
        let bytes = fs::read(&path).context(|| format!("cannot read `{}`", escaped_path(&path)))?;
        self.same(&path, named, &FileEntry::of(&bytes))?;
        Ok(bytes)
    }

    /// Holds one of its files to the manifest, piece by piece.
    ///
    /// # Errors
    ///
    /// As [`ResultDir::file`].
    pub fn hold(&self, name: ResultFile) -> Result<()> {
        let (path, named) = self.named(name)?;
        let found = File::open(&path).and_then(FileEntry::read);
        self.same(&path, named, &found.context(|| format!("cannot read `{}`", escaped_path(&path)))?)
    }

    /// Holds every file to the manifest, so that nothing is said of a result that was edited.
    ///
    /// # Errors
    ///
    /// As [`ResultDir::file`].
    pub fn check(&self) -> Result<()> {
        ResultFile::ALL.into_iter().try_for_each(|file| self.hold(file))
    }

    fn named(&self, name: ResultFile) -> Result<(PathBuf, &FileEntry)> {
        let path = self.path.join(name.name());
        match self.named.files.get(name.name()) {
            Some(entry) => Ok((path, entry)),
            None => Err(Error::invalid(format!("`{}`: the manifest names no such file", escaped_path(&path)))),
        }
    }

    fn same(&self, path: &Path, named: &FileEntry, found: &FileEntry) -> Result<()> {
        let what = if found.lines < named.lines {
            format!("is cut short: {} of {} lines", found.lines, named.lines)
        } else if found.sha256 != named.sha256 {
            "is not the file that the manifest names".to_owned()
        } else {
            return Ok(());
        };
        let dir = escaped_path(&self.path);
        Err(Error::invalid(format!("`{}` {what}; `dome verify {dir}` says what differs", escaped_path(path))))
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
        let mut places = lines(&lineage);
        let record = |(number, line): (usize, &[u8])| {
            let source = places.next().and_then(source_of);
            let source =
                source.ok_or_else(|| self.bad_row(ResultFile::Lineage, number, "no row of lineage for this fact"))?;
            let record = record_of(line, source, &mut reader, &mut recorder);
            record.map(Box::new).ok_or_else(|| self.bad_row(ResultFile::Facts, number, "not a row of facts"))
        };
        lines(&facts).enumerate().map(record).collect()
    }

    /// Its facts in total order (M-42), settled again; duplicates are not counted, as they left no row.
    ///
    /// # Errors
    ///
    /// As [`ResultDir::records`].
    pub fn ledger(&self) -> Result<Ledger> {
        Ok(Ledger::of(self.records()?, &self.rules().codes))
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
        Error::invalid(format!("`{}`, line {}: {why}", escaped_path(&self.path.join(name.name())), number + 1))
    }
}

/// The lines of a file of a result, without their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

/// The canonical envelope in a row of `facts.jsonl`; `None` when the line does not have the form of a row.
#[must_use]
pub fn envelope_of(line: &[u8]) -> Option<&[u8]> {
    const HASH_BYTES: usize = 64;
    // Nothing behind the envelope can hold the last one of these.
    const BEHIND: &[u8] = b",\"fingerprint_hash\":\"";
    let (_derived_key, rest) = line.strip_prefix(b"{\"derived_key\":\"")?.split_at_checked(HASH_BYTES)?;
    let (_digest, rest) = rest.strip_prefix(b"\",\"digest\":\"")?.split_at_checked(HASH_BYTES)?;
    let rest = rest.strip_prefix(b"\",\"envelope\":")?;
    rest.get(..rest.windows(BEHIND.len()).rposition(|window| window == BEHIND)?)
}

/// The record behind a row of `facts.jsonl`, as it was read from its source.
pub fn record_of(line: &[u8], source: Source, reader: &mut Reader, recorder: &mut Recorder) -> Option<Record> {
    Some(recorder.record(reader.read(envelope_of(line)?).ok()?, source))
}

/// Where a row of `lineage.jsonl` says that a fact stood.
#[must_use]
pub fn source_of(line: &[u8]) -> Option<Source> {
    #[derive(Deserialize)]
    struct LineageRow<'l> {
        #[serde(borrow)]
        source: LineagePlace<'l>,
    }
    #[derive(Deserialize)]
    struct LineagePlace<'l> {
        line: u64,
        #[serde(borrow)]
        name: Cow<'l, str>,
    }
    let LineageRow { source: LineagePlace { line, name } } = serde_json::from_slice(line).ok()?;
    Some(Source { line, name: name.into() })
}

/// The bytes of the manifest.
///
/// # Errors
///
/// When there is none, and so no result.
pub fn manifest_bytes(path: &Path) -> Result<Vec<u8>> {
    let not_one = |why: &str| Error::invalid(format!("`{}` is no dome result: {why}", escaped_path(path)));
    match fs::read(path.join(MANIFEST)) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(not_one("it is a file; name the directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_dir() => {
            Err(not_one("it has no `manifest.json`"))
        }
        Err(error) => Err(error).context(|| format!("cannot read `{}`", escaped_path(&path.join(MANIFEST)))),
    }
}
