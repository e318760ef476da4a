//! What every stage goes through: items in any order in, in order out. In memory up to a budget, in sorted runs of
//! unnamed files beyond it.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering as Memory};
use std::sync::{Arc, Mutex};

use dome_binder::{Row, RowReader};

use crate::error::{Context, Invariant, Result};
use crate::parallel::{held, opened};
use crate::spill::{RunReader, RunWriter, Scratch, SpillFile, SpilledRuns};

/// Bytes that are read at once of all runs of a part.
const READ_BYTES: usize = 4 << 20;
/// Items that are looked at one after the other.
const LOOKED_AT: usize = 16;
/// Bytes that are read at once of one run, at least and at most.
const PIECE_BYTES: (usize, usize) = (4 << 10, 256 << 10);

pub(crate) trait Item: Row + Send {
    /// Which of so many parts it belongs to: all of a group to one.
    fn part(&self, parts: usize) -> usize;

    /// The order in which items come out. Items of one group follow each other.
    fn order(&self, other: &Self) -> Ordering;

    /// Appends bytes that compare as [`Item::order`] does.
    fn append_order(&self, bytes: &mut Vec<u8>);

    /// Bytes of memory that it takes, about.
    fn memory(&self) -> usize;

    /// Looks at what it points to: items lie anywhere, and looks at several of them, one after the other, wait for
    /// memory at the same time.
    fn look(&self) {}
}

/// Memory that sorters share, and where they put what does not fit.
#[derive(Clone)]
pub(crate) struct Room {
    scratch: Scratch,
    /// Bytes that all of them hold, and how many they may.
    held: Arc<AtomicUsize>,
    most: usize,
    /// Whether any of them has spilled. Until then nothing was given back of which an allocator would keep some: they
    /// may hold two fifths more.
    spilled: Arc<AtomicBool>,
}

impl Room {
    pub(crate) fn new(scratch: Scratch, most: u64) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self { scratch, held: Arc::default(), most, spilled: Arc::default() }
    }

    fn most(&self) -> usize {
        if self.spilled.load(Memory::Relaxed) { self.most } else { self.most.saturating_add(self.most / 5 * 2) }
    }

    pub(crate) const fn scratch(&self) -> &Scratch {
        &self.scratch
    }
}

pub(crate) struct Sorter<T> {
    parts: Vec<Mutex<Part<T>>>,
    spilled: AtomicBool,
    room: Room,
}

/// Behind its first run a part makes each item a row at once, on the thread that has just made the item: a row takes
/// less memory, lies beside the others, and frees what the item pointed to where it was allocated.
struct Part<T> {
    items: Items<T>,
    rows: RowBuffer,
    /// Bytes that the room counts for it.
    counted: usize,
    /// Where what has no room goes, and what went there.
    file: Arc<SpillFile>,
    spilled: Option<SpilledRuns>,
}

/// Items as they came, in pieces: one vector of all would be half empty, and copied whenever it grows.
struct Items<T> {
    pieces: Vec<Vec<T>>,
    memory: usize,
}

impl<T: Item> Sorter<T> {
    pub(crate) fn new(room: &Room, parts: usize) -> Self {
        /// Files of all parts together, at most.
        const FILES: usize = 8;
        let parts = parts.max(1);
        let files: Vec<_> = (0..FILES.min(parts)).map(|_| Arc::new(SpillFile::new(room.scratch()))).collect();
        // Parts that are read one after the other share a file, so that it can go when they are done.
        let of = |part: usize| files.get(part * files.len() / parts).map(|file| Mutex::new(Part::new(file)));
        Self { parts: (0..parts).filter_map(of).collect(), spilled: AtomicBool::new(false), room: room.clone() }
    }

    /// One of rows from the start, if it is known that there will be too many items.
    pub(crate) fn spilling(room: &Room, parts: usize, spilling: bool) -> Result<Self> {
        let sorter = Self::new(room, parts);
        if spilling {
            sorter.spill()?;
        }
        Ok(sorter)
    }

    pub(crate) fn add(&self, items: Vec<T>) -> Result<()> {
        let Some((part, [])) = self.parts.split_first() else { return self.deal(items) };
        // Rows of the only part are made before its lock is taken.
        if self.has_spilled() {
            let rows = RowBuffer::of(items);
            self.extend(part, |part| part.rows.extend(rows))
        } else {
            self.extend(part, |part| part.extend(items))
        }
    }

