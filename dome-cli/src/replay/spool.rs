//! Canonical envelopes between reading and writing: a few in memory, the others in a file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use dome_binder::{Canonical, Record};

use super::spill::scratch::Scratch;

/// Bytes that are held in memory before a file is used: a night of CI needs none.
const HELD_BYTES: u64 = if cfg!(test) { 4_096 } else { 2 << 20 };

/// Where piles of envelopes are kept. A place counts all bytes so far, those in memory first.
pub(crate) struct Spool {
    scratch: Scratch,
    piles: Mutex<Piles>,
}

#[derive(Default)]
struct Piles {
    /// In memory, each with the place of its first byte.
    held: Vec<(u64, Vec<u8>)>,
    file: Option<File>,
    /// The place of the file's first byte.
    file_from: u64,
    end: u64,
}

impl Spool {
    /// One whose file stands beside the place of a result.
    pub(crate) fn beside(out: &Path) -> Self {
        Self { scratch: Scratch::above(out, 0), piles: Mutex::default() }
    }

    /// Keeps a pile, and leaves it empty; gives the place of its first byte.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) fn keep(&self, pile: &mut Vec<u8>) -> anyhow::Result<u64> {
        let mut piles = self.piles.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, bytes) = (piles.end, pile.len() as u64);
        if piles.file.is_none() && at + bytes > HELD_BYTES {
            piles.file = Some(self.scratch.file()?);
            piles.file_from = at;
        }
        piles.end += bytes;
        match &piles.file {
            None => piles.held.push((at, std::mem::take(pile))),
            Some(file) => {
                let written = file.write_all_at(pile, at - piles.file_from);
                written.map_err(|why| self.scratch.failed("write", why))?;
            }
        }
        pile.clear();
        Ok(at)
    }

    /// Everything that is kept, for reading.
    pub(crate) fn kept(self) -> Kept {
        Kept(self.piles.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a spool keeps.
#[derive(Default)]
pub(crate) struct Kept(Piles);

impl Kept {
    /// The canonical envelope of a record, read into `bytes` where it is not held.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(crate) fn canonical<'k>(&'k self, record: &'k Record, bytes: &'k mut Vec<u8>) -> anyhow::Result<&'k [u8]> {
        let (at, length) = match &record.canonical {
            Canonical::Held(canonical) => return Ok(canonical),
            Canonical::Kept { at, bytes } => (*at, *bytes as usize),
        };
        if let Some(file) = self.0.file.as_ref().filter(|_| at >= self.0.file_from) {
            bytes.resize(length, 0);
            let read = file.read_exact_at(bytes, at - self.0.file_from);
            read.context("cannot read a temporary file")?;
            return Ok(bytes);
        }
        let pile = self.0.held.partition_point(|(from, _)| *from <= at).checked_sub(1);
        let found = pile.and_then(|pile| {
            let (from, pile) = self.0.held.get(pile)?;
            pile.get(usize::try_from(at - from).ok()?..)?.get(..length)
        });
        found.context("an envelope is kept where its record says")
    }
}
