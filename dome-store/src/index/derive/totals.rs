//! The views that count (M-110): what a run adds goes out when it is settled again, and what it adds then comes in.

use std::collections::BTreeMap;

use dome_binder::query::View;
use dome_core::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::Derivation;
use crate::index::error::{Fits, Result};
use crate::index::rows::{RunRow, Total, json};
use crate::index::seal::Table;

/// Which row of which view: its two names.
type Name = (u8, String);

/// What runs take out of a row, and what they bring.
#[derive(Default)]
struct Turn {
    minus: Option<Total>,
    plus: Option<Total>,
}

/// The rows that a derivation changes.
#[derive(Default)]
pub(super) struct Totals(BTreeMap<Name, Turn>);

/// What a run adds to the rows of both views.
fn parts(run: &RunRow) -> Result<Vec<(Name, Total)>> {
    let mut parts = Vec::with_capacity(run.gates.len() + run.denials.len());
    for row in &run.gates {
        let name = (View::GateRollup.tag(), serde_json::to_string(&(&row.failure_reason_code, &row.gate_id))?);
        let counts = [row.fail_count, row.pass_count, row.skip_count];
        let total = Total {
            counts,
            runs: row.run_count,
            first_ts: row.first_ts,
            last_ts: row.last_ts,
            beside: BTreeMap::new(),
        };
        parts.push((name, total));
    }
    for row in &run.denials {
        let name = (View::GuardDenials.tag(), serde_json::to_string(&(&row.policy_reason_code, &row.guard_id))?);
        let beside = row.failure_reason_codes.iter().map(|code| (code.clone(), 1)).collect();
        let counts = [row.denial_count, row.stop_count, 0];
        let total = Total { counts, runs: row.run_count, first_ts: row.first_ts, last_ts: row.last_ts, beside };
        parts.push((name, total));
    }
    Ok(parts)
}

/// The number of a view in the table.
pub(in crate::index) trait Tag {
    fn tag(self) -> u8;
}

impl Tag for View {
    fn tag(self) -> u8 {
        super::names::flag(self)
    }
}

impl Total {
    fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(sum, count)| *sum += count);
        self.runs += other.runs;
        self.first_ts = self.first_ts.min(other.first_ts);
        self.last_ts = self.last_ts.max(other.last_ts);
        for (code, runs) in &other.beside {
            *self.beside.entry(code.clone()).or_default() += runs;
        }
    }

    /// Takes out all but the times, which no subtraction tells.
    fn take_out(&mut self, other: &Self) -> Option<()> {
        for (sum, count) in self.counts.iter_mut().zip(other.counts) {
            *sum = sum.checked_sub(count)?;
        }
        self.runs = self.runs.checked_sub(other.runs)?;
        for (code, runs) in &other.beside {
            let sum = self.beside.get_mut(code)?;
            *sum = sum.checked_sub(*runs)?;
            if *sum == 0 {
                self.beside.remove(code);
            }
        }
        Some(())
    }
}

