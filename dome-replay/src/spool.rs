//! Canonical envelopes between reading and writing: a few in memory, the others in a file.
//!
//! They come in whatever order the input has, and are asked for in the order of time. Each pile is kept by time, so that
//! whoever asks goes through every pile from front to back, and much of it can be read at once.

use std::fs::File;
use std::io::IoSlice;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use dome_binder::{Canonical, Record};
use dome_core::Timestamp;

use crate::error::{Context, Invariant, Result};
use crate::parallel::held;
use crate::spill::{Scratch, write_all};

/// How envelopes are kept. Tests make these small, so that few envelopes meet every cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpoolLimits {
    /// Bytes that are held in memory before a file is used: a night of CI needs none.
    pub(crate) held: u64,
    /// Bytes that are read of all piles ahead of who asks, about.
    pub(crate) ahead: usize,
    /// Bytes that are read of one pile at once: a few envelopes at least, and no more than is cheap to copy.
    pub(crate) pile: (usize, usize),
}

impl Default for SpoolLimits {
    fn default() -> Self {
        Self { held: 2 << 20, ahead: 1 << 20, pile: (4 << 10, 64 << 10) }
    }
}

/// Where piles of envelopes are kept. A place counts all bytes so far, those in memory first.
pub(crate) struct Spool {
    scratch: Scratch,
    limits: SpoolLimits,
    piles: Mutex<Piles>,
}

#[derive(Default)]
struct Piles {
    /// The place of the first byte of each.
    starts: Vec<u64>,
    held: Vec<Vec<u8>>,
    file: Option<File>,
    file_from: u64,
    end: u64,
}

impl Spool {
    pub(crate) fn new(scratch: &Scratch, limits: SpoolLimits) -> Self {
        Self { scratch: scratch.clone(), limits, piles: Mutex::default() }
    }

    /// Keeps the canonical envelopes of records, which lie in a pile where these say, and leaves it empty. The records
    /// then say where they are kept.
    pub(crate) fn keep(&self, pile: &mut Vec<u8>, records: &mut [Box<Record>]) -> Result<()> {
        let mut envelopes: Vec<(Timestamp, &mut u64, usize)> =
            records.iter_mut().filter_map(|record| kept(record)).collect();
        envelopes.sort_by_key(|(ts, ..)| *ts);
        let mut piles = held(&self.piles);
        let mut next = piles.end;
        if piles.file.is_none() && next + pile.len() as u64 > self.limits.held {
            piles.file = Some(self.scratch.file()?);
            piles.file_from = next;
        }
        piles.starts.push(next);
        piles.end += pile.len() as u64;
        if let Some(file) = &piles.file {
            let mut sorted: Vec<IoSlice<'_>> = Vec::with_capacity(envelopes.len());
            for (_, at, bytes) in &envelopes {
                let own = usize::try_from(**at).ok().and_then(|at| pile.get(at..)?.get(..*bytes));
                sorted.push(IoSlice::new(own.invariant("an envelope lies where its record says")?));
            }
            write_all(file, &mut sorted).map_err(|why| self.scratch.failed("write", why))?;
            drop(piles);
            for (_, at, bytes) in envelopes {
                *at = next;
                next += bytes as u64;
            }
            pile.clear();
        } else {
            piles.held.push(std::mem::take(pile));
            envelopes.into_iter().for_each(|(_, at, _)| *at += next);
        }
        Ok(())
    }

    pub(crate) fn kept(self) -> Kept {
        let piles = self.piles.into_inner().unwrap_or_else(PoisonError::into_inner);
        let in_file = piles.starts.len() - piles.held.len();
        let (least, most) = self.limits.pile;
        let ahead = (self.limits.ahead / in_file.max(1)).clamp(least, most);
        Kept { windows: std::iter::repeat_with(Mutex::default).take(piles.starts.len()).collect(), piles, ahead }
    }
}

#[derive(Default)]
pub(crate) struct Kept {
    piles: Piles,
    /// Of each pile what was read last.
    windows: Vec<Mutex<Window>>,
    /// Bytes that a window has, at least where the pile has them.
    ahead: usize,
}

#[derive(Default)]
struct Window {
    from: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn get(&self, at: u64, length: usize) -> Option<&[u8]> {
        let start = usize::try_from(at.checked_sub(self.from)?).ok()?;
        self.bytes.get(start..)?.get(..length)
    }
}

