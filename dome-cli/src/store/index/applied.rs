//! What became of priors that were applied (M-84), run by run.

use std::collections::BTreeSet;

use dome_binder::{Applied, CapsuleState, Outcome, run_outcome};
use dome_core::Sha256Hash;
use rusqlite::{OptionalExtension, Transaction, params};

use super::fold::Touched;

/// Counts again what was touched.
pub(super) fn update(tx: &Transaction<'_>, touched: Touched) -> anyhow::Result<()> {
    let Touched { capsules, applied: mut pairs } = touched;
    for capsule in &capsules {
        let mut runs = tx.prepare_cached(
            "SELECT run FROM applied WHERE capsule = ?1 UNION SELECT run FROM applied_outcomes WHERE capsule = ?1",
        )?;
        let runs = runs.query_map([capsule.as_bytes()], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
        pairs.extend(runs.into_iter().map(|run| (*capsule, run)));
    }
    let mut counted: BTreeSet<Sha256Hash> = BTreeSet::new();
    for (capsule, run) in pairs {
        let outcome = outcome(tx, capsule, run)?;
        let (key, before) = (capsule.as_bytes(), before(tx, capsule, run)?);
        if outcome == before {
            continue;
        }
        counted.insert(capsule);
        add(tx, capsule, before, -1)?;
        add(tx, capsule, outcome, 1)?;
        match outcome {
            None => tx
                .prepare_cached("DELETE FROM applied_outcomes WHERE capsule = ?1 AND run = ?2")?
                .execute(params![key, run])?,
            Some(outcome) => tx
                .prepare_cached("INSERT OR REPLACE INTO applied_outcomes VALUES (?1, ?2, ?3)")?
                .execute(params![key, run, word(outcome)])?,
        };
    }
    Ok(())
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Confirmed => "confirmed",
        Outcome::Refuted => "refuted",
        Outcome::Blocked => "blocked",
    }
}

fn before(tx: &Transaction<'_>, capsule: Sha256Hash, run: i64) -> anyhow::Result<Option<Outcome>> {
    let word: Option<String> = tx
        .prepare_cached("SELECT outcome FROM applied_outcomes WHERE capsule = ?1 AND run = ?2")?
        .query_row(params![capsule.as_bytes(), run], |row| row.get(0))
        .optional()?;
    Ok(match word.as_deref() {
        Some("confirmed") => Some(Outcome::Confirmed),
        Some("refuted") => Some(Outcome::Refuted),
        Some("blocked") => Some(Outcome::Blocked),
        _ => None,
    })
}

/// How a run's applications of a capsule ended, by what the index holds now.
fn outcome(tx: &Transaction<'_>, capsule: Sha256Hash, run: i64) -> anyhow::Result<Option<Outcome>> {
    let found: Option<(String, Vec<u8>)> = tx
        .prepare_cached("SELECT state, first_order FROM capsule_states WHERE derived_key = ?1")?
        .query_row([capsule.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((state, first)) = found else { return Ok(None) };
    let mut select = tx.prepare_cached(
        "SELECT state FROM applied WHERE capsule = ?1 AND run = ?2 AND fact_order > ?3 ORDER BY fact_order",
    )?;
    let rows = select.query_map(params![capsule.as_bytes(), run, first], |row| row.get::<_, String>(0))?;
    let mut applied: Vec<Applied> = Vec::new();
    for row in rows {
        applied.push(serde_json::from_str(&row?)?);
    }
    if applied.is_empty() {
        return Ok(None);
    }
    let state: CapsuleState = serde_json::from_str(&state)?;
    Ok(run_outcome(&applied, &state.failed_gates))
}

fn add(tx: &Transaction<'_>, capsule: Sha256Hash, outcome: Option<Outcome>, by: i64) -> anyhow::Result<()> {
    let Some(outcome) = outcome else { return Ok(()) };
    let column = word(outcome);
    tx.prepare_cached(&format!(
        "UPDATE capsule_states SET {column}_count = {column}_count + ?2 WHERE derived_key = ?1"
    ))?
    .execute(params![capsule.as_bytes(), by])?;
    Ok(())
}
