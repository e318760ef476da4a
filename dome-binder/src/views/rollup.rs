//! `mv_gate_rollup_by_failure_reason_code` (M-110).

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use dome_core::{FailureReasonCode, Gate, GateId, Status, Timestamp};
use serde::{Deserialize, Serialize};

use super::runs::{RunNumber, Tally, by_run};
use crate::settle::Fact;

/// A row of `views/mv_gate_rollup_by_failure_reason_code.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct GateRollup<'f> {
    pub fail_count: u64,
    pub failure_reason_code: Cow<'f, FailureReasonCode>,
    pub first_ts: Timestamp,
    pub gate_id: Cow<'f, GateId>,
    pub last_ts: Timestamp,
    pub pass_count: u64,
    pub run_count: u64,
    pub skip_count: u64,
}

/// The view, gathered run by run: what it holds grows with its rows, not with facts or runs.
///
/// ```
/// use dome_binder::{Record, group_by_run, settle, views};
/// use dome_core::Source;
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// let records = vec![Box::new(Record::new(envelope, Source { line: 1, name: "a.jsonl".into() }))];
/// let facts = settle(group_by_run(records).remove(0)).facts;
/// let mut rollups = views::GateRollups::default();
/// rollups.add_run(&facts);
/// assert_eq!(rollups.rows(), views::gate_rollup(&facts));
/// # Ok::<(), dome_core::Rejection>(())
/// ```
#[derive(Debug, Default)]
pub struct GateRollups {
    rows: BTreeMap<FailureReasonCode, BTreeMap<GateId, (Tally, Ended)>>,
    run: RunNumber,
}

/// How often a gate ended how.
#[derive(Debug, Default)]
struct Ended {
    fail: u64,
    pass: u64,
    skip: u64,
}

impl GateRollups {
    /// Adds facts of one run, all that there are or those that are asked for; each run once.
    pub fn add_run<'f>(&mut self, facts: impl IntoIterator<Item = &'f Fact>) {
        self.next_run();
        facts.into_iter().for_each(|fact| self.add(fact));
    }

    /// The facts that are added from here on are of another run.
    pub fn next_run(&mut self) {
        self.run.next();
    }

    /// Adds one fact of the run; each run's facts follow each other.
    pub fn add(&mut self, fact: &Fact) {
        if fact.gates.is_empty() {
            return;
        }
        if !self.rows.contains_key(&fact.keys.failure_reason_code) {
            self.rows.insert(fact.keys.failure_reason_code.clone(), BTreeMap::new());
        }
        let Some(gates) = self.rows.get_mut(&fact.keys.failure_reason_code) else { return };
        for Gate { gate_id, status, .. } in fact.gates.iter() {
            if !gates.contains_key(gate_id) {
                gates.insert(gate_id.clone(), (Tally::at(fact.ordered_ts), Ended::default()));
            }
            let Some((tally, ended)) = gates.get_mut(gate_id) else { continue };
            tally.saw(self.run, fact.ordered_ts);
            match status {
                Status::Fail => ended.fail += 1,
                Status::Pass => ended.pass += 1,
                Status::Skip => ended.skip += 1,
            }
        }
    }

    /// Adds what was gathered of other runs.
    pub fn merge(&mut self, other: Self) {
        for (code, gates) in other.rows {
            let own = self.rows.entry(code).or_default();
            for (gate, (tally, ended)) in gates {
                let (sum, all) = own.entry(gate).or_insert_with(|| (Tally::at(tally.first_ts), Ended::default()));
                sum.merge(&tally);
                all.fail += ended.fail;
                all.pass += ended.pass;
                all.skip += ended.skip;
            }
        }
    }

    /// Adds a row of other runs, as [`GateRollups::rows`] gave it out.
    pub fn add_row(&mut self, row: &GateRollup<'_>) {
        let GateRollup { fail_count: fail, pass_count: pass, skip_count: skip, .. } = *row;
        let counted = (Tally::of(row.first_ts, row.last_ts, row.run_count), Ended { fail, pass, skip });
        let gates = BTreeMap::from([(row.gate_id.clone().into_owned(), counted)]);
        let rows = BTreeMap::from([(row.failure_reason_code.clone().into_owned(), gates)]);
        self.merge(Self { rows, run: RunNumber::default() });
    }

    /// The rows: by FAIL count descending, then code and gate.
    #[must_use]
    pub fn rows(&self) -> Vec<GateRollup<'_>> {
        let gates = self.rows.iter().flat_map(|(code, gates)| gates.iter().map(move |(gate, row)| (code, gate, row)));
        let row = |code, gate, tally: &Tally, ended: &Ended| GateRollup {
            fail_count: ended.fail,
            failure_reason_code: code,
            first_ts: tally.first_ts,
            gate_id: gate,
            last_ts: tally.last_ts,
            pass_count: ended.pass,
            run_count: tally.runs,
            skip_count: ended.skip,
        };
        let mut rows: Vec<_> = gates
            .map(|(code, gate, (tally, ended))| row(Cow::Borrowed(code), Cow::Borrowed(gate), tally, ended))
            .collect();
        // Stable: the maps have them by code and gate.
        rows.sort_by_key(|row| Reverse(row.fail_count));
        rows
    }
}

/// How the gates ended beside each failure code: by FAIL count descending, then code and gate.
///
/// `facts` may come in any order.
#[must_use]
pub fn gate_rollup<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> Vec<GateRollup<'static>> {
    let mut rollups = GateRollups::default();
    by_run(facts.into_iter().filter(|fact| !fact.gates.is_empty()), |run| rollups.add_run(run.iter().copied()));
    let own = |row: GateRollup<'_>| GateRollup {
        failure_reason_code: Cow::Owned(row.failure_reason_code.into_owned()),
        gate_id: Cow::Owned(row.gate_id.into_owned()),
        ..row
    };
    rollups.rows().into_iter().map(own).collect()
}
