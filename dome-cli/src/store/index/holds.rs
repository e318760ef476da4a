//! What holds a capsule back (M-92), kept beside it for whoever reads the index with another tool: all
//! but staleness and guards, which change without the capsule and are the SQL view's to add.

use dome_binder::{AppliedCounts, CapsuleState, Rules, finish};
use dome_core::Sha256Hash;
use rusqlite::{OptionalExtension, Transaction, params};

/// Finds what holds a capsule back, by what the index has counted of its applications.
pub(super) fn write(tx: &Transaction<'_>, state: &CapsuleState, rules: &Rules) -> anyhow::Result<()> {
    let key = state.keys.derived.as_bytes();
    let counts = tx
        .prepare_cached(
            "SELECT confirmed_count, refuted_count, blocked_count FROM capsule_states WHERE derived_key = ?1",
        )?
        .query_row([key], |row| {
            Ok(AppliedCounts { confirmed_count: row.get(0)?, refuted_count: row.get(1)?, blocked_count: row.get(2)? })
        })?;
    let capsule = finish(state, counts, false, rules, None);
    let (mut early, mut late) = (String::new(), String::new());
    for hold in capsule.holds {
        let part = if hold.blocks() { &mut late } else { &mut early };
        part.push_str(&serde_json::to_string(&hold)?);
        part.push(',');
    }
    let (seconds, nanoseconds) = state.support.last.ts.to_unix();
    tx.prepare_cached(
        "UPDATE capsule_states SET confidence_ppm = ?2, early_holds = ?3, late_holds = ?4, last_seen_s = ?5,
            last_seen_ns = ?6 WHERE derived_key = ?1",
    )?
    .execute(params![key, capsule.confidence_ppm, early, late, seconds, nanoseconds])?;
    Ok(())
}

/// The same, of a capsule whose state is in the index; it may have gone.
pub(super) fn again(tx: &Transaction<'_>, capsule: Sha256Hash, rules: &Rules) -> anyhow::Result<()> {
    let state: Option<String> = tx
        .prepare_cached("SELECT state FROM capsule_states WHERE derived_key = ?1")?
        .query_row([capsule.as_bytes()], |row| row.get(0))
        .optional()?;
    state.map_or(Ok(()), |state| write(tx, &serde_json::from_str(&state)?, rules))
}
