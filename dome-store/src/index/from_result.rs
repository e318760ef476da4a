//! The index of a result: the rows of its files in, and rows of them read again.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use dome_binder::Recorder;
use dome_core::{HashingReader, QuarantineRow, Reader, Sha256Hash};
use dome_replay::{Error, MANIFEST, ResultDir, ResultFile, envelope_of, manifest_bytes, record_of, source_of};

use super::batch::{Arrival, Batch, EntryBytes, RawEntry, RejectedLine, RowOrigin, Standing};
use super::error::{IndexError, Result};
use super::{Basis, Index};

/// Facts that are taken in at once.
const FACTS: usize = 1 << 20;
pub(super) const FILES: [ResultFile; 3] = [ResultFile::Facts, ResultFile::Lineage, ResultFile::Quarantine];
/// The number by which entries say that they stand in `facts.jsonl`, and in `quarantine.jsonl`.
const IN_FACTS: u64 = 0;
const IN_QUARANTINE: u64 = 1;

/// The files of a result that an index is derived from, as its manifest names them.
#[derive(Clone, Debug)]
pub(crate) struct ResultFiles {
    result: ResultDir,
    /// SHA-256 of `manifest.json`.
    manifest: Sha256Hash,
}

/// The place of a result's index: `NAME.dome-index` beside it; `None` beside what has no name.
#[must_use]
pub(crate) fn beside(result: &Path) -> Option<PathBuf> {
    let whole = fs::canonicalize(result).ok()?;
    let name = whole.file_name()?.to_str()?;
    Some(whole.with_file_name(format!("{name}.dome-index")))
}

impl ResultFiles {
    pub(crate) fn of(result: &ResultDir) -> Result<Self> {
        Ok(Self { result: result.clone(), manifest: Sha256Hash::of(&manifest_bytes(result.path())?) })
    }

    /// Its manifest, and its files as they were touched last, so that edited ones are read again and found out.
    pub(crate) fn basis(&self, seal: Sha256Hash) -> Result<Basis> {
        let [facts, lineage, quarantine] = FILES.map(|file| stamp(&self.path(file)));
        let identity = format!("result {} {} {} {}", self.manifest, facts?, lineage?, quarantine?);
        Ok(Basis { identity, rules: self.result.rules().clone(), as_of: self.result.as_of(), seal })
    }

    pub(super) fn are_in(&self, index: &Index) -> bool {
        index.standing().is_ok_and(|standing| standing.mark == self.manifest.to_string())
    }

    fn path(&self, file: ResultFile) -> PathBuf {
        self.result.path().join(file.name())
    }

    pub(crate) fn lines(&self) -> Result<ResultLines> {
        Ok(ResultLines {
            facts: open(&self.path(ResultFile::Facts))?,
            quarantine: open(&self.path(ResultFile::Quarantine))?,
        })
    }

    fn bad(&self, file: ResultFile, number: u64, why: &str) -> IndexError {
        let path = self.path(file);
        Error::invalid(format!("`{}`, line {number}: {why}", dome_core::escaped_path(&path))).into()
    }

    pub(crate) fn fill(&self, index: &mut Index) -> Result<()> {
        let mut lines = self.lines()?;
        let mut places = self.rows(ResultFile::Lineage)?;
        let (mut reader, mut recorder) = (Reader::new().any_length(), Recorder::new(self.result.binder()));
        let (mut batch, mut number, mut from) = (Batch::default(), 0, index.standing()?);
        let mut facts = self.rows(ResultFile::Facts)?;
        while let Some((start, line)) = facts.next_line()? {
            number += 1;
            let source = places.next_line()?.and_then(|(_, line)| source_of(&line));
            let source =
                source.ok_or_else(|| self.bad(ResultFile::Lineage, number, "no row of lineage for this fact"))?;
            let record = record_of(&line, source, &mut reader, &mut recorder);
            let record = Box::new(record.ok_or_else(|| self.bad(ResultFile::Facts, number, "not a row of facts"))?);
            let bytes = EntryBytes { segment: IN_FACTS, start, length: line.len() as u64 };
            batch.arrivals.push(Arrival { position: number, bytes, record });
            if batch.arrivals.len() >= FACTS {
                let to = Standing { next: number + 1, mark: String::new() };
                index.derive(std::mem::take(&mut batch), &from, &to, &mut lines)?;
                from = to;
            }
        }
        facts.end()?;
        places.end()?;
        let mut rejected = self.rows(ResultFile::Quarantine)?;
        while let Some((start, line)) = rejected.next_line()? {
            number += 1;
            let row: QuarantineRow = serde_json::from_slice(&line)
                .map_err(|why| self.bad(ResultFile::Quarantine, number, &why.to_string()))?;
            let bytes = EntryBytes { segment: IN_QUARANTINE, start, length: line.len() as u64 };
            let (source, sha256) = (row.source, row.sha256);
            batch.turned.push(RejectedLine { position: number, bytes, source, sha256, conflict: None });
        }
        rejected.end()?;
        let to = Standing { next: number + 1, mark: self.manifest.to_string() };
        index.derive(batch, &from, &to, &mut lines)?;
        index.snapshot_digest().map(|_| ())
    }

