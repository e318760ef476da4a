//! Rows dealt out to files by a hash, so that what belongs together is in one file, and each file can
//! be loaded.

use anyhow::Context;

use super::row::Row;
use super::scratch::{RowFile, RowWriter, Scratch};
use super::shape::Shape;
use dome_replay::parallel;

/// Files that are too large are dealt out again this often. Then they hold rows that belong together,
/// one run or one task line, and are loaded as they are.
const DEEPEST: u32 = 4;

/// Files that rows are dealt out to; one that no row goes to is never made.
pub(super) struct Parts {
    scratch: Scratch,
    writers: Vec<Option<RowWriter>>,
    depth: u32,
}

impl Parts {
    pub(super) fn new(scratch: &Scratch, parts: usize) -> Self {
        Self::below(scratch, parts, 0)
    }

    fn below(scratch: &Scratch, parts: usize, depth: u32) -> Self {
        Self { scratch: scratch.clone(), writers: (0..parts.max(1)).map(|_| None).collect(), depth }
    }

    /// Adds a row to the file of its hash.
    pub(super) fn push(&mut self, hash: u64, row: &[u8]) -> anyhow::Result<()> {
        self.push_to(mixed(hash, self.depth) % self.writers.len() as u64, row)
    }

    /// Adds a row to the file of its key, so that files one after the other hold keys in order.
    pub(super) fn push_in_order(&mut self, key: &[u8; 32], row: &[u8]) -> anyhow::Result<()> {
        let lead = key.first_chunk().map_or(0, |lead| u64::from(u32::from_be_bytes(*lead)));
        self.push_to((lead * self.writers.len() as u64) >> 32, row)
    }

    fn push_to(&mut self, part: u64, row: &[u8]) -> anyhow::Result<()> {
        let part = self.writers.get_mut(usize::try_from(part)?).context("a row belongs to a part")?;
        match part {
            Some(writer) => writer.push(row),
            None => part.insert(self.scratch.rows()?).push(row),
        }
    }

    /// The files, none where no row went.
    pub(super) fn in_order(self) -> anyhow::Result<Vec<Option<RowFile>>> {
        self.writers.into_iter().map(|writer| writer.map(RowWriter::finish).transpose()).collect()
    }

    /// The files that hold rows.
    pub(super) fn finish(self) -> anyhow::Result<Vec<RowFile>> {
        self.writers.into_iter().flatten().map(RowWriter::finish).collect()
    }
}

/// Another hash at every depth, so that rows of one file do not all go to one file again.
const fn mixed(hash: u64, depth: u32) -> u64 {
    let mut mixed = hash.wrapping_add((depth as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// How files are cut further where they are too large.
pub(super) struct Cut<'s> {
    pub(super) scratch: &'s Scratch,
    pub(super) shape: &'s Shape,
    /// What rows that belong together share.
    pub(super) hash: fn(&Row<'_>) -> u64,
}

impl Cut<'_> {
    /// Does some work with every file, on all workers, each cut until it is small enough.
    pub(super) fn each<R: Send>(
        &self,
        files: Vec<RowFile>,
        work: &(impl Fn(RowFile) -> anyhow::Result<R> + Sync),
    ) -> anyhow::Result<Vec<R>> {
        self.each_below(files, 0, work)
    }

    fn each_below<R: Send>(
        &self,
        files: Vec<RowFile>,
        depth: u32,
        work: &(impl Fn(RowFile) -> anyhow::Result<R> + Sync),
    ) -> anyhow::Result<Vec<R>> {
        let is_leaf = |file: &RowFile| file.bytes() <= self.shape.leaf_bytes || depth >= DEEPEST;
        let (leaves, large): (Vec<_>, Vec<_>) = files.into_iter().partition(is_leaf);
        let mut results: Vec<R> =
            parallel::map(self.shape.workers, leaves.into_iter(), work).into_iter().collect::<anyhow::Result<_>>()?;
        for file in large {
            let mut parts = Parts::below(self.scratch, self.shape.parts_of(file.bytes()).max(2), depth + 1);
            file.each(|row| parts.push((self.hash)(&Row::parse(row)?), row))?;
            drop(file);
            results.extend(self.each_below(parts.finish()?, depth + 1, work)?);
        }
        Ok(results)
    }
}
