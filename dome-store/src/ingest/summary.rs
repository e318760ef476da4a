//! What ingesting says: each batch that is kept, and what it all came to.

use std::path::Path;

use dome_core::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Ingested;
use super::intake::Tally;
use crate::writer::Writer;
use dome_replay::error::{Invariant, Result};

/// A batch is on the disk; its members in canonical order. The document of `dome schema ingest-batch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "IngestBatch")]
pub struct Acknowledged {
    /// Lines that this command has read and that are kept, this batch's included.
    pub acknowledged_lines: u64,
    /// `"1"`
    pub format_version: &'static str,
    /// The position of the log's last entry.
    pub position: u64,
}

impl Acknowledged {
    pub(crate) fn of(writer: &Writer, tally: Tally) -> Self {
        Self { acknowledged_lines: tally.lines, format_version: "1", position: writer.last_position() }
    }
}

/// What an ingest came to; its members in canonical order. The document of `dome schema ingest-summary`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "IngestSummary")]
pub struct Summary {
    /// Batches that were kept.
    pub batches: u64,
    /// Blank lines.
    pub blank: u64,
    /// `"1"`
    pub format_version: &'static str,
    /// Lines that were read, those of the inbox included.
    pub lines: u64,
    /// Facts more than before: fewer, where a late line rules out more than it adds.
    pub new_facts: i64,
    /// Lines that were rejected, and conflicts more than before.
    pub quarantined: u64,
    /// The store.
    pub store: String,
    /// Facts in all.
    pub total_facts: u64,
    /// The instant up to which the derived state is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Timestamp>,
}

impl Summary {
    /// What came of it.
    ///
    /// # Errors
    ///
    /// Never, unless dome has a defect.
    pub fn of(store: &Path, ingested: &Ingested) -> Result<Self> {
        let Ingested { tally, before, now, watermark, .. } = ingested;
        let facts = |facts: u64| i64::try_from(facts).invariant("facts are counted in 63 bits");
        Ok(Self {
            batches: tally.batches,
            blank: tally.blank,
            format_version: "1",
            lines: tally.lines,
            new_facts: facts(now.facts)? - facts(before.facts)?,
            quarantined: tally.rejected + now.conflicts.saturating_sub(before.conflicts),
            store: store.display().to_string(),
            total_facts: now.facts,
            watermark: *watermark,
        })
    }
}
