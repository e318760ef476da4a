//! `mv_recent_failures_by_taskspec` out of facts that come the other way round (M-110): the latest stand
//! first, but those of one instant keep their order.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use dome_core::Timestamp;

use super::scratch::Scratch;
use crate::artifacts::{Folder, RECENT_FAILURES};

/// Bytes that are read at once where a part is long.
const PIECE_BYTES: u64 = 1 << 20;

/// Rows that are put aside in parts, each in the order in which it is written; the parts are then
/// taken from the last to the first.
pub(super) struct Recent {
    scratch: Scratch,
    file: File,
    /// Where each part ends.
    ends: Vec<u64>,
    /// The rows of each instant, in the order in which they came.
    held: Vec<Vec<u8>>,
    held_bytes: usize,
    most_bytes: usize,
    /// The instant of the last row, and whether rows of it are in the last part already.
    instant: Option<Timestamp>,
    begun: bool,
}

impl Recent {
    pub(super) fn new(scratch: &Scratch, most_bytes: usize) -> anyhow::Result<Self> {
        let (file, scratch) = (scratch.file()?, scratch.clone());
        let (ends, held) = (Vec::new(), Vec::new());
        Ok(Self { scratch, file, ends, held, held_bytes: 0, most_bytes, instant: None, begun: false })
    }

    /// Adds the next failing fact's row.
    pub(super) fn push(&mut self, instant: Timestamp, row: &[u8]) -> anyhow::Result<()> {
        if self.instant != Some(instant) {
            if self.begun {
                // The part that stands belongs to the instant before, and takes the rest of it.
                self.put_aside()?;
            }
            if self.held_bytes > self.most_bytes {
                self.put_aside()?;
            }
            (self.instant, self.begun) = (Some(instant), false);
            self.held.push(Vec::new());
        }
        if let Some(last) = self.held.last_mut() {
            last.extend_from_slice(row);
            self.held_bytes += row.len();
        }
        // One instant may have more rows than fit: its part is then written piece by piece.
        if self.held_bytes > self.most_bytes.saturating_mul(2) { self.begin() } else { Ok(()) }
    }

    /// Puts aside what is held of earlier instants, and then the rows of this one, which may go on.
    fn begin(&mut self) -> anyhow::Result<()> {
        let own = self.held.pop().unwrap_or_default();
        if !self.held.is_empty() {
            self.put_aside()?;
        }
        self.held.push(own);
        self.put_aside()?;
        self.begun = true;
        self.held.push(Vec::new());
        Ok(())
    }

    fn put_aside(&mut self) -> anyhow::Result<()> {
        let mut end = self.ends.last().copied().unwrap_or_default();
        for rows in self.held.drain(..).rev() {
            self.file.write_all(&rows).map_err(|why| self.scratch.failed("write", why))?;
            end += rows.len() as u64;
        }
        if self.begun {
            self.ends.pop();
        }
        self.ends.push(end);
        (self.held_bytes, self.begun) = (0, false);
        Ok(())
    }

    /// Writes the view.
    pub(super) fn write(mut self, folder: &mut Folder) -> anyhow::Result<()> {
        self.put_aside()?;
        let (mut rows, mut piece) = (folder.open(RECENT_FAILURES)?, Vec::new());
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let parts: Vec<(u64, u64)> = starts.zip(self.ends.iter().copied()).collect();
        for (start, end) in parts.into_iter().rev() {
            let read = |why| self.scratch.failed("read", why);
            self.file.seek(SeekFrom::Start(start)).map_err(read)?;
            let mut rest = end - start;
            while rest > 0 {
                let now = rest.min(PIECE_BYTES);
                piece.clear();
                (&self.file).take(now).read_to_end(&mut piece).map_err(read)?;
                anyhow::ensure!(piece.len() as u64 == now, "a temporary file is shorter than what was written to it");
                rows.push(&piece)?;
                rest -= now;
            }
        }
        folder.close(RECENT_FAILURES, rows)
    }
}