    fn deal(&self, items: Vec<T>) -> Result<()> {
        let mut dealt: Vec<Vec<T>> = std::iter::repeat_with(Vec::new).take(self.parts.len()).collect();
        for item in items {
            let part = item.part(self.parts.len());
            dealt.get_mut(part).invariant("an item belongs to a part that is there")?.push(item);
        }
        let mut parts = self.parts.iter().zip(dealt).filter(|(_, items)| !items.is_empty());
        parts.try_for_each(|(part, items)| self.extend(part, |part| part.extend(items)))
    }

    /// Adds to a part, and lets it spill when there is no room and it would not be a needlessly short run.
    fn extend(&self, part: &Mutex<Part<T>>, add: impl FnOnce(&mut Part<T>)) -> Result<()> {
        /// Runs of all parts have a share of the room.
        const SHARE: usize = 16;
        let mut part = held(part);
        add(&mut part);
        let all = part.count(&self.room);
        if all <= self.room.most() || part.counted < self.room.most / SHARE / self.parts.len() {
            return Ok(());
        }
        if part.spilled.is_some() {
            return part.spill(&self.room);
        }
        drop(part);
        self.spill()
    }

    /// Items of all parts lie between each other: only when all are gone does their memory serve for rows.
    fn spill(&self) -> Result<()> {
        self.spilled.store(true, Memory::Relaxed);
        self.room.spilled.store(true, Memory::Relaxed);
        self.parts.iter().try_for_each(|part| held(part).spill(&self.room))
    }

    pub(crate) fn has_spilled(&self) -> bool {
        self.spilled.load(Memory::Relaxed)
    }

    /// A reader per thread may take one at a time.
    pub(crate) fn into_parts(self) -> Result<Vec<SortedPart<T>>> {
        let Self { parts, room, .. } = self;
        let sorted = |part| {
            let mut part: Part<T> = opened(part);
            // What has a file is read from there: the next sorter needs the room.
            if part.spilled.is_some() {
                part.spill(&room)?;
            }
            Ok(SortedPart { part, room: room.clone() })
        };
        parts.into_iter().map(sorted).collect()
    }
}

impl<T: Item> Part<T> {
    fn new(file: &Arc<SpillFile>) -> Self {
        let (items, rows) = (Items::default(), RowBuffer::default());
        Self { items, rows, counted: 0, file: Arc::clone(file), spilled: None }
    }

    fn extend(&mut self, items: Vec<T>) {
        if self.spilled.is_some() {
            items.into_iter().for_each(|item| self.rows.push(&item));
        } else {
            self.items.extend(items);
        }
    }

    /// Counts what it holds; says what all sorters hold.
    fn count(&mut self, room: &Room) -> usize {
        let (before, now) = (self.counted, self.items.memory + self.rows.memory());
        self.counted = now;
        if now >= before {
            room.held.fetch_add(now - before, Memory::Relaxed) + (now - before)
        } else {
            room.held.fetch_sub(before - now, Memory::Relaxed) - (before - now)
        }
    }

    fn spill(&mut self, room: &Room) -> Result<()> {
        /// Items that are rows and items at once for a moment.
        const AT_ONCE: usize = 1_024;
        let (items, mut rows) = (std::mem::take(&mut self.items).sorted(), std::mem::take(&mut self.rows));
        if !items.is_empty() || self.spilled.is_none() {
            let mut items = items.into_iter().peekable();
            self.write_run(|writer| {
                while items.peek().is_some() {
                    let rows = RowBuffer::of(items.by_ref().take(AT_ONCE));
                    writer.write(rows.index.iter().map(|at| rows.row(at)))?;
                }
                Ok(())
            })?;
        }
        if !rows.index.is_empty() {
            rows.sort();
            self.write_run(|writer| writer.write(rows.index.iter().map(|at| rows.row(at))))?;
        }
        drop(rows);
        self.count(room);
        Ok(())
    }

    fn write_run(&mut self, write: impl FnOnce(&mut RunWriter<'_>) -> Result<()>) -> Result<()> {
        let (file, run) = self.file.write_run(write)?;
        let scratch = self.file.scratch();
        self.spilled.get_or_insert_with(|| SpilledRuns { scratch, file, runs: Vec::new() }).runs.push(run);
        Ok(())
    }
}

impl<T: Item> Items<T> {
    const PIECE: usize = 256;

    fn extend(&mut self, items: Vec<T>) {
        for item in items {
            self.memory += item.memory();
            match self.pieces.last_mut() {
                Some(piece) if piece.len() < Self::PIECE => piece.push(item),
                Some(_) => {
                    let mut piece = Vec::with_capacity(Self::PIECE);
                    piece.push(item);
                    self.pieces.push(piece);
                }
                None => self.pieces.push(vec![item]),
            }
        }
    }

