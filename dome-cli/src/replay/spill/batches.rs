//! Facts in total order, a few at a time, so that threads can work on them and their results be put
//! together in order.

use super::merge::Merge;
use super::runs::{Place, place};
use super::scratch::RowFile;
use super::shape::Shape;
use dome_replay::parallel;

/// Batches that are worked on before their results are put down, for each thread.
const WINDOW: usize = 4;

/// Some rows that follow each other.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    pub(super) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

/// Works on all facts of sorted files, on all threads, and puts the results down in total order.
pub(super) fn each_batch<R: Send>(
    sorted: &[RowFile],
    shape: &Shape,
    work: impl Fn(usize, &Batch) -> anyhow::Result<R> + Sync,
    mut put_down: impl FnMut(&Batch, R) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let mut merge: Merge<'_, Place> = Merge::new(sorted, place)?;
    let mut position = 0;
    loop {
        let mut window = Vec::new();
        while window.len() < shape.threads * WINDOW {
            let mut batch = Batch::default();
            while batch.bytes.len() < shape.batch_bytes
                && let Some(row) = merge.next()?
            {
                batch.bytes.extend_from_slice(row);
                batch.ends.push(batch.bytes.len());
            }
            if batch.ends.is_empty() {
                break;
            }
            let first = position;
            position += batch.len();
            window.push((first, batch));
        }
        if window.is_empty() {
            return Ok(position);
        }
        let results = parallel::map(shape.threads, window.iter(), |(first, batch)| work(*first, batch));
        for ((_, batch), result) in window.iter().zip(results) {
            put_down(batch, result?)?;
        }
    }
}
