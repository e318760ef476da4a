//! How far the sources are read, and up to which instant that makes the derived state complete.

use anyhow::Context;
use dome_binder::Rules;
use dome_core::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{order, set_meta};
use crate::store::log::Checkpoint;

/// Notes how far a source was read.
///
/// More stands in it when reading stopped before its end, or when its last line had none. It stops to
/// hold the watermark back when its name goes to other content: nobody will read the rest of it.
pub(super) fn note_source(tx: &Transaction<'_>, checkpoint: &Checkpoint) -> anyhow::Result<()> {
    let text = serde_json::to_string(checkpoint).context("a checkpoint is written as JSON")?;
    let name = checkpoint.name.as_str();
    let mut known = tx.prepare_cached("SELECT 1 FROM sources WHERE name = ?1")?;
    if !known.exists([name])?
        && let Some((family, _)) = name.rsplit_once('#')
    {
        tx.prepare_cached("UPDATE sources SET open = 0 WHERE name = ?1 OR name > ?1 || '#' AND name < ?1 || '$'")?
            .execute([family])?;
    }
    let open = !checkpoint.ended || checkpoint.unfinished.is_some();
    tx.prepare_cached(
        "INSERT INTO sources (name, lines, blank, open, checkpoint) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (name) DO UPDATE SET lines = excluded.lines, blank = excluded.blank, open = excluded.open,
            checkpoint = excluded.checkpoint",
    )?
    .execute(params![name, checkpoint.lines, checkpoint.blank, open, text])?;
    Ok(())
}

/// Notes the time of an envelope of a source.
pub(super) fn note_time(tx: &Transaction<'_>, name: &str, ts: Timestamp) -> anyhow::Result<()> {
    tx.prepare_cached("UPDATE sources SET last_at = max(coalesce(last_at, ?2), ?2) WHERE name = ?1")?
        .execute(params![name, order::at(ts)])?;
    Ok(())
}

/// Keeps what the batch makes of the watermark, and of the instant that staleness is measured at.
pub(super) fn note(tx: &Transaction<'_>, rules: &Rules) -> anyhow::Result<()> {
    let watermark = of(tx)?.map(|ts| ts.to_string()).unwrap_or_default();
    set_meta(tx, "watermark", &watermark)?;
    if let Some(as_of) = last_ts(tx)? {
        let (seconds, nanoseconds) = as_of.to_unix();
        set_meta(tx, "as_of_s", &seconds.to_string())?;
        set_meta(tx, "as_of_ns", &nanoseconds.to_string())?;
    }
    set_meta(tx, "max_staleness_s", &rules.policy.max_staleness_s.to_string())
}

/// The instant up to which the derived state is complete: the last fact's, unless a source is known to
/// hold more; then the latest time that the least advanced of those has told.
fn of(db: &Connection) -> anyhow::Result<Option<Timestamp>> {
    let (open, told, least): (u64, u64, Option<Vec<u8>>) = db
        .prepare_cached("SELECT count(*), count(last_at), min(last_at) FROM sources WHERE open = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let last = last_ts(db)?;
    Ok(match open {
        0 => last,
        _ if told < open => None,
        _ => last.min(least.and_then(|bytes| order::instant(&bytes))),
    })
}

/// The ordered time of the last fact (M-92).
pub(super) fn last_ts(db: &Connection) -> anyhow::Result<Option<Timestamp>> {
    let mut select = db.prepare_cached("SELECT latest_ts FROM runs WHERE facts > 0 ORDER BY latest_at DESC LIMIT 1")?;
    let last: Option<String> = select.query_row([], |row| row.get(0)).optional()?;
    Ok(last.map(|text| text.parse()).transpose()?)
}
