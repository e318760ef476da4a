//! `mv_gate_rollup_by_failure_reason_code` (M-110).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dome_core::{FailureReasonCode, GateId, RunId, Status, Timestamp};
use serde::Serialize;

use crate::settle::Fact;

/// A row of `views/mv_gate_rollup_by_failure_reason_code.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct GateRollup<'f> {
    pub fail_count: u64,
    pub failure_reason_code: &'f FailureReasonCode,
    pub first_ts: Timestamp,
    pub gate_id: &'f GateId,
    pub last_ts: Timestamp,
    pub pass_count: u64,
    pub run_count: u64,
    pub skip_count: u64,
}

/// How the gates ended beside each failure code: by FAIL count descending, then code and gate.
///
/// `facts` are in total order.
#[must_use]
pub fn gate_rollup<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> Vec<GateRollup<'f>> {
    let mut by_code: BTreeMap<&FailureReasonCode, BTreeMap<&GateId, (GateRollup<'f>, BTreeSet<&RunId>)>> =
        BTreeMap::new();
    for fact in facts.into_iter().filter(|fact| !fact.gates.is_empty()) {
        let gates = by_code.entry(&fact.keys.failure_reason_code).or_default();
        for gate in fact.gates.iter() {
            let (row, runs) =
                gates.entry(&gate.gate_id).or_insert_with(|| (empty(fact, &gate.gate_id), BTreeSet::new()));
            match gate.status {
                Status::Fail => row.fail_count += 1,
                Status::Pass => row.pass_count += 1,
                Status::Skip => row.skip_count += 1,
            }
            row.last_ts = fact.ordered_ts;
            row.run_count += u64::from(runs.insert(&fact.run_id));
        }
    }
    let mut rows: Vec<GateRollup<'f>> =
        by_code.into_values().flat_map(BTreeMap::into_values).map(|(row, _)| row).collect();
    rows.sort_by_key(|row| (Reverse(row.fail_count), row.failure_reason_code, row.gate_id));
    rows
}

fn empty<'f>(fact: &'f Fact, gate_id: &'f GateId) -> GateRollup<'f> {
    GateRollup {
        fail_count: 0,
        failure_reason_code: &fact.keys.failure_reason_code,
        first_ts: fact.ordered_ts,
        gate_id,
        last_ts: fact.ordered_ts,
        pass_count: 0,
        run_count: 0,
        skip_count: 0,
    }
}