impl Kept {
    /// A canonical envelope, read into `bytes` where it is not held.
    pub(crate) fn canonical<'k>(&'k self, canonical: &'k Canonical, bytes: &'k mut Vec<u8>) -> Result<&'k [u8]> {
        let (at, length) = match canonical {
            Canonical::Held(canonical) => return Ok(canonical),
            Canonical::Kept { at, bytes } => (*at, *bytes as usize),
        };
        const LOST: &str = "an envelope is kept where its record says";
        let pile = self.piles.starts.partition_point(|start| *start <= at).checked_sub(1).invariant(LOST)?;
        if let Some(held) = self.piles.held.get(pile) {
            let start = self.piles.starts.get(pile).and_then(|start| usize::try_from(at - start).ok());
            return start.and_then(|start| held.get(start..)?.get(..length)).invariant(LOST);
        }
        let mut window = held(self.windows.get(pile).invariant(LOST)?);
        bytes.clear();
        if let Some(found) = window.get(at, length) {
            bytes.extend_from_slice(found);
        } else if at < window.from {
            // Behind what was read last, where few are: clocks that went back, or a thread that is slower than others.
            drop(window);
            bytes.resize(length, 0);
            self.read(bytes, at)?;
        } else {
            let end = self.piles.starts.get(pile + 1).copied().unwrap_or(self.piles.end);
            let left = usize::try_from(end - at).unwrap_or(usize::MAX);
            window.from = at;
            window.bytes.resize(self.ahead.max(length).min(left), 0);
            self.read(&mut window.bytes, at)?;
            bytes.extend_from_slice(window.get(at, length).invariant(LOST)?);
        }
        Ok(bytes)
    }

    /// Gives the room of the file back, which takes the system a while. Nothing can be read from it then.
    pub(crate) fn let_go(&self) {
        if let Some(file) = &self.piles.file {
            // Who cannot do so now gets it back when the process ends.
            let _shorter = file.set_len(0);
        }
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> Result<()> {
        let file = self.piles.file.as_ref().invariant("what is not in memory is in a file")?;
        file.read_exact_at(bytes, at - self.piles.file_from).context(|| "cannot read a temporary file")
    }
}

/// When the envelope of a record is from, where it is kept and how long it is.
fn kept(record: &mut Record) -> Option<(Timestamp, &mut u64, usize)> {
    match &mut record.canonical {
        Canonical::Held(_) => None,
        Canonical::Kept { at, bytes } => Some((record.ts, at, *bytes as usize)),
    }
}

#[cfg(test)]
mod tests {
    use dome_arbitrary::history;
    use dome_binder::Recorder;
    use dome_core::{Reader, Source};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// In whatever piles they come and in whatever order they are asked for, by however many at once.
        #[test]
        fn m40_envelopes_come_back_as_they_were(
            history in history(),
            each in 1_usize..40,
            asked in proptest::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let (mut reader, mut recorder) = (Reader::new(), Recorder::default());
            let source = Source { line: 1, name: "a.jsonl".into() };
            let envelopes: Vec<_> = history.lines.iter().filter_map(|line| reader.read(line).ok()).collect();
            let limits = SpoolLimits { held: 4_096, ahead: 0, pile: (700, 64 << 10) };
            let spool = Spool::new(&Scratch::of_system(), limits);
            let (mut records, mut pile) = (Vec::new(), Vec::new());
            for envelopes in envelopes.chunks(each) {
                let one = |envelope: &dome_core::Envelope| {
                    Box::new(recorder.record_onto(&mut pile, envelope.clone(), source.clone()))
                };
                let mut some: Vec<Box<Record>> = envelopes.iter().map(one).collect();
                prop_assert!(spool.keep(&mut pile, &mut some).is_ok());
                prop_assert!(pile.is_empty());
                records.extend(some);
            }
            let kept = spool.kept();
            let mut all: Vec<(&Record, Vec<u8>)> =
                records.iter().map(|record| &**record).zip(envelopes.iter().map(|envelope| envelope.to_canonical())).collect();
            all.sort_by_key(|(record, _)| record.ts);
            let again: Vec<_> = asked.iter().filter(|_| !all.is_empty()).map(|index| index.get(&all).clone()).collect();
            all.extend(again);
            let (first, second) = all.split_at(all.len() / 3);
            std::thread::scope(|scope| {
                let check = |some: &[(&Record, Vec<u8>)]| {
                    let mut bytes = Vec::new();
                    some.iter().all(|(record, own)| kept.canonical(&record.canonical, &mut bytes).is_ok_and(|read| read == own))
                };
                let beside = scope.spawn(move || check(second));
                prop_assert!(check(first));
                prop_assert!(beside.join().is_ok_and(|same| same));
                Ok(())
            })?;
        }
    }
}
