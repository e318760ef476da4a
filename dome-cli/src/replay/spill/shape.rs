//! How a replay is cut, so that what is in memory at once keeps to a budget.

use crate::memory::MemorySize;
use dome_replay::input::Source;

/// A row in memory takes about this many times its bytes; so does a line of the input, all told.
const IN_MEMORY: u64 = 3;
/// Rows of this many bytes at least are loaded at once, unless the budget is very small.
const LEAF_BYTES: u64 = 16 << 20;
/// Files that are written to at once, at most: a process may usually open 1,024, and several
/// stages have theirs open together.
const PARTS: u64 = 128;
/// What reading and rendering hold for each thread.
const THREAD_BYTES: u64 = 8 << 20;

/// How a replay is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Bytes of rows that are loaded at once by each worker: a quarter of the budget for all of
    /// them, so that they take three quarters of it when they are loaded.
    pub(crate) leaf_bytes: u64,
    /// Threads that load rows.
    pub(crate) workers: usize,
    /// Threads that read lines and render rows.
    pub(crate) threads: usize,
    /// Bytes of the buffer of each temporary file.
    pub(crate) buffer_bytes: usize,
    /// Bytes of rows that are handed to a thread at once.
    pub(crate) batch_bytes: usize,
    /// Bytes of rejected lines that are held before they are put aside.
    pub(crate) rejected_bytes: usize,
    /// Files that rows are first dealt out to.
    pub(crate) parts: usize,
}

impl Shape {
    pub(crate) fn of(memory: MemorySize, threads: usize, input: Option<u64>) -> Self {
        let memory = memory.bytes();
        let at_most = |bytes: u64| usize::try_from(memory / bytes).unwrap_or(usize::MAX).clamp(1, threads.max(1));
        let workers = at_most(LEAF_BYTES * 4);
        let leaf_bytes = memory / 4 / workers as u64;
        let narrow = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Self {
            leaf_bytes,
            workers,
            threads: at_most(THREAD_BYTES * 2),
            buffer_bytes: narrow((memory / 16 / PARTS).clamp(4 << 10, 64 << 10)),
            batch_bytes: 256 << 10,
            rejected_bytes: narrow(memory / 16),
            parts: parts(input.map(|bytes| bytes.saturating_mul(2)), leaf_bytes),
        }
    }

    /// Files to deal that many bytes of rows out to, so that each is likely to be a leaf.
    pub(crate) fn parts_of(&self, bytes: u64) -> usize {
        parts(Some(bytes.saturating_add(bytes / 2)), self.leaf_bytes)
    }
}

fn parts(bytes: Option<u64>, leaf_bytes: u64) -> usize {
    let parts = bytes.map_or(PARTS, |bytes| bytes.div_ceil(leaf_bytes.max(1)).clamp(1, PARTS));
    usize::try_from(parts).unwrap_or(1)
}

/// Bytes of the lines of all sources; `None` when some are compressed or cannot be looked at.
pub(crate) fn known_bytes(sources: &[Source]) -> Option<u64> {
    sources.iter().map(Source::plain_bytes).try_fold(0_u64, |sum, bytes| sum.checked_add(bytes?))
}

/// Whether an input is sure to fit into a budget without being cut.
pub(crate) fn fits(input: Option<u64>, memory: MemorySize) -> bool {
    input.is_some_and(|bytes| bytes.saturating_mul(IN_MEMORY) <= memory.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_cut_so_that_its_parts_fit_into_it() -> Result<(), crate::memory::SizeError> {
        for (memory, threads, workers) in
            [("64MiB", 8, 1), ("512MiB", 1, 1), ("512MiB", 2, 2), ("512MiB", 64, 8), ("8GiB", 2, 2)]
        {
            let memory: MemorySize = memory.parse()?;
            for input in [None, Some(0), Some(1 << 20), Some(1 << 31), Some(1 << 50)] {
                let shape = Shape::of(memory, threads, input);
                assert_eq!(shape.workers, workers);
                let loaded = shape.leaf_bytes * IN_MEMORY * shape.workers as u64;
                let reading = shape.threads as u64 * THREAD_BYTES;
                let beside = shape.buffer_bytes as u64 * PARTS + shape.rejected_bytes as u64;
                assert!(loaded.max(reading) + beside <= memory.bytes(), "{shape:?}");
                assert!((1..=128).contains(&shape.parts), "{shape:?}");
            }
        }
        let memory: MemorySize = "64MiB".parse()?;
        assert!(fits(Some(20 << 20), memory) && !fits(Some(22 << 20), memory) && !fits(None, memory));
        Ok(())
    }
}
