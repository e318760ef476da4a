//! Taking the last facts of a line back, so that a late one costs what came after it and not the
//! line's whole history.
//!
//! Every [`INTERVAL`] facts a line's state is kept, twice at most. A fact that is late by less goes
//! back to the latest of these states before it.

use std::collections::BTreeMap;

use anyhow::Context;
use dome_binder::{CapsuleState, Rules};
use dome_core::Sha256Hash;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::fold::Touched;
use super::holds;

/// Facts between two kept states, or more where the state is large. Tests keep them often, so that small
/// histories go back.
const INTERVAL: u64 = if cfg!(test) { 2 } else { 32 };
/// Bytes of a kept state that stand for the cost of a fact.
const FACT_BYTES: usize = 512;

/// A line's state between two facts, each part as the index writes it.
#[derive(Serialize, Deserialize)]
struct Kept {
    latency: String,
    /// Lanes with their states.
    lanes: Vec<(String, String)>,
    /// Capsules, by derived key, with their states.
    capsules: BTreeMap<Sha256Hash, String>,
}

/// Keeps the state of a line, once enough has happened since it was kept last.
pub(super) fn keep(tx: &Transaction<'_>, line: i64, facts: usize) -> anyhow::Result<()> {
    let (since, interval): (u64, u64) = tx
        .prepare_cached("SELECT since_kept, keep_interval FROM lines WHERE id = ?1")?
        .query_row([line], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let since = since + facts as u64;
    if since < interval.max(INTERVAL) {
        tx.prepare_cached("UPDATE lines SET since_kept = ?2 WHERE id = ?1")?.execute(params![line, since])?;
        return Ok(());
    }
    let (latency, order): (String, Vec<u8>) = tx
        .prepare_cached("SELECT latency, last_order FROM lines WHERE id = ?1")?
        .query_row([line], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let kept = Kept { latency, lanes: lanes(tx, line)?, capsules: capsules(tx, line)? };
    let state = zstd::bulk::compress(&serde_json::to_vec(&kept)?, 1).context("a state is compressed")?;
    let next = (state.len() / FACT_BYTES) as u64;
    tx.prepare_cached(
        "DELETE FROM kept_states WHERE line = ?1 AND fact_order < (SELECT max(fact_order) FROM kept_states WHERE line = ?1)",
    )?
    .execute([line])?;
    tx.prepare_cached("INSERT OR REPLACE INTO kept_states VALUES (?1, ?2, ?3)")?
        .execute(params![line, order, state])?;
    tx.prepare_cached("UPDATE lines SET since_kept = 0, keep_interval = ?2 WHERE id = ?1")?
        .execute(params![line, next])?;
    Ok(())
}

fn lanes(tx: &Transaction<'_>, line: i64) -> anyhow::Result<Vec<(String, String)>> {
    let mut select = tx.prepare_cached("SELECT lane, state FROM lanes WHERE line = ?1")?;
    Ok(select.query_map([line], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
}

fn capsules(tx: &Transaction<'_>, line: i64) -> anyhow::Result<BTreeMap<Sha256Hash, String>> {
    let mut select = tx.prepare_cached("SELECT derived_key, state FROM capsule_states WHERE line = ?1")?;
    let rows = select.query_map([line], |row| Ok((Sha256Hash::from_bytes(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Forgets what was kept of a line.
pub(super) fn forget(tx: &Transaction<'_>, line: i64) -> anyhow::Result<()> {
    tx.prepare_cached("DELETE FROM kept_states WHERE line = ?1")?.execute([line])?;
    tx.prepare_cached("UPDATE lines SET since_kept = 0 WHERE id = ?1")?.execute([line])?;
    Ok(())
}

/// Goes back to the latest kept state before a fact; the order of the last fact in it. `None` when
/// there is no such state: then nothing has changed.
pub(super) fn rewind(
    tx: &Transaction<'_>,
    line: i64,
    before: &[u8],
    rules: &Rules,
    touched: &mut Touched,
) -> anyhow::Result<Option<Vec<u8>>> {
    let found: Option<(Vec<u8>, Vec<u8>)> = tx
        .prepare_cached(
            "SELECT fact_order, state FROM kept_states WHERE line = ?1 AND fact_order < ?2
             ORDER BY fact_order DESC LIMIT 1",
        )?
        .query_row(params![line, before], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((order, state)) = found else { return Ok(None) };
    let mut bytes = Vec::new();
    zstd::stream::copy_decode(state.as_slice(), &mut bytes).context("a kept state is whole")?;
    let kept: Kept = serde_json::from_slice(&bytes)?;
    put_lanes(tx, line, &kept)?;
    put_capsules(tx, line, &kept, rules, touched)?;
    take_back(tx, line, &order, touched)?;
    tx.prepare_cached("DELETE FROM kept_states WHERE line = ?1 AND fact_order > ?2")?.execute(params![line, order])?;
    tx.prepare_cached("UPDATE lines SET latency = ?2, last_order = ?3, since_kept = 0 WHERE id = ?1")?
        .execute(params![line, kept.latency, order])?;
    Ok(Some(order))
}

fn put_lanes(tx: &Transaction<'_>, line: i64, kept: &Kept) -> anyhow::Result<()> {
    tx.prepare_cached("DELETE FROM lanes WHERE line = ?1")?.execute([line])?;
    for (lane, state) in &kept.lanes {
        tx.prepare_cached("INSERT INTO lanes VALUES (?1, ?2, ?3)")?.execute(params![line, lane, state])?;
    }
    Ok(())
}

/// Puts capsules back; those that were not minted yet go.
fn put_capsules(
    tx: &Transaction<'_>,
    line: i64,
    kept: &Kept,
    rules: &Rules,
    touched: &mut Touched,
) -> anyhow::Result<()> {
    for (key, now) in capsules(tx, line)? {
        match kept.capsules.get(&key) {
            Some(then) if *then == now => {}
            Some(then) => {
                let state: CapsuleState = serde_json::from_str(then)?;
                super::fold::save(tx, line, &state, None)?;
                holds::write(tx, &state, rules)?;
            }
            None => super::fold::take_out(tx, key, touched)?,
        }
    }
    Ok(())
}

/// Takes back what the facts after `order` added to sets of runs and to applications.
fn take_back(tx: &Transaction<'_>, line: i64, order: &[u8], touched: &mut Touched) -> anyhow::Result<()> {
    for table in ["minted_runs", "resolved_runs"] {
        tx.prepare_cached(&format!(
            "DELETE FROM {table} WHERE line = ?1 AND fact_order > ?2 AND run IN (
                SELECT run FROM records WHERE line = ?1 AND outcome = 0)"
        ))?
        .execute(params![line, order])?;
    }
    let mut applied =
        tx.prepare_cached("SELECT DISTINCT capsule, run FROM applied WHERE line = ?1 AND fact_order > ?2")?;
    for row in applied.query_map(params![line, order], |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get(1)?)))? {
        let (capsule, run) = row?;
        touched.applied.insert((Sha256Hash::from_bytes(capsule), run));
    }
    tx.prepare_cached("DELETE FROM applied WHERE line = ?1 AND fact_order > ?2")?.execute(params![line, order])?;
    Ok(())
}
