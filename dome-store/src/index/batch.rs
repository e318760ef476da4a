//! What an index is told: entries that were added to what it is derived from.

use dome_binder::Record;
use dome_core::{Problem, QuarantineRow, RawLine, Rejection, Sha256Hash, Source};
use serde::{Deserialize, Serialize};

pub use crate::log::EntryBytes;

/// An envelope that was admitted.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The position of its entry: of two entries, the later one has the greater.
    pub position: u64,
    /// Where its bytes stand.
    pub bytes: EntryBytes,
    /// What the binder needs of it; its canonical bytes are not kept.
    pub record: Box<Record>,
}

/// A line that is no envelope, or one that facts rule out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RejectedLine {
    /// The position of its entry.
    pub position: u64,
    /// Where its bytes stand.
    pub bytes: EntryBytes,
    /// Where it stood.
    pub source: Source,
    /// SHA-256 of the line.
    pub sha256: Sha256Hash,
    /// Why it is ruled out, where it is an envelope that is no fact (M-41, M-97): reading it again changes nothing.
    pub conflict: Option<Vec<Problem>>,
}

impl RejectedLine {
    /// Its row in the quarantine (M-31), read from where the line stands.
    ///
    /// # Errors
    ///
    /// When `origin` cannot read the line.
    pub fn row(&self, origin: &mut dyn RowOrigin) -> dome_replay::Result<QuarantineRow> {
        let rejection = self.conflict.clone().and_then(Rejection::of);
        let Some(rejection) = rejection else { return origin.turned(self.position, self.bytes) };
        let line = origin.line(self.position, self.bytes)?;
        Ok(RawLine::of(&line.bytes).row(line.offset, self.source.clone(), rejection))
    }
}

/// How far a source was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMark {
    /// Its name in lineage.
    pub name: String,
    /// Blank lines so far.
    pub blank: u64,
    /// The whole checkpoint, as the log has it.
    pub text: String,
}

/// Entries that follow what an index holds, in whatever cut. All cuts of a history come to one index.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Envelopes; a rejected line that was read again is one, at the position that it had.
    pub arrivals: Vec<Arrival>,
    /// Lines that are none.
    pub turned: Vec<RejectedLine>,
    /// Positions of rejected lines that are envelopes now.
    pub retried: Vec<u64>,
    /// Positions of lines that never were lines.
    pub withdrawn: Vec<u64>,
    /// The last mark of each source.
    pub marks: Vec<SourceMark>,
}

/// Up to where an index was derived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The position behind the last entry that it holds.
    pub next: u64,
    /// What that end is known by: the hash of the last entry, or the digest of a manifest.
    pub mark: String,
}

/// A line as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEntry {
    /// The place of its first byte in its source.
    pub offset: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What an index was derived from: the segments of a log, or the files of a result.
pub trait RowOrigin {
    /// The line of an admitted envelope, as it was read.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not there.
    fn line(&mut self, position: u64, bytes: EntryBytes) -> dome_replay::Result<RawEntry>;

    /// The row that the quarantine has of a rejected line (M-31).
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not there.
    fn turned(&mut self, position: u64, bytes: EntryBytes) -> dome_replay::Result<QuarantineRow>;
}
