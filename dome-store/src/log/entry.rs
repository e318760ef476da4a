//! What the log holds: every line that is not blank, as it came, and how far each source was read.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dome_core::{Envelope, Line, ProblemCode, QuarantineRow, Source, Timestamp};
use dome_replay::{Admitted, Door};
use serde::{Deserialize, Serialize};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// From here on lines were admitted under these terms.
    Session(SessionTerms),
    /// A line that is an envelope.
    Line(AdmittedEntry),
    /// A line that is none, with the reasons.
    Rejected(Box<RejectedEntry>),
    /// How far a source was read.
    Source(Checkpoint),
    /// The rejected line at this position was read again, and is an envelope now.
    Retried {
        /// The position of the rejected line.
        of: u64,
    },
    /// The line at this position had no end when it was read; the source has completed it since,
    /// so that it never was a line.
    Withdrawn {
        /// The position of that line.
        of: u64,
    },
    /// What the entries before come to, for a writer that goes on from here. It adds nothing.
    State(Box<LogState>),
}

/// Everything that a writer has to know of the entries before, so that it need not read them. Each segment begins with
/// one, and so does a batch when the log has grown by as much again as a few of them take.
///
/// Nothing is derived here: it repeats what stands in the log, and is never needed where the log is read from its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogState {
    /// The version of the layout of the store. A log says it too, so that it is known without `store.json`.
    pub format_version: String,
    /// How often the store was made anew from its log, or was given other settings; from 1.
    pub generation: u64,
    /// Lines that were rejected for nothing but a `ts` too far ahead, and are rejected still.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<Late>,
    /// The terms of the last session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionTerms>,
    /// What facts are derived by: `mode`, `policy`, `reason_codes`.
    pub settings: serde_json::Value,
    /// The last checkpoint of each source that reading can go on from, without its masks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Checkpoint>,
    /// The identity of the store.
    pub store: String,
}

/// A line that a later instant will admit (M-32).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Late {
    /// The position of its entry.
    pub position: u64,
    /// Its `ts`.
    pub ts: Timestamp,
}

/// The terms of a session: what lines were admitted by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTerms {
    /// The version of dome that read the lines.
    pub dome_version: String,
    /// Lines with a later `ts` are rejected (M-32).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
    /// The rules that masked lines, when they were on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redaction: Option<serde_json::Value>,
}

/// A line, as it was read: after masking, before anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmittedEntry {
    /// The place of its first byte in its source, as decompressed.
    pub offset: u64,
    /// The line itself; an envelope is always UTF-8.
    pub raw: String,
    /// Where it stands.
    pub source: Source,
}

/// A line that was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedEntry {
    /// The row of the quarantine (M-31).
    pub row: QuarantineRow,
    /// The whole line, where the row has only its start and it was not too long to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole: Option<Raw>,
}

/// Bytes of a line: as text where they are text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Raw {
    /// UTF-8, as it stands.
    Text(String),
    /// Anything else, in Base64.
    Base64(String),
}

impl Checkpoint {
    /// Whether more is known to stand in the source: then what is derived is complete only up to what it has told.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.ended || self.unfinished.is_some()
    }
}

impl Raw {
    /// The bytes, as text where they are text.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    /// The bytes; `None` when the text is not Base64.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.clone().into_bytes()),
            Self::Base64(text) => STANDARD.decode(text).ok(),
        }
    }
}

impl AdmittedEntry {
    /// The line, for the door.
    #[must_use]
    pub const fn line(&self) -> Line<'_> {
        Line { number: self.source.line, offset: self.offset, bytes: self.raw.as_bytes() }
    }
}

impl RejectedEntry {
    /// The bytes of the whole line; `None` when it was too long to be kept whole.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match (&self.whole, &self.row.raw, &self.row.raw_base64) {
            (Some(whole), ..) => whole.bytes(),
            (None, Some(text), _) if !self.row.raw_truncated => Some(text.clone().into_bytes()),
            (None, None, Some(text)) if !self.row.raw_truncated => STANDARD.decode(text).ok(),
            _ => None,
        }
    }

    /// The line, for the door, once its bytes are known.
    #[must_use]
    pub fn line<'b>(&self, bytes: &'b [u8]) -> Line<'b> {
        Line { number: self.row.source.line, offset: self.row.offset, bytes }
    }

    /// The envelope that the line is by now, if it is one.
    #[must_use]
    pub fn envelope(&self, door: &mut Door<'_>) -> Option<Envelope> {
        match door.admit(&self.line(&self.bytes()?), &self.row.source.name) {
            Admitted::Envelope(envelope, _) => Some(*envelope),
            Admitted::Blank | Admitted::Quarantined(..) => None,
        }
    }

    /// Its row. What is wrong with a line that was too far ahead of the clock is said by the terms of the door (M-32), as
    /// a replay would see it.
    #[must_use]
    pub fn row_by(self, door: &mut Door<'_>) -> QuarantineRow {
        let is_late = self.row.problems.iter().any(|problem| problem.code == ProblemCode::TimestampFuture);
        if let Some(bytes) = self.bytes().filter(|_| is_late)
            && let Admitted::Quarantined(row, _) = door.admit(&self.line(&bytes), &self.row.source.name)
        {
            return *row;
        }
        self.row
    }
}

/// How far a source was read, and what stood there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Blank lines so far.
    pub blank: u64,
    /// Whether nothing more stood in the source when it was read, but for an `unfinished` line.
    #[serde(default)]
    pub ended: bool,
    /// The latest `ts` of its envelopes so far: up to there it is known, if it tells them in the order of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<Timestamp>,
    /// Lines so far.
    pub lines: u64,
    /// The name under which lineage and quarantine know it: `name`, or `name#2` and so on when
    /// other content was read under that name before.
    pub name: String,
    /// The place of the first byte that was not read, as decompressed.
    pub offset: u64,
    /// Masks put over secrets since the checkpoint before, by rule; but for those of an `unfinished` line.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub redactions: BTreeMap<String, u64>,
    /// SHA-256 of all bytes before `offset`.
    pub sha256: String,
    /// A last line that had no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
}

/// A last line without an end: it is a line (M-121), and it may yet grow. It stands at the
/// checkpoint's `offset`, and is counted in its `lines`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// Whether it is blank.
    pub blank: bool,
    /// The position of its entry in the log, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Masks put over secrets in it, by rule: they count for as long as it stands.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub redactions: BTreeMap<String, u64>,
    /// SHA-256 of its bytes as they are kept: masked.
    pub sha256: String,
}
