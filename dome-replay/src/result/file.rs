//! The files of a result: their names and their order, in one place (M-120).

use std::fmt;
use std::io::{self, Read};

use dome_core::{Sha256Hash, line_feeds};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A file of a result beside its manifest, in the order in which one follows from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResultFile {
    /// Every fact, in total order.
    Facts,
    /// Where each fact stood.
    Lineage,
    /// The capsules.
    Capsules,
    /// The concepts that are listed.
    Concepts,
    /// Failing facts, the latest first (M-110).
    RecentFailures,
    /// How gates ended beside each failure code (M-110).
    GateRollup,
    /// What guards denied (M-110).
    GuardDenials,
    /// Every rejected line with every reason (M-31).
    Quarantine,
}

/// The manifest, which names all others.
pub const MANIFEST: &str = "manifest.json";

pub(super) const VIEWS: &str = "views";

impl ResultFile {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Facts,
        Self::Lineage,
        Self::Capsules,
        Self::Concepts,
        Self::RecentFailures,
        Self::GateRollup,
        Self::GuardDenials,
        Self::Quarantine,
    ];

    /// Its path in the directory of a result.
    ///
    /// ```
    /// assert_eq!(dome_replay::ResultFile::Facts.name(), "facts.jsonl");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Facts => "facts.jsonl",
            Self::Lineage => "lineage.jsonl",
            Self::Capsules => "capsules.jsonl",
            Self::Concepts => "concepts.jsonl",
            Self::RecentFailures => "views/mv_recent_failures_by_taskspec.jsonl",
            Self::GateRollup => "views/mv_gate_rollup_by_failure_reason_code.jsonl",
            Self::GuardDenials => "views/mv_guard_denials_by_policy_reason_code.jsonl",
            Self::Quarantine => "quarantine.jsonl",
        }
    }
}

impl fmt::Display for ResultFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What the manifest says of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FileEntry {
    /// Its lines.
    pub lines: u64,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Hash,
}

impl FileEntry {
    /// That of a file with these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { lines: line_feeds(bytes), sha256: Sha256Hash::of(bytes) }
    }

    /// That of everything that a reader gives, read piece by piece.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read(mut reader: impl Read) -> io::Result<Self> {
        let (mut lines, mut hasher, mut piece) = (0, Sha256::new(), vec![0; 64 << 10]);
        loop {
            let read = reader.read(&mut piece)?;
            let (read, _) = piece.split_at(read);
            if read.is_empty() {
                return Ok(Self { lines, sha256: Sha256Hash::from_bytes(hasher.finalize().into()) });
            }
            lines += line_feeds(read);
            hasher.update(read);
        }
    }
}
