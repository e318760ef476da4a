//! Many sorted files as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::scratch::{RowFile, RowReader, Scratch};

/// Files that are merged at once.
const FILES: usize = 128;

/// The rows of sorted files, in order.
pub(super) struct Merge<'f, K> {
    readers: Vec<(RowReader<'f>, Vec<u8>)>,
    heads: BinaryHeap<Reverse<(K, usize)>>,
    key: fn(&[u8]) -> anyhow::Result<K>,
    last: Option<usize>,
}

impl<'f, K: Ord> Merge<'f, K> {
    pub(super) fn new(files: &'f [RowFile], key: fn(&[u8]) -> anyhow::Result<K>) -> anyhow::Result<Self> {
        let readers = files.iter().map(|file| Ok((file.read()?, Vec::new()))).collect::<anyhow::Result<_>>()?;
        let mut merge = Self { readers, heads: BinaryHeap::new(), key, last: None };
        (0..files.len()).try_for_each(|file| merge.advance(file))?;
        Ok(merge)
    }

    fn advance(&mut self, file: usize) -> anyhow::Result<()> {
        let Some((reader, row)) = self.readers.get_mut(file) else { return Ok(()) };
        if reader.next(row)? {
            self.heads.push(Reverse(((self.key)(row)?, file)));
        }
        Ok(())
    }

    /// The next row, if there is one.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<&[u8]>> {
        if let Some(last) = self.last.take() {
            self.advance(last)?;
        }
        let Some(Reverse((_, file))) = self.heads.pop() else { return Ok(None) };
        self.last = Some(file);
        Ok(self.readers.get(file).map(|(_, row)| row.as_slice()))
    }
}

/// As few files as can be merged at once, with the same rows.
pub(super) fn fewer<K: Ord>(
    mut files: Vec<RowFile>,
    scratch: &Scratch,
    key: fn(&[u8]) -> anyhow::Result<K>,
) -> anyhow::Result<Vec<RowFile>> {
    while files.len() > FILES {
        let rest = files.split_off(FILES);
        let (mut merge, mut merged) = (Merge::new(&files, key)?, scratch.rows()?);
        while let Some(row) = merge.next()? {
            merged.push(row)?;
        }
        drop(merge);
        files = rest;
        files.push(merged.finish()?);
    }
    Ok(files)
}
