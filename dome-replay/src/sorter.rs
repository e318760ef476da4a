//! What every stage goes through: items in any order in, in order out. In memory up to a budget, in sorted runs of
//! unnamed files beyond it.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Mutex;

use dome_binder::{Row, RowReader};

use crate::error::{Context, Result};
use crate::parallel::{held, opened};
use crate::spill::{RunReader, Scratch, SpillFile};

/// Bytes that are read at once of all runs of a part.
const READ_BYTES: usize = 4 << 20;
/// Bytes that are read at once of one run, at least and at most.
const PIECE_BYTES: (usize, usize) = (4 << 10, 256 << 10);

/// What a sorter takes.
pub(crate) trait Item: Row + Send {
    /// Which of so many parts it belongs to: all of a group to one.
    fn part(&self, parts: usize) -> usize;

    /// The order in which items come out. Items of one group follow each other.
    fn order(&self, other: &Self) -> Ordering;

    /// Bytes of memory that it takes, about.
    fn memory(&self) -> usize;
}

/// Items that are sorted part by part.
pub(crate) struct Sorter<T> {
    parts: Vec<Mutex<Part<T>>>,
    /// Bytes that a part holds in memory.
    budget: usize,
    scratch: Scratch,
}

struct Part<T> {
    held: Vec<T>,
    memory: usize,
    file: Option<SpillFile>,
}

impl<T: Item> Sorter<T> {
    /// One with so many parts, which together hold so many bytes in memory.
    pub(crate) fn new(scratch: &Scratch, parts: usize, budget: u64) -> Self {
        let parts = parts.max(1);
        let budget = usize::try_from(budget).unwrap_or(usize::MAX) / parts;
        let part = || Mutex::new(Part { held: Vec::new(), memory: 0, file: None });
        Self { parts: std::iter::repeat_with(part).take(parts).collect(), budget, scratch: scratch.clone() }
    }

    /// Adds items, from any thread.
    pub(crate) fn add(&self, items: Vec<T>) -> Result<()> {
        if let [part] = self.parts.as_slice() {
            return held(part).extend(items, self.budget, &self.scratch);
        }
        let mut dealt: Vec<Vec<T>> = std::iter::repeat_with(Vec::new).take(self.parts.len()).collect();
        for item in items {
            if let Some(part) = dealt.get_mut(item.part(self.parts.len())) {
                part.push(item);
            }
        }
        let mut parts = self.parts.iter().zip(dealt).filter(|(_, items)| !items.is_empty());
        parts.try_for_each(|(part, items)| held(part).extend(items, self.budget, &self.scratch))
    }

    /// The parts, in their order, for sorting and reading; a reader per thread may take one at a time.
    pub(crate) fn into_parts(self) -> Vec<SortedPart<T>> {
        self.parts.into_iter().map(|part| SortedPart { part: opened(part), scratch: self.scratch.clone() }).collect()
    }
}

impl<T: Item> Part<T> {
    fn extend(&mut self, items: Vec<T>, budget: usize, scratch: &Scratch) -> Result<()> {
        self.memory += items.iter().map(Item::memory).sum::<usize>();
        if self.held.is_empty() {
            self.held = items
        } else {
            self.held.extend(items)
        }
        if self.memory > budget { self.spill(scratch) } else { Ok(()) }
    }

    /// Puts what is held into a run of the file.
    fn spill(&mut self, scratch: &Scratch) -> Result<()> {
        self.held.sort_unstable_by(T::order);
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(SpillFile::new(scratch)?),
        };
        self.memory = 0;
        file.add_run(std::mem::take(&mut self.held), |item, bytes| item.append(bytes))
    }
}

/// A part of a sorter that takes no more.
pub(crate) struct SortedPart<T> {
    part: Part<T>,
    scratch: Scratch,
}

impl<T: Item> SortedPart<T> {
    /// The items in order.
    ///
    /// # Errors
    ///
    /// When a temporary file cannot be written or read.
    pub(crate) fn sorted(self, rows: &mut RowReader) -> Result<Sorted<'_, T>> {
        let Self { mut part, scratch } = self;
        if part.file.is_none() {
            part.held.sort_unstable_by(T::order);
            return Ok(Sorted::Held(part.held.into_iter()));
        }
        // What else is to be sorted needs the memory.
        if !part.held.is_empty() {
            part.spill(&scratch)?;
        }
        let Some(file) = part.file else { return Ok(Sorted::Held(Vec::new().into_iter())) };
        let piece = (READ_BYTES / file.runs().max(1)).clamp(PIECE_BYTES.0, PIECE_BYTES.1);
        let mut merge = Merge { runs: file.readers(piece), heads: BinaryHeap::new(), rows };
        (0..merge.runs.len()).try_for_each(|run| merge.advance(run))?;
        Ok(Sorted::Merged(Box::new(merge)))
    }
}

/// Items in order.
pub(crate) enum Sorted<'r, T> {
    Held(std::vec::IntoIter<T>),
    Merged(Box<Merge<'r, T>>),
}

impl<T: Item> Iterator for Sorted<'_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        match self {
            Self::Held(items) => items.next().map(Ok),
            Self::Merged(merge) => merge.next().transpose(),
        }
    }
}

/// Sorted runs as one.
pub(crate) struct Merge<'r, T> {
    runs: Vec<RunReader>,
    heads: BinaryHeap<Head<T>>,
    rows: &'r mut RowReader,
}

/// The next item of a run; the least is the greatest head, as a heap has it.
struct Head<T> {
    item: T,
    run: usize,
}

impl<T: Item> Merge<'_, T> {
    fn advance(&mut self, run: usize) -> Result<()> {
        if let Some(reader) = self.runs.get_mut(run)
            && let Some(row) = reader.next_row()?
        {
            let item = self.rows.read(row).context(|| "a temporary file is not what was written to it")?;
            self.heads.push(Head { item, run });
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<T>> {
        let Some(Head { item, run }) = self.heads.pop() else { return Ok(None) };
        self.advance(run)?;
        Ok(Some(item))
    }
}

impl<T: Item> Ord for Head<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.item.order(&self.item).then(other.run.cmp(&self.run))
    }
}

impl<T: Item> PartialOrd for Head<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Item> PartialEq for Head<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T: Item> Eq for Head<T> {}
