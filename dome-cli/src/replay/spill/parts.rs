//! Rows dealt out to files by a hash, so that what belongs together is in one file, and each file can
//! be loaded.

use super::row::Row;
use super::scratch::{RowFile, RowWriter, Scratch};
use super::shape::Shape;
use crate::parallel;

/// Files that are too large are dealt out again this often. Then they hold rows that belong together,
/// one run or one task line, and are loaded as they are.
const DEEPEST: u32 = 4;

/// Files that rows are dealt out to.
pub(super) struct Parts {
    writers: Vec<RowWriter>,
    depth: u32,
}

impl Parts {
    pub(super) fn new(scratch: &Scratch, parts: usize) -> anyhow::Result<Self> {
        Self::below(scratch, parts, 0)
    }

    fn below(scratch: &Scratch, parts: usize, depth: u32) -> anyhow::Result<Self> {
        let writers = (0..parts.max(1)).map(|_| scratch.rows()).collect::<anyhow::Result<_>>()?;
        Ok(Self { writers, depth })
    }

    /// Adds a row to the file of its hash.
    pub(super) fn push(&mut self, hash: u64, row: &[u8]) -> anyhow::Result<()> {
        let parts = self.writers.len() as u64;
        let part = usize::try_from(mixed(hash, self.depth) % parts).unwrap_or_default();
        self.writers.get_mut(part).map_or(Ok(()), |writer| writer.push(row))
    }

    /// Adds a row to the file of its key, so that files one after the other hold keys in order.
    pub(super) fn push_in_order(&mut self, key: &[u8; 32], row: &[u8]) -> anyhow::Result<()> {
        let lead = key.first_chunk().map_or(0, |lead| u64::from(u32::from_be_bytes(*lead)));
        let part = usize::try_from((lead * self.writers.len() as u64) >> 32).unwrap_or_default();
        self.writers.get_mut(part).map_or(Ok(()), |writer| writer.push(row))
    }

    pub(super) fn finish(self) -> anyhow::Result<Vec<RowFile>> {
        self.writers.into_iter().map(RowWriter::finish).collect()
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
            let mut parts = Parts::below(self.scratch, self.shape.parts_of(file.bytes()).max(2), depth + 1)?;
            file.each(|row| parts.push((self.hash)(&Row::parse(row)?), row))?;
            drop(file);
            results.extend(self.each_below(parts.finish()?, depth + 1, work)?);
        }
        Ok(results)
    }
}