    fn rows(&self, file: ResultFile) -> Result<FileRows> {
        let path = self.path(file);
        let named = self.result.manifest().files.get(file.name()).map(|entry| entry.sha256);
        let sha256 = named.ok_or_else(|| Error::invalid(format!("`{MANIFEST}` names no `{file}`")))?;
        let reader = BufReader::with_capacity(1 << 18, HashingReader::new(open(&path)?));
        Ok(FileRows { path, reader, start: 0, sha256 })
    }
}

/// The lines of a file that is held to its digest while it is read.
struct FileRows {
    path: PathBuf,
    reader: BufReader<HashingReader<File>>,
    start: u64,
    sha256: Sha256Hash,
}

impl FileRows {
    fn next_line(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        let (mut line, start) = (Vec::new(), self.start);
        let read = self.reader.read_until(b'\n', &mut line);
        read.map_err(IndexError::at(&self.path))?;
        if line.is_empty() {
            return Ok(None);
        }
        self.start += line.len() as u64;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(Some((start, line)))
    }

    /// Refuses a file that is not the one that the manifest names.
    fn end(mut self) -> Result<()> {
        while self.next_line()?.is_some() {}
        if self.reader.get_ref().sha256() == self.sha256 {
            return Ok(());
        }
        let shown = dome_core::escaped_path(&self.path);
        Err(Error::invalid(format!("`{shown}` is not the file that the manifest names")).into())
    }
}

/// Rows of a result's files, read again where entries say that they stand.
pub(crate) struct ResultLines {
    facts: File,
    quarantine: File,
}

impl ResultLines {
    fn read(&self, bytes: EntryBytes) -> crate::Result<Vec<u8>> {
        let file = if bytes.segment == IN_FACTS { &self.facts } else { &self.quarantine };
        let gone = || Error::invalid("a row of the result is not where it was");
        // A place is not checked by itself: it may claim any length.
        let end = bytes.start.checked_add(bytes.length).ok_or_else(gone)?;
        if file.metadata().map_err(|_| gone())?.len() < end {
            return Err(gone());
        }
        let mut line = vec![0; usize::try_from(bytes.length).map_err(|_| gone())?];
        file.read_exact_at(&mut line, bytes.start).map_err(|_| gone())?;
        Ok(line)
    }
}

impl RowOrigin for ResultLines {
    fn line(&mut self, _: u64, bytes: EntryBytes) -> crate::Result<RawEntry> {
        let row = self.read(bytes)?;
        let envelope = envelope_of(&row).ok_or_else(|| Error::invalid("a row of facts is none"))?;
        Ok(RawEntry { offset: 0, bytes: envelope.to_vec() })
    }

    fn turned(&mut self, _: u64, bytes: EntryBytes) -> crate::Result<QuarantineRow> {
        let row = self.read(bytes)?;
        serde_json::from_slice(&row).map_err(|why| Error::caused("a row of the quarantine is none", why))
    }
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(IndexError::at(path))
}

/// A file as it was last touched.
fn stamp(path: &Path) -> Result<String> {
    let found = fs::metadata(path).map_err(IndexError::at(path))?;
    let times = [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()];
    let [modified, modified_ns, changed, changed_ns] = times;
    Ok(format!("{}:{}:{modified}.{modified_ns}:{changed}.{changed_ns}", found.ino(), found.len()))
}
