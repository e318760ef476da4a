//! Temporary files of framed rows. They have no name, so that nothing of them can be left behind,
//! however the process ends.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use dome_core::escaped_path;

/// Where temporary files are made: on the file system of the result.
#[derive(Clone, Debug)]
pub(in crate::replay) struct Scratch {
    folder: PathBuf,
    buffer_bytes: usize,
}

impl Scratch {
    /// The nearest folder that stands above the place of a result.
    pub(in crate::replay) fn above(out: &Path, buffer_bytes: usize) -> Self {
        let above = out.ancestors().skip(1).find(|folder| folder.is_dir());
        let folder = above.map_or_else(|| PathBuf::from("."), Path::to_owned);
        Self { folder, buffer_bytes }
    }

    pub(super) fn rows(&self) -> anyhow::Result<RowWriter> {
        let file = self.file()?;
        let out = BufWriter::with_capacity(self.buffer_bytes, file);
        Ok(RowWriter { out, bytes: 0, scratch: self.clone() })
    }

    pub(in crate::replay) fn file(&self) -> anyhow::Result<File> {
        tempfile::tempfile_in(&self.folder).map_err(|why| self.failed("make", why))
    }

    pub(in crate::replay) fn failed(&self, verb: &str, why: io::Error) -> anyhow::Error {
        anyhow::Error::new(why).context(format!("cannot {verb} a temporary file in `{}`", escaped_path(&self.folder)))
    }
}

/// A file of rows that is being written.
#[derive(Debug)]
pub(super) struct RowWriter {
    out: BufWriter<File>,
    bytes: u64,
    scratch: Scratch,
}

impl RowWriter {
    pub(super) fn push(&mut self, row: &[u8]) -> anyhow::Result<()> {
        let length = u32::try_from(row.len()).context("a row has less than 4 GiB")?.to_le_bytes();
        let written = self.out.write_all(&length).and_then(|()| self.out.write_all(row));
        written.map_err(|why| self.scratch.failed("write", why))?;
        self.bytes += row.len() as u64;
        Ok(())
    }

    pub(super) fn finish(self) -> anyhow::Result<RowFile> {
        let Self { out, bytes, scratch } = self;
        let file = out.into_inner().map_err(|why| scratch.failed("write", why.into_error()))?;
        Ok(RowFile { file, bytes, scratch })
    }
}

/// A file of rows that may be read, again and again.
#[derive(Debug)]
pub(super) struct RowFile {
    file: File,
    bytes: u64,
    scratch: Scratch,
}

impl RowFile {
    /// Bytes of its rows.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads it from its start; one reader at a time.
    pub(super) fn read(&self) -> anyhow::Result<RowReader<'_>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(|why| self.scratch.failed("read", why))?;
        let input = BufReader::with_capacity(self.scratch.buffer_bytes, file);
        Ok(RowReader { input, scratch: &self.scratch })
    }

    /// Hands out every row.
    pub(super) fn each(&self, mut take: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let (mut reader, mut row) = (self.read()?, Vec::new());
        while reader.next(&mut row)? {
            take(&row)?;
        }
        Ok(())
    }
}

/// A file of rows that is being read.
#[derive(Debug)]
pub(super) struct RowReader<'f> {
    input: BufReader<&'f File>,
    scratch: &'f Scratch,
}

impl RowReader<'_> {
    /// Reads the next row into `row`; whether there was one.
    pub(super) fn next(&mut self, row: &mut Vec<u8>) -> anyhow::Result<bool> {
        self.read(row).map_err(|why| self.scratch.failed("read", why))
    }

    fn read(&mut self, row: &mut Vec<u8>) -> io::Result<bool> {
        let mut length = [0; 4];
        let (first, rest) = length.split_at_mut(1);
        if self.input.read(first)? == 0 {
            return Ok(false);
        }
        self.input.read_exact(rest)?;
        row.clear();
        row.resize(u32::from_le_bytes(length) as usize, 0);
        self.input.read_exact(row)?;
        Ok(true)
    }
}
