//! How far a source was read, and how it is found again.

use std::collections::BTreeSet;
use std::io::{self, Read};

use dome_core::Sha256Hash;
use dome_replay::Watch;
use dome_replay::error::{Context, Invariant, Result};
use dome_replay::input::{Chunk, Chunks, LineSource, LongLine};
use sha2::{Digest, Sha256};

use crate::log::Checkpoint;

/// Bytes that are held against a file before it is read on.
const RECENT_BYTES: usize = 256;

/// A source that is being read: what is behind, and the hash over it.
#[derive(Clone)]
pub(crate) struct Progress {
    /// Where it stands, but for the hash.
    pub(crate) at: Checkpoint,
    hasher: Sha256,
    recent: Vec<u8>,
}

impl Progress {
    pub(crate) fn new(name: String) -> Self {
        Self { at: Checkpoint { name, ..Checkpoint::default() }, hasher: Sha256::new(), recent: Vec::new() }
    }

    /// The number of the line that stands at `offset`.
    pub(crate) fn number(&self) -> u64 {
        self.at.lines + u64::from(self.at.unfinished.is_none())
    }

    /// A line is behind, with its end.
    pub(crate) fn pass(&mut self, whole: &[u8]) {
        self.hasher.update(whole);
        self.at.offset += whole.len() as u64;
        let (_, recent) = whole.split_at(whole.len().saturating_sub(RECENT_BYTES));
        self.recent.extend_from_slice(recent);
        self.recent.drain(..self.recent.len().saturating_sub(RECENT_BYTES));
    }

    /// The bytes before `offset` unless the source was rewritten; none are known behind a line too long to hold.
    pub(crate) fn recent(&self) -> &[u8] {
        &self.recent
    }

    /// A line that is too long to hold is behind: its own hash stands for its bytes.
    pub(crate) fn pass_long(&mut self, line: &LongLine) {
        let place = dome_core::Source { line: line.number, name: "".into() };
        let row = line.raw.clone().row(line.offset, place, dome_core::line_too_long(line.raw.length()));
        self.hasher.update(row.sha256.as_bytes());
        self.recent.clear();
        self.at.offset = line.end;
    }

    fn sha256(&self) -> String {
        Sha256Hash::from_bytes(self.hasher.clone().finalize().into()).to_string()
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint { sha256: self.sha256(), ..self.at.clone() }
    }

    /// Takes up what a checkpoint says, where what was read until here is what it was made of.
    fn take_up(&self, checkpoint: &Checkpoint) -> Option<Self> {
        let is_here = self.at.offset == checkpoint.offset && self.sha256() == checkpoint.sha256;
        is_here.then(|| Self { at: checkpoint.clone(), ..self.clone() })
    }
}

/// Finds where reading a source stopped: at the end of the longest of its earlier contents that it still begins with.
/// One that begins otherwise was rewritten, truncated or rotated: it is read from its start, under a name of its own.
/// So is a second source of one name; `in_use` are the names under which others are being read.
pub(crate) fn find_start(
    source: &LineSource,
    known: &[Checkpoint],
    in_use: &BTreeSet<String>,
    watch: &dyn Watch,
) -> Result<Progress> {
    let mut earlier: Vec<&Checkpoint> =
        known.iter().filter(|known| is_of(&known.name, &source.name) && !in_use.contains(&known.name)).collect();
    earlier.sort_by_key(|known| known.offset);
    let last = earlier.iter().map(|known| known.offset).max().unwrap_or(0);
    let mut progress = Progress::new(String::new());
    let mut found = earlier.iter().rev().find_map(|known| progress.take_up(known));
    let mut chunks = Chunks::new(source.open()?.take(last));
    while progress.at.offset < last {
        let Some(chunk) = chunks.next() else { break };
        match chunk.context(|| format!("cannot read `{}`", source.named()))? {
            Chunk::Long(line) => progress.pass_long(&line),
            Chunk::Lines { bytes, .. } => {
                let mut rest = bytes.as_slice();
                while let Some(next) = earlier.iter().map(|known| known.offset).find(|at| *at > progress.at.offset) {
                    let Some((head, tail)) =
                        usize::try_from(next - progress.at.offset).ok().and_then(|bytes| rest.split_at_checked(bytes))
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
    let fresh = fresh_name(&source.name, known, in_use)?;
    // Each stream of stdin is another one; nothing is remarkable about that.
    if found.is_none() && !earlier.is_empty() && source.is_file() {
        let what = match progress.at.offset < last {
            true => "is shorter than what was read from it before",
            false => "does not begin with what was read from it before",
        };
        watch.note(&format!(
            "`{}` {what} (truncated, rotated or rewritten): it is read from its start, as `{fresh}`",
            source.named()
        ));
    }
    Ok(found.unwrap_or_else(|| Progress::new(fresh)))
}

/// The first of `name`, `name#2` and so on that was never given.
pub(crate) fn fresh_name(name: &str, known: &[Checkpoint], in_use: &BTreeSet<String>) -> Result<String> {
    let taken = |asked: &String| in_use.contains(asked) || known.iter().any(|known| known.name == *asked);
    let later = (2_u64..).map(|number| format!("{name}#{number}"));
    std::iter::once(name.to_owned())
        .chain(later)
        .find(|asked| !taken(asked))
        .invariant("there is always another number")
}

/// Whether a stored name is `name` itself or a later content under it.
pub(crate) fn is_of(stored: &str, name: &str) -> bool {
    let later = |rest: &str| rest.strip_prefix('#').is_some_and(|number| number.parse::<u64>().is_ok());
    stored.strip_prefix(name).is_some_and(|rest| rest.is_empty() || later(rest))
}

/// Skips what was read already. The source may be shorter than it was a moment ago.
pub(crate) fn skip(reader: &mut impl Read, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut reader.take(bytes), &mut io::sink())?;
    if skipped < bytes {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter while it was read"));
    }
    Ok(())
}
