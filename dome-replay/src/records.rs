//! Sources as records, for whoever holds all of them at once.

use dome_binder::{Record, Recorder};
use dome_core::{BinderVersion, Timestamp, lines};

use crate::door::{Admitted, Door, LineCounts, Masking};
use crate::error::Result;
use crate::input::{Chunk, LineSource, all_chunks};
use crate::parallel;
use crate::watch::Watch;

/// What sources hold.
#[derive(Debug, Default)]
pub struct SourceRecords {
    /// The envelopes, in the order of the sources.
    pub records: Vec<Box<Record>>,
    /// Their lines.
    pub lines: LineCounts,
    /// Lines that are no envelopes.
    pub rejected: u64,
}

/// Reads sources into memory.
///
/// # Errors
///
/// When one cannot be read.
pub fn read_records(
    sources: &[LineSource],
    binder: BinderVersion,
    not_after: Option<Timestamp>,
    masking: &Masking,
    threads: usize,
    watch: &dyn Watch,
) -> Result<SourceRecords> {
    let state = || (Door::new(masking, not_after), Recorder::new(binder));
    let chunks = all_chunks(sources);
    let read = parallel::map_with(threads, chunks, state, |(door, recorder), chunk| {
        let (index, chunk) = chunk?;
        watch.read(chunk.bytes());
        let name = sources.get(index).map_or("", |source| source.name.as_str());
        door.counts = LineCounts::default();
        let mut found = SourceRecords::default();
        match chunk {
            Chunk::Lines { number, offset, bytes } => {
                for line in lines(&bytes, number, offset) {
                    found.add(door.admit(&line, name), recorder, (name, line.number));
                }
            }
            Chunk::Long(line) => {
                let number = line.number;
                found.add(door.admit_long(line, name), recorder, (name, number));
            }
        }
        found.lines = door.counts;
        Ok(found)
    });
    let mut all = SourceRecords::default();
    for found in read {
        let found: SourceRecords = found?;
        all.records.extend(found.records);
        all.lines += found.lines;
        all.rejected += found.rejected;
    }
    Ok(all)
}

impl SourceRecords {
    fn add(&mut self, admitted: Admitted<'_>, recorder: &mut Recorder, (name, line): (&str, u64)) {
        match admitted {
            Admitted::Blank => {}
            Admitted::Envelope(envelope, _) => {
                let source = dome_core::Source { line, name: name.into() };
                self.records.push(Box::new(recorder.record(*envelope, source)));
            }
            Admitted::Quarantined(..) => self.rejected += 1,
        }
    }
}
