//! How far a source was read, and how it is found again.

use std::io::{self, Read};

use anyhow::Context;
use dome_core::Sha256Hash;
use sha2::{Digest, Sha256};

use crate::input::{Chunk, Chunks, LongLine, Source};
use crate::store::{Checkpoint, Unfinished};

/// A source that is being read: what is behind, and the hash over it.
#[derive(Clone)]
pub(super) struct Progress {
    /// The name under which the store knows the source.
    pub(super) name: String,
    /// The place of the next byte.
    pub(super) offset: u64,
    pub(super) lines: u64,
    pub(super) blank: u64,
    hasher: Sha256,
    /// A last line without an end, which stands at `offset` and is counted already.
    pub(super) unfinished: Option<Unfinished>,
}

impl Progress {
    /// Nothing is read yet.
    pub(super) fn new(name: String) -> Self {
        Self { name, offset: 0, lines: 0, blank: 0, hasher: Sha256::new(), unfinished: None }
    }

    /// The number of the line that stands at `offset`.
    pub(super) fn number(&self) -> u64 {
        self.lines + u64::from(self.unfinished.is_none())
    }

    /// A line is behind, with its end.
    pub(super) fn pass(&mut self, whole: &[u8]) {
        self.hasher.update(whole);
        self.offset += whole.len() as u64;
    }

    /// A line that is too long to hold is behind: its own hash stands for its bytes.
    pub(super) fn pass_long(&mut self, line: &LongLine) {
        let place = dome_core::Source { line: line.number, name: "".into() };
        let row = line.raw.clone().row(line.offset, place, dome_core::line_too_long(line.raw.length()));
        self.hasher.update(row.sha256.as_bytes());
        self.offset = line.end;
    }

    fn sha256(&self) -> String {
        Sha256Hash::from_bytes(self.hasher.clone().finalize().into()).to_string()
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            blank: self.blank,
            lines: self.lines,
            name: self.name.clone(),
            offset: self.offset,
            redactions: std::collections::BTreeMap::new(),
            sha256: self.sha256(),
            unfinished: self.unfinished.clone(),
        }
    }

    /// Takes up what a checkpoint says, where what was read until here is what it was made of.
    fn take_up(&self, checkpoint: &Checkpoint) -> Option<Self> {
        (self.offset == checkpoint.offset && self.sha256() == checkpoint.sha256).then(|| Self {
            name: checkpoint.name.clone(),
            lines: checkpoint.lines,
            blank: checkpoint.blank,
            unfinished: checkpoint.unfinished.clone(),
            ..self.clone()
        })
    }
}

/// Where reading a source starts.
pub(super) struct Start {
    pub(super) progress: Progress,
    /// What is remarkable about it.
    pub(super) note: Option<String>,
}

/// Finds the place where reading a source stopped: at the end of the longest of its earlier contents
/// that it still begins with. A source that begins otherwise was rewritten, truncated or rotated: it
/// is read from its start, under a name of its own.
///
/// # Errors
///
/// When the source cannot be read.
pub(super) fn find_start(source: &Source, known: &[Checkpoint]) -> anyhow::Result<Start> {
    let mut earlier: Vec<&Checkpoint> = known.iter().filter(|known| is_of(&known.name, &source.name)).collect();
    earlier.sort_by_key(|known| known.offset);
    let fresh = |count: usize| match count {
        0 => source.name.clone(),
        earlier => format!("{}#{}", source.name, earlier + 1),
    };
    let last = earlier.iter().map(|known| known.offset).max().unwrap_or_default();
    let mut progress = Progress::new(String::new());
    let mut found = earlier.iter().rev().find_map(|known| progress.take_up(known));
    let mut chunks = Chunks::new(source.open()?.take(last));
    while progress.offset < last {
        let Some(chunk) = chunks.next() else { break };
        match chunk.with_context(|| format!("cannot read `{}`", source.shown()))? {
            Chunk::Long(line) => progress.pass_long(&line),
            Chunk::Lines { bytes, .. } => {
                let mut rest = bytes.as_slice();
                while let Some(next) = earlier.iter().map(|known| known.offset).find(|at| *at > progress.offset) {
                    let Some((head, tail)) =
                        usize::try_from(next - progress.offset).ok().and_then(|bytes| rest.split_at_checked(bytes))
                    else {
                        break;
                    };
                    progress.pass(head);
                    rest = tail;
                    found = earlier.iter().rev().find_map(|known| progress.take_up(known)).or(found);
                }
                progress.pass(rest);
            }
        }
        found = earlier.iter().rev().find_map(|known| progress.take_up(known)).or(found);
    }
    let note = match &found {
        Some(_) => None,
        None if earlier.is_empty() => None,
        None => Some(changed(source, progress.offset < last, &fresh(earlier.len()))),
    };
    Ok(Start { progress: found.unwrap_or_else(|| Progress::new(fresh(earlier.len()))), note })
}

fn changed(source: &Source, shorter: bool, name: &str) -> String {
    let what = if shorter {
        "is shorter than what was read from it before"
    } else {
        "does not begin with what was read from it before"
    };
    format!("`{}` {what} (truncated, rotated or rewritten): it is read from its start, as `{name}`", source.shown())
}

/// Whether a stored name is `name` itself or a later content under it.
fn is_of(stored: &str, name: &str) -> bool {
    let later = |rest: &str| rest.strip_prefix('#').is_some_and(|number| number.parse::<u64>().is_ok());
    stored.strip_prefix(name).is_some_and(|rest| rest.is_empty() || later(rest))
}

/// Skips what was read already.
///
/// # Errors
///
/// When the source cannot be read, or is shorter than it was a moment ago.
pub(super) fn skip(reader: &mut impl Read, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut reader.take(bytes), &mut io::sink())?;
    if skipped < bytes {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter while it was read"));
    }
    Ok(())
}
