//! Rows that come first to last and are wanted last to first, those of one instant in the order in which they came: the
//! view of recent failures (M-110).

use std::fs::File;
use std::os::unix::fs::FileExt;

use dome_core::Timestamp;

use crate::error::{Invariant, Result};
use crate::spill::Scratch;

/// Bytes that are held before a file is used, and that are read back at once.
const PIECE_BYTES: usize = 1 << 20;

/// Rows of instants that never go back.
pub(crate) struct LatestFirst {
    scratch: Scratch,
    held: Vec<u8>,
    file: Option<File>,
    filed: u64,
    starts: Vec<u64>,
    last: Option<Timestamp>,
}

impl LatestFirst {
    pub(crate) fn new(scratch: &Scratch) -> Self {
        Self { scratch: scratch.clone(), held: Vec::new(), file: None, filed: 0, starts: Vec::new(), last: None }
    }

    pub(crate) fn push(&mut self, ts: Timestamp, rows: &[u8]) -> Result<()> {
        if self.last != Some(ts) {
            self.last = Some(ts);
            self.starts.push(self.filed + self.held.len() as u64);
        }
        self.held.extend_from_slice(rows);
        if self.held.len() < PIECE_BYTES {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(self.scratch.file()?),
        };
        file.write_all_at(&self.held, self.filed).map_err(|why| self.scratch.failed("write", why))?;
        self.filed += self.held.len() as u64;
        self.held.clear();
        Ok(())
    }

    pub(crate) fn each(self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut end = self.filed + self.held.len() as u64;
        let (mut window, mut from) = (Vec::new(), end);
        for start in self.starts.iter().rev().copied() {
            if start >= self.filed {
                let held = |place: u64| usize::try_from(place - self.filed).unwrap_or(usize::MAX);
                take(self.held.get(held(start)..held(end)).invariant("what is held was pushed")?)?;
            } else {
                let (filed_end, tail) = (end.min(self.filed), end.saturating_sub(self.filed));
                if start < from {
                    from = start.min(filed_end.saturating_sub(PIECE_BYTES as u64));
                    window.resize(usize::try_from(filed_end - from).unwrap_or(usize::MAX), 0);
                    let file = self.file.as_ref().invariant("what is not held is in a file")?;
                    file.read_exact_at(&mut window, from).map_err(|why| self.scratch.failed("read", why))?;
                }
                let at = |place: u64| usize::try_from(place - from).unwrap_or(usize::MAX);
                take(window.get(at(start)..at(filed_end)).invariant("what was read was pushed")?)?;
                let tail = usize::try_from(tail).unwrap_or(usize::MAX);
                take(self.held.get(..tail).invariant("what is held was pushed")?)?;
            }
            end = start;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn m110_the_latest_instant_comes_first_and_its_rows_as_they_came() {
        for row_bytes in [1, 1_000, 300_000] {
            let mut rows = LatestFirst::new(&Scratch::of_system());
            let mut blocks: Vec<Vec<u8>> = Vec::new();
            for second in 0..40_i64 {
                let ts = Timestamp::from_unix(second / 3, 0).unwrap();
                let row = vec![u8::try_from(second).unwrap(); row_bytes];
                rows.push(ts, &row).unwrap();
                if second % 3 == 0 { blocks.push(row) } else { blocks.last_mut().unwrap().extend(row) }
            }
            blocks.reverse();
            let mut found = Vec::new();
            rows.each(|rows| {
                found.extend_from_slice(rows);
                Ok(())
            })
            .unwrap();
            assert!(found == blocks.concat(), "{row_bytes}");
        }
    }
}
