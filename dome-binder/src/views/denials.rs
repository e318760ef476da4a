//! `mv_guard_denials_by_policy_reason_code` (M-110).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dome_core::{Decision, FailureReasonCode, PolicyReasonCode, RunId, Timestamp};
use serde::Serialize;

use crate::record::Record;
use crate::settle::Fact;

/// A row of `views/mv_guard_denials_by_policy_reason_code.jsonl`. The code is empty where a guard
/// denied without one, the guard where a fact names a code that no guard explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct GuardDenial<'f> {
    pub denial_count: u64,
    pub failure_reason_codes: BTreeSet<&'f FailureReasonCode>,
    pub first_ts: Timestamp,
    pub guard_id: &'f str,
    pub last_ts: Timestamp,
    pub policy_reason_code: &'f str,
    pub run_count: u64,
    pub stop_count: u64,
}

/// A fact's denials: (code, guard) with whether that evaluation decided `STOP` (M-110).
#[must_use]
pub fn denial_pairs(record: &Record) -> BTreeMap<(&str, &str), bool> {
    let named = record.policy_reason_code.as_ref().map(PolicyReasonCode::as_str);
    let mut pairs: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for eval in record.guard_evals.iter().filter(|eval| eval.denies()) {
        let stop = eval.decision == Some(Decision::Stop);
        let guard = eval.guard_id.as_str();
        if eval.reason_codes.is_empty() {
            pairs.insert((named.unwrap_or_default(), guard), stop);
        }
        pairs.extend(eval.reason_codes.iter().map(|code| ((code.as_str(), guard), stop)));
    }
    if let Some(code) = named
        && !pairs.keys().any(|(paired, _)| *paired == code)
    {
        pairs.insert((code, ""), false);
    }
    pairs
}

/// Every denial, whoever named it: by denials descending, then code and guard (M-110).
///
/// `facts` are in total order.
#[must_use]
pub fn guard_denials<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> Vec<GuardDenial<'f>> {
    let mut rows: BTreeMap<(&str, &str), (GuardDenial<'f>, BTreeSet<&RunId>)> = BTreeMap::new();
    for fact in facts {
        for ((code, guard), stop) in denial_pairs(fact) {
            let (row, runs) = rows.entry((code, guard)).or_insert_with(|| (empty(fact, code, guard), BTreeSet::new()));
            row.denial_count += 1;
            row.stop_count += u64::from(stop);
            row.failure_reason_codes.insert(&fact.keys.failure_reason_code);
            row.last_ts = fact.ordered_ts;
            row.run_count += u64::from(runs.insert(&fact.run_id));
        }
    }
    let mut rows: Vec<GuardDenial<'f>> = rows.into_values().map(|(row, _)| row).collect();
    rows.sort_by_key(|row| (Reverse(row.denial_count), row.policy_reason_code, row.guard_id));
    rows
}

const fn empty<'f>(fact: &Fact, code: &'f str, guard: &'f str) -> GuardDenial<'f> {
    GuardDenial {
        denial_count: 0,
        failure_reason_codes: BTreeSet::new(),
        first_ts: fact.ordered_ts,
        guard_id: guard,
        last_ts: fact.ordered_ts,
        policy_reason_code: code,
        run_count: 0,
        stop_count: 0,
    }
}