impl Derivation<'_> {
    pub(super) fn add_totals(&mut self, before: &RunRow, now: &RunRow) -> Result<()> {
        let add = |turn: &mut Option<Total>, total: Total| match turn {
            Some(sum) => sum.add(&total),
            None => *turn = Some(total),
        };
        for (name, total) in parts(before)? {
            add(&mut self.totals.0.entry(name).or_default().minus, total);
        }
        for (name, total) in parts(now)? {
            add(&mut self.totals.0.entry(name).or_default().plus, total);
        }
        Ok(())
    }

    /// Writes the rows that changed.
    pub(super) fn write_totals(&mut self) -> Result<()> {
        let mut again = BTreeMap::new();
        for (name, Turn { minus, plus }) in std::mem::take(&mut self.totals).0 {
            let before = self.total(&name)?;
            let (Some(mut sum), Some(minus)) = (before.clone(), minus) else {
                // Nothing goes out: what comes in is added to what there is.
                let (mut sum, new) = (before.clone(), before.is_none());
                match (&mut sum, plus) {
                    (Some(sum), Some(plus)) => sum.add(&plus),
                    (None, plus) => sum = plus,
                    (Some(_), None) => {}
                }
                if let Some(sum) = sum {
                    *self.rows_of(name.0) += u64::from(new);
                    self.write_total(&name, &sum)?;
                }
                continue;
            };
            sum.take_out(&minus).fits("a row of a view counts less than a run adds to it")?;
            if let Some(plus) = &plus {
                sum.add(plus);
            }
            let first = edge(minus.first_ts <= sum.first_ts, plus.as_ref().map(|plus| plus.first_ts <= minus.first_ts));
            let last = edge(minus.last_ts >= sum.last_ts, plus.as_ref().map(|plus| plus.last_ts >= minus.last_ts));
            if sum.runs == 0 {
                *self.rows_of(name.0) -= 1;
                self.delete_total(&name)?;
            } else if first && last {
                self.write_total(&name, &sum)?;
            } else {
                again.insert(name, sum);
            }
        }
        self.find_times(again)
    }

    /// Finds the first and last time of rows among all runs: the run that they were of may have moved.
    fn find_times(&mut self, mut rows: BTreeMap<Name, Total>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut times: BTreeMap<Name, (Timestamp, Timestamp)> = BTreeMap::new();
        let mut select = self.tx.prepare("SELECT run, row, seal FROM runs")?;
        let mut runs = select.query([])?;
        while let Some(run) = runs.next()? {
            let (name, bytes, seal) =
                (run.get_ref(0)?.as_bytes()?, run.get_ref(1)?.as_blob()?, run.get_ref(2)?.as_blob()?);
            self.seals.check(Table::Runs, name, bytes, seal)?;
            for (name, part) in parts(&json::<RunRow>(bytes)?)? {
                if rows.contains_key(&name) {
                    let (first, last) = times.entry(name).or_insert((part.first_ts, part.last_ts));
                    (*first, *last) = ((*first).min(part.first_ts), (*last).max(part.last_ts));
                }
            }
        }
        for (name, total) in &mut rows {
            let (first, last) = times.get(name).copied().fits("a row of a view has no run")?;
            (total.first_ts, total.last_ts) = (first, last);
            self.write_total(name, total)?;
        }
        Ok(())
    }

    /// The count of rows of a view.
    fn rows_of(&mut self, view: u8) -> &mut u64 {
        let tallies = &mut self.tallies;
        if view == View::GateRollup.tag() { &mut tallies.gate_rows } else { &mut tallies.denial_rows }
    }

    fn total(&self, (view, name): &Name) -> Result<Option<Total>> {
        let mut select = self.tx.prepare_cached("SELECT row, seal FROM totals WHERE view = ?1 AND name = ?2")?;
        let found: Option<(Vec<u8>, Vec<u8>)> =
            select.query_row(params![view, name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((bytes, seal)) = found else { return Ok(None) };
        self.seals.check(Table::Totals, name.as_bytes(), &bytes, &seal)?;
        Ok(Some(json(&bytes)?))
    }

    fn write_total(&self, (view, name): &Name, total: &Total) -> Result<()> {
        let bytes = serde_json::to_vec(total)?;
        let seal = self.seals.of(Table::Totals, name.as_bytes(), &bytes);
        self.tx
            .prepare_cached("INSERT OR REPLACE INTO totals (view, name, row, seal) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![view, name, bytes, seal])?;
        Ok(())
    }

    fn delete_total(&self, (view, name): &Name) -> Result<()> {
        self.tx.prepare_cached("DELETE FROM totals WHERE view = ?1 AND name = ?2")?.execute(params![view, name])?;
        Ok(())
    }
}

/// Whether the edge of a span of time is known: what went was not at it, or what came reaches as far.
fn edge(went: bool, reaches: Option<bool>) -> bool {
    !went || reaches.unwrap_or(false)
}
