//! What ingesting says: each batch that is kept, and what it all came to.

use std::path::Path;

use serde::Serialize;

use super::intake::{Intake, Tally};
use crate::output::{Output, grouped};
use crate::store::Writer;

/// A batch is on the disk.
#[derive(Serialize)]
struct Acknowledged {
    acknowledged_lines: u64,
    format_version: &'static str,
    position: u64,
}

/// Says that everything until here is kept.
pub(super) fn acknowledge(intake: &Intake<'_>, output: &mut Output) -> anyhow::Result<()> {
    if output.is_json() {
        let position = intake.writer.index.applied()?;
        output.object(&Acknowledged { acknowledged_lines: intake.tally.lines, format_version: "1", position })?;
        output.flush()?;
    }
    Ok(())
}

/// What an ingest came to, its members in canonical order.
#[derive(Serialize)]
struct Summary {
    batches: u64,
    blank: u64,
    format_version: &'static str,
    lines: u64,
    new_facts: i64,
    quarantined: u64,
    store: String,
    total_facts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<dome_core::Timestamp>,
}

pub(super) fn print(
    store: &Path,
    writer: &Writer,
    tally: Tally,
    facts_before: u64,
    output: &mut Output,
) -> anyhow::Result<()> {
    let total_facts = writer.index.count("SELECT coalesce(sum(facts), 0) FROM runs")?;
    let summary = Summary {
        batches: tally.batches,
        blank: tally.blank,
        format_version: "1",
        lines: tally.lines,
        new_facts: i64::try_from(total_facts)? - i64::try_from(facts_before)?,
        quarantined: tally.rejected,
        store: store.display().to_string(),
        total_facts,
        watermark: writer.index.watermark()?,
    };
    if output.is_json() {
        return output.object(&summary);
    }
    let Summary { new_facts, batches, .. } = summary;
    let sign = if new_facts < 0 { "-" } else { "" };
    let rows = [
        format!(
            "{:>12}  lines read, {} blank, in {} batches",
            grouped(tally.lines),
            grouped(tally.blank),
            grouped(batches)
        ),
        format!(
            "{:>12}  new facts, {} in all",
            format!("{sign}{}", grouped(new_facts.unsigned_abs())),
            grouped(total_facts)
        ),
        format!("{:>12}  rejected lines", grouped(tally.rejected)),
    ];
    rows.iter().try_for_each(|row| output.line(row))?;
    if let Some(watermark) = summary.watermark {
        output.line(&format!("complete up to {watermark}, as far as the sources were read"))?;
    }
    if tally.rejected > 0 {
        output
            .line(&format!("`dome store quarantine list --store {}` says why lines were rejected", store.display()))?;
    }
    output.line(&format!("store: {}", store.display()))
}
