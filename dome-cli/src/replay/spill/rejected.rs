//! Rejected lines: held up to a limit, then put aside sorted, and written in order at the end (M-120).

use anyhow::Context;
use dome_binder::append_row;
use dome_core::QuarantineRow;

use super::merge::{Merge, fewer};
use super::scratch::{RowFile, Scratch};
use crate::artifacts::{Folder, QUARANTINE, Rejected};

/// Where a rejected line stands in the file. Sources of one name keep the order in which they were
/// given, and lines that settling ruled out stand behind the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: String,
    line: u64,
    offset: u64,
    tie: u64,
}

/// The rejected lines so far.
pub(super) struct Rejects {
    scratch: Scratch,
    held_bytes: usize,
    most_bytes: usize,
    held: Vec<(Key, Vec<u8>)>,
    sorted: Vec<RowFile>,
    told: Rejected,
}

impl Rejects {
    pub(super) fn new(scratch: &Scratch, most_bytes: usize) -> Self {
        let (held, sorted, told) = (Vec::new(), Vec::new(), Rejected::default());
        Self { scratch: scratch.clone(), held_bytes: 0, most_bytes, held, sorted, told }
    }

    pub(super) fn push(&mut self, row: &QuarantineRow, tie: u64) -> anyhow::Result<()> {
        self.told.add(row);
        let mut bytes = Vec::new();
        append_row(row, &mut bytes);
        self.held_bytes += bytes.len() + row.source.name.len() + size_of::<(Key, Vec<u8>)>();
        let key = Key { name: row.source.name.to_string(), line: row.source.line, offset: row.offset, tie };
        self.held.push((key, bytes));
        if self.held_bytes > self.most_bytes { self.put_aside() } else { Ok(()) }
    }

    fn put_aside(&mut self) -> anyhow::Result<()> {
        self.held.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut sorted = self.scratch.rows()?;
        let mut framed = Vec::new();
        for (key, row) in self.held.drain(..) {
            framed.clear();
            for number in [key.line, key.offset, key.tie, key.name.len() as u64] {
                framed.extend_from_slice(&number.to_le_bytes());
            }
            framed.extend_from_slice(key.name.as_bytes());
            framed.extend_from_slice(&row);
            sorted.push(&framed)?;
        }
        self.sorted.push(sorted.finish()?);
        self.held_bytes = 0;
        Ok(())
    }

    /// Writes all of them, and says what they are.
    pub(super) fn write(mut self, folder: &mut Folder) -> anyhow::Result<Rejected> {
        self.put_aside()?;
        let sorted = fewer(self.sorted, &self.scratch, key)?;
        let (mut merge, mut rows) = (Merge::new(&sorted, key)?, folder.open(QUARANTINE)?);
        while let Some(framed) = merge.next()? {
            rows.push(cut(framed)?.1)?;
        }
        folder.close(QUARANTINE, rows)?;
        Ok(self.told)
    }
}

fn key(framed: &[u8]) -> anyhow::Result<Key> {
    cut(framed).map(|(key, _)| key)
}

fn cut(framed: &[u8]) -> anyhow::Result<(Key, &[u8])> {
    let parted = || {
        let (numbers, rest) = framed.as_chunks::<8>().0.split_first_chunk::<4>().zip(framed.get(32..))?;
        let [line, offset, tie, length] = numbers.0.map(u64::from_le_bytes);
        let (name, row) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        Some((Key { name: str::from_utf8(name).ok()?.to_owned(), line, offset, tie }, row))
    };
    parted().context("a temporary file is not what was written to it")
}
