//! Reading: every admitted line goes to the file of its run, every other one to the rejects.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use dome_core::redact::RedactionCounts;

use super::parts::Parts;
use super::rejected::Rejects;
use super::row::Row;
use super::scratch::{RowFile, Scratch};
use super::shape::Shape;
use super::{held, opened};
use crate::progress::Progress;
use crate::replay::LineCounts;
use crate::replay::read::{self, Reading};
use dome_replay::input::{Chunk, Source, all_chunks};
use dome_replay::parallel;

/// What the input comes to.
pub(super) struct Intake {
    /// The rows, each run whole in one file.
    pub(super) runs: Vec<RowFile>,
    pub(super) rejects: Rejects,
    pub(super) counts: LineCounts,
    pub(super) masks: RedactionCounts,
}

/// Where the lines of all threads go.
struct Door<'d> {
    sources: &'d [Source],
    runs: Mutex<Parts>,
    rejects: Mutex<Rejects>,
}

/// Reads all sources.
pub(super) fn read_all(
    sources: &[Source],
    how: &Reading<'_>,
    shape: &Shape,
    scratch: &Scratch,
) -> anyhow::Result<Intake> {
    let door = Door {
        sources,
        runs: Mutex::new(Parts::new(scratch, shape.parts)),
        rejects: Mutex::new(Rejects::new(scratch, shape.rejected_bytes)),
    };
    let (progress, failed) = (Progress::new("reading"), AtomicBool::new(false));
    let chunks = all_chunks(sources).take_while(|_| !failed.load(Ordering::Relaxed));
    let take = |lines: &mut read::Door<'_>, chunk: dome_replay::Result<(usize, Chunk)>| {
        let taken = chunk.map_err(anyhow::Error::from).and_then(|(index, chunk)| {
            progress.add(chunk.bytes());
            door.take(lines, index, chunk)
        });
        failed.fetch_or(taken.is_err(), Ordering::Relaxed);
        taken
    };
    let taken = parallel::map_with(shape.threads, chunks, || read::Door::new(how), take);
    progress.end();
    let (mut counts, mut masks) = (LineCounts::default(), RedactionCounts::default());
    for part in taken {
        let (lines, masked) = part?;
        counts.lines += lines.lines;
        counts.blank += lines.blank;
        masks += masked;
    }
    Ok(Intake { runs: opened(door.runs)?.finish()?, rejects: opened(door.rejects)?, counts, masks })
}

impl Door<'_> {
    /// Reads a chunk, and puts down what it holds.
    fn take(
        &self,
        lines: &mut read::Door<'_>,
        index: usize,
        chunk: Chunk,
    ) -> anyhow::Result<(LineCounts, RedactionCounts)> {
        let source = self.sources.get(index).context("a chunk belongs to a source")?;
        let number = u32::try_from(index).context("there are less than 2^32 sources")?;
        let input = read::parse(chunk, source, lines)?;
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(input.records.len()));
        for record in input.records {
            let row = Row::of(&record, number);
            row.append(&mut bytes);
            ends.push((row.run_hash(), bytes.len()));
        }
        let mut runs = held(&self.runs)?;
        let mut start = 0;
        for (hash, end) in ends {
            runs.push(hash, bytes.get(start..end).unwrap_or_default())?;
            start = end;
        }
        drop(runs);
        let mut rejects = held(&self.rejects)?;
        input.quarantine.iter().try_for_each(|row| rejects.push(row, u64::from(number)))?;
        Ok((input.counts, input.masks))
    }
}