    fn sorted(self) -> Vec<T> {
        let mut all = Vec::with_capacity(self.pieces.iter().map(Vec::len).sum());
        self.pieces.into_iter().for_each(|piece| all.extend(piece));
        all.sort_unstable_by(T::order);
        all
    }
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { pieces: Vec::new(), memory: 0 }
    }
}

#[expect(clippy::expect_used, reason = "an item that was in memory has no row of 4 GiB")]
/// Appends a row as it stands in a file: behind what it is sorted by, and that and all behind their lengths.
fn append_ordered<T: Item>(item: &T, bytes: &mut Vec<u8>) {
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 8]);
    item.append_order(bytes);
    let order = bytes.len() - at - 8;
    item.append(bytes);
    // A row is about as long as its line, which has at most a megabyte (M-14).
    let lengths =
        [bytes.len() - at - 4, order].map(|length| u32::try_from(length).expect("less than 4 GiB").to_le_bytes());
    bytes.iter_mut().skip(at).zip(lengths.as_flattened()).for_each(|(place, byte)| *place = *byte);
}

fn ordered(row: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = row.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

/// The first bytes of what a row is sorted by, as a number that sorts as they do.
fn lead(order: &[u8]) -> u128 {
    let mut lead = [0; 16];
    lead.iter_mut().zip(order).for_each(|(to, from)| *to = *from);
    u128::from_be_bytes(lead)
}

/// Rows in chunks, which never move: a buffer that grows by doubling would hold three times its bytes while it does.
#[derive(Default)]
struct RowBuffer {
    chunks: Vec<Vec<u8>>,
    index: Vec<RowAt>,
    /// Bytes of all chunks, used or not.
    room: usize,
}

#[derive(Clone, Copy)]
struct RowAt {
    lead: u128,
    chunk: usize,
    start: usize,
    end: usize,
}

#[expect(clippy::expect_used, reason = "the index and the chunks are written together, and by this alone")]
impl RowBuffer {
    /// Bytes of a chunk, and of those how many a new row finds at least. A longer row makes its chunk grow.
    const CHUNK_BYTES: usize = 64 << 10;
    const ROW_BYTES: usize = 4 << 10;

    fn of<T: Item>(items: impl IntoIterator<Item = T>) -> Self {
        let mut rows = Self::default();
        items.into_iter().for_each(|item| rows.push(&item));
        rows
    }

    fn push<T: Item>(&mut self, item: &T) {
        let full = |chunk: &Vec<u8>| chunk.len() > Self::CHUNK_BYTES - Self::ROW_BYTES;
        if self.chunks.last().is_none_or(full) {
            self.add_chunk(Vec::with_capacity(Self::CHUNK_BYTES));
        }
        let place = self.chunks.len() - 1;
        let chunk = self.chunks.last_mut().expect("a chunk was added where there was none");
        let (start, room) = (chunk.len(), chunk.capacity());
        append_ordered(item, chunk);
        self.room += chunk.capacity() - room;
        let order = chunk.get(start + 4..).and_then(ordered).map(|(order, _)| lead(order));
        let order = order.expect("a row was appended");
        self.index.push(RowAt { lead: order, chunk: place, start, end: chunk.len() });
    }

    fn add_chunk(&mut self, chunk: Vec<u8>) {
        self.room += chunk.capacity();
        self.chunks.push(chunk);
    }

    /// Adds rows. Their chunks are taken over, but for those that fit into the last one.
    fn extend(&mut self, more: Self) {
        let mut places = Vec::with_capacity(more.chunks.len());
        for chunk in more.chunks {
            let place = self.chunks.len();
            match self.chunks.last_mut() {
                Some(last) if last.capacity() - last.len() >= chunk.len() => {
                    places.push((place - 1, last.len()));
                    last.extend_from_slice(&chunk);
                }
                _ => {
                    places.push((place, 0));
                    self.add_chunk(chunk);
                }
            }
        }
        let moved = |row: RowAt| {
            let (chunk, from) = *places.get(row.chunk).expect("each chunk has its place");
            RowAt { chunk, start: from + row.start, end: from + row.end, ..row }
        };
        self.index.extend(more.index.into_iter().map(moved));
    }

    fn memory(&self) -> usize {
        self.room + self.index.len() * size_of::<RowAt>()
    }

    fn row(&self, at: &RowAt) -> &[u8] {
        self.chunks
            .get(at.chunk)
            .and_then(|chunk| chunk.get(at.start..at.end))
            .expect("the index holds rows of these chunks")
    }

    fn sort(&mut self) {
        let mut index = std::mem::take(&mut self.index);
        let order = |at: &RowAt| self.row(at).get(4..).and_then(ordered).map(|(order, _)| order);
        index.sort_unstable_by(|a, b| a.lead.cmp(&b.lead).then_with(|| order(a).cmp(&order(b))));
        self.index = index;
    }
}

pub(crate) struct SortedPart<T> {
    part: Part<T>,
    room: Room,
}

impl<T: Item> SortedPart<T> {
    pub(crate) fn sorted(self, rows: &mut RowReader) -> Result<Sorted<'_, T>> {
        let Self { mut part, room } = self;
        // Whoever takes the items out makes others of them, which are counted in their place.
        let items = std::mem::take(&mut part.items).sorted();
        part.count(&room);
        let Some(spilled) = part.spilled else { return Ok(Sorted::Held(items.into_iter())) };
        let piece = (READ_BYTES / spilled.runs.len().max(1)).clamp(PIECE_BYTES.0, PIECE_BYTES.1);
        let (mut runs, mut heads) = (spilled.readers(piece), BinaryHeap::new());
        for (number, run) in runs.iter_mut().enumerate() {
            let mut head = RunHead { lead: 0, order: Vec::new(), run: number };
            if head.advance(run)? {
                heads.push(Reverse(head));
            }
        }
        Ok(Sorted::Merged(Box::new(Merge { runs, heads, rows, items: PhantomData })))
    }
}

