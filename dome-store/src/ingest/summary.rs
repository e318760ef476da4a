//! What ingesting says: each batch that is kept, and what it all came to.

use std::path::Path;

use dome_core::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::intake::Tally;
use crate::output::{Output, grouped};
use crate::store::Writer;

/// A batch is on the disk, its members in canonical order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "IngestBatch")]
pub(crate) struct Acknowledged {
    /// Lines that this command has read and that are kept, this batch's included.
    acknowledged_lines: u64,
    /// `"1"`
    format_version: &'static str,
    /// The position of the log's last entry.
    position: u64,
    /// The instant up to which the derived state is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<Timestamp>,
}

/// Says that everything until here is kept.
pub(super) fn acknowledge(writer: &Writer, tally: Tally, output: &mut Output) -> anyhow::Result<()> {
    output.object(&Acknowledged {
        acknowledged_lines: tally.lines,
        format_version: "1",
        position: writer.last_position(),
        watermark: writer.index.watermark()?,
    })?;
    output.flush()
}

/// What the store held at one moment.
pub(super) struct Totals {
    facts: u64,
    conflicts: u64,
}

impl Totals {
    pub(super) fn of(writer: &Writer) -> anyhow::Result<Self> {
        let facts = writer.index.count("SELECT coalesce(sum(facts), 0) FROM runs")?;
        Ok(Self { facts, conflicts: writer.index.count("SELECT count(*) FROM records WHERE outcome = 2")? })
    }
}

/// What an ingest came to, its members in canonical order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "IngestSummary")]
pub(crate) struct Summary {
    batches: u64,
    blank: u64,
    /// `"1"`
    format_version: &'static str,
    lines: u64,
    /// Facts more than before: fewer, where a late line rules out more than it adds.
    new_facts: i64,
    /// Lines that were rejected, and conflicts more than before.
    quarantined: u64,
    store: String,
    total_facts: u64,
    /// The instant up to which the derived state is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<Timestamp>,
}

/// Says what it came to; the number of lines that went to the quarantine.
pub(super) fn print(
    store: &Path,
    writer: &Writer,
    tally: Tally,
    before: &Totals,
    output: &mut Output,
) -> anyhow::Result<u64> {
    let now = Totals::of(writer)?;
    let summary = Summary {
        batches: tally.batches,
        blank: tally.blank,
        format_version: "1",
        lines: tally.lines,
        new_facts: i64::try_from(now.facts)? - i64::try_from(before.facts)?,
        quarantined: tally.rejected + now.conflicts.saturating_sub(before.conflicts),
        store: store.display().to_string(),
        total_facts: now.facts,
        watermark: writer.index.watermark()?,
    };
    if output.is_json() {
        output.object(&summary)?;
    } else {
        summary.print(output)?;
    }
    Ok(summary.quarantined)
}

impl Summary {
    fn print(&self, output: &mut Output) -> anyhow::Result<()> {
        let sign = if self.new_facts < 0 { "-" } else { "" };
        let [lines, blank, batches] = [self.lines, self.blank, self.batches].map(grouped);
        let new_facts = format!("{sign}{}", grouped(self.new_facts.unsigned_abs()));
        output.line(&format!("{lines:>12}  lines read, {blank} blank, in {batches} batches"))?;
        output.line(&format!("{new_facts:>12}  new facts, {} in all", grouped(self.total_facts)))?;
        output.line(&format!("{:>12}  quarantined", grouped(self.quarantined)))?;
        if let Some(watermark) = self.watermark {
            output.line(&format!("complete up to {watermark}, as far as the sources were read"))?;
        }
        if self.quarantined > 0 {
            output.line(&format!("`dome store quarantine list --store {}` says why", self.store))?;
        }
        output.line(&format!("store: {}", self.store))
    }
}
