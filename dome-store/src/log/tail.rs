//! What stands behind the acknowledged end of a log: what a killed writer left, or something else.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use super::entry::Entry;
use super::frame;
use crate::folder::Folder;
use dome_replay::error::{Context, Result};

/// Bytes behind an acknowledged end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tail {
    pub(crate) length: u64,
    /// Batches that begin in it.
    pub(crate) batches: u32,
    /// Whether it holds anything that no killed writer leaves.
    pub(crate) is_foreign: bool,
}

/// What `tail` has seen of its batch.
#[derive(Clone, Copy, PartialEq)]
enum Batch {
    None,
    Lines,
    Checkpoints,
}

/// Looks at a segment from its acknowledged end on; `position` is that of the entry which would stand there.
///
/// A killed writer leaves whole entries, the next positions in order, and behind them at most one that was not written
/// to its end. Its batch ends with checkpoints, so whatever follows checkpoints is another batch.
pub(crate) fn look(folder: &Folder, name: &str, from: u64, mut position: u64) -> Result<Tail> {
    let mut tail = Tail::default();
    let Some(mut file) = folder.read(name)? else { return Ok(tail) };
    let failed = || format!("cannot read `{}`", folder.named(name));
    let length = file.metadata().context(failed)?.len();
    if length <= from {
        return Ok(tail);
    }
    tail.length = length - from;
    file.seek(SeekFrom::Start(from)).context(failed)?;
    let mut reader = BufReader::new(file.take(tail.length));
    let (mut line, mut batch) = (Vec::new(), Batch::None);
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).context(failed)?;
        if line.is_empty() {
            return Ok(tail);
        }
        let is_ended = line.pop_if(|byte| *byte == b'\n').is_some();
        match frame::read(&line) {
            Ok((found, entry)) if found == position => {
                position += 1;
                let is_checkpoint = matches!(entry, Entry::Source(_));
                if batch == Batch::None || batch == Batch::Checkpoints && !is_checkpoint {
                    tail.batches += 1;
                }
                batch = if is_checkpoint { Batch::Checkpoints } else { Batch::Lines };
            }
            // Its hash holds, so it was written to its end: by another version, or for another place.
            Ok(_) | Err(frame::Fault::Entry) => tail.is_foreign = true,
            Err(_) => {
                let is_last = reader.fill_buf().context(failed)?.is_empty();
                let is_begun = frame::is_begun(&line) || line.iter().all(|byte| *byte == 0);
                tail.is_foreign |= !is_last || !is_begun || is_ended && !frame::looks_written(&line);
            }
        }
        if tail.is_foreign {
            return Ok(tail);
        }
    }
}