pub(crate) enum Sorted<'r, T> {
    Held(std::vec::IntoIter<T>),
    Merged(Box<Merge<'r, T>>),
}

impl<T: Item> Iterator for Sorted<'_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        match self {
            Self::Held(items) => {
                if items.len().is_multiple_of(LOOKED_AT) {
                    items.as_slice().iter().take(LOOKED_AT).for_each(T::look);
                }
                items.next().map(Ok)
            }
            Self::Merged(merge) => merge.next().transpose(),
        }
    }
}

pub(crate) struct Merge<'r, T> {
    runs: Vec<RunReader>,
    heads: BinaryHeap<Reverse<RunHead>>,
    rows: &'r mut RowReader,
    items: PhantomData<fn() -> T>,
}

/// What the next row of a run is sorted by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RunHead {
    lead: u128,
    order: Vec<u8>,
    run: usize,
}

impl<T: Item> Merge<'_, T> {
    fn next(&mut self) -> Result<Option<T>> {
        let Some(mut head) = self.heads.peek_mut() else { return Ok(None) };
        let run = self.runs.get_mut(head.0.run).invariant("a head is of a run that is there")?;
        let (_, row) = ordered(run.row()).invariant(ORDERED)?;
        let item = self.rows.read(row).context(|| "a temporary file is not what was written to it")?;
        if !head.0.advance(run)? {
            PeekMut::pop(head);
        }
        Ok(Some(item))
    }
}

const ORDERED: &str = "a row stands behind what it is sorted by";

impl RunHead {
    /// Goes on to the next row of its run; false when there is none.
    fn advance(&mut self, run: &mut RunReader) -> Result<bool> {
        if !run.advance()? {
            return Ok(false);
        }
        let (order, _) = ordered(run.row()).invariant(ORDERED)?;
        self.lead = lead(order);
        self.order.clear();
        self.order.extend_from_slice(order);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use dome_core::Sha256Hash;

    use super::*;
    use crate::items::DigestItem;

    /// Buffers that are taken over one after the other, into a chunk that has room and into one that has none.
    #[test]
    fn l4_rows_of_many_buffers_are_those_of_one() {
        let items = |from: usize, to: usize| (from..to).map(|n| DigestItem(Sha256Hash::of(&n.to_le_bytes())));
        let mut rows = RowBuffer::default();
        for from in (0..3_000).step_by(100) {
            rows.extend(RowBuffer::of(items(from, from + 100)));
        }
        let mut whole = RowBuffer::of(items(0, 3_000));
        rows.sort();
        whole.sort();
        let bytes = |rows: &RowBuffer| rows.index.iter().flat_map(|at| rows.row(at).to_vec()).collect::<Vec<u8>>();
        assert!(bytes(&rows) == bytes(&whole));
        assert!(rows.index.is_sorted_by_key(|at| at.lead) && rows.index.len() == 3_000 && rows.chunks.len() > 1);
    }
}
