//! What a fact adds to the rollups (M-110), run by run, so that a run can be taken out again.

use dome_binder::{Fact, views};
use dome_core::Status;
use rusqlite::{Transaction, params};

use super::order;

/// Adds a fact to the gates and denials of its run.
pub(super) fn add(tx: &Transaction<'_>, run: i64, fact: &Fact) -> anyhow::Result<()> {
    let (at, ts) = (order::at(fact.ordered_ts), fact.ordered_ts.to_string());
    let code = fact.keys.failure_reason_code.as_str();
    for gate in fact.gates.iter() {
        let is = |status| u64::from(gate.status == status);
        let counts = (is(Status::Fail), is(Status::Pass), is(Status::Skip));
        tx.prepare_cached(
            "INSERT INTO gate_runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7, ?8)
             ON CONFLICT DO UPDATE SET fail_count = fail_count + ?4, pass_count = pass_count + ?5,
                skip_count = skip_count + ?6,
                first_ts = iif(?7 < first_at, ?8, first_ts), first_at = min(first_at, ?7),
                last_ts = iif(?7 > last_at, ?8, last_ts), last_at = max(last_at, ?7)",
        )?
        .execute(params![run, code, gate.gate_id.as_str(), counts.0, counts.1, counts.2, at, ts])?;
    }
    for ((policy_code, guard), stop) in views::denial_pairs(fact) {
        tx.prepare_cached(
            "INSERT INTO denial_runs VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?6, ?7)
             ON CONFLICT DO UPDATE SET denial_count = denial_count + 1, stop_count = stop_count + ?5,
                first_ts = iif(?6 < first_at, ?7, first_ts), first_at = min(first_at, ?6),
                last_ts = iif(?6 > last_at, ?7, last_ts), last_at = max(last_at, ?6)",
        )?
        .execute(params![run, policy_code, guard, code, stop, at, ts])?;
    }
    Ok(())
}
