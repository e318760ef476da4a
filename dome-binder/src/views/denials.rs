//! `mv_guard_denials_by_policy_reason_code` (M-110).

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dome_core::{Decision, FailureReasonCode, GuardEval, Timestamp};
use serde::{Deserialize, Serialize};

use super::runs::{RunNumber, Tally, by_run};
use crate::record::Record;
use crate::settle::Fact;

/// A row of `views/mv_guard_denials_by_policy_reason_code.jsonl`. The code is empty where a guard
/// denied without one, the guard where a fact names a code that no guard explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct GuardDenial<'f> {
    pub denial_count: u64,
    pub failure_reason_codes: BTreeSet<Cow<'f, FailureReasonCode>>,
    pub first_ts: Timestamp,
    pub guard_id: Cow<'f, str>,
    pub last_ts: Timestamp,
    pub policy_reason_code: Cow<'f, str>,
    pub run_count: u64,
    pub stop_count: u64,
}

/// A fact's denials: (code, guard) with whether that evaluation decided `STOP` (M-110).
#[must_use]
pub fn denial_pairs(record: &Record) -> BTreeMap<(&str, &str), bool> {
    let named = record.policy_reason_code().map(|code| code.as_str());
    let mut pairs: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for eval in record.guard_evals().iter().filter(|eval| eval.denies()) {
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

/// Whether a fact has a denial at all.
fn denies(fact: &Fact) -> bool {
    fact.policy_reason_code().is_some() || fact.guard_evals().iter().any(GuardEval::denies)
}

/// The view, gathered run by run: what it holds grows with its rows, not with facts or runs.
///
/// ```
/// use dome_binder::{Record, group_by_run, settle, views};
/// use dome_core::Source;
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// let records = vec![Box::new(Record::new(envelope, Source { line: 1, name: "a.jsonl".into() }))];
/// let facts = settle(group_by_run(records).remove(0)).facts;
/// let mut denials = views::GuardDenials::default();
/// denials.add_run(&facts);
/// assert_eq!(denials.rows(), views::guard_denials(&facts));
/// # Ok::<(), dome_core::Rejection>(())
/// ```
#[derive(Debug, Default)]
pub struct GuardDenials {
    rows: BTreeMap<String, BTreeMap<String, (Tally, Denied)>>,
    run: RunNumber,
}

/// How often it was denied, and beside what.
#[derive(Debug, Default)]
struct Denied {
    denials: u64,
    stops: u64,
    beside: BTreeSet<FailureReasonCode>,
}

impl GuardDenials {
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
        for ((code, guard), stop) in denial_pairs(fact) {
            if !self.rows.contains_key(code) {
                self.rows.insert(code.to_owned(), BTreeMap::new());
            }
            let Some(guards) = self.rows.get_mut(code) else { continue };
            if !guards.contains_key(guard) {
                guards.insert(guard.to_owned(), (Tally::at(fact.ordered_ts), Denied::default()));
            }
            let Some((tally, denied)) = guards.get_mut(guard) else { continue };
            tally.saw(self.run, fact.ordered_ts);
            denied.denials += 1;
            denied.stops += u64::from(stop);
            if !denied.beside.contains(&fact.keys.failure_reason_code) {
                denied.beside.insert(fact.keys.failure_reason_code.clone());
            }
        }
    }

    /// Adds what was gathered of other runs.
    pub fn merge(&mut self, other: Self) {
        for (code, guards) in other.rows {
            let own = self.rows.entry(code).or_default();
            for (guard, (tally, denied)) in guards {
                let (sum, all) = own.entry(guard).or_insert_with(|| (Tally::at(tally.first_ts), Denied::default()));
                sum.merge(&tally);
                all.denials += denied.denials;
                all.stops += denied.stops;
                all.beside.extend(denied.beside);
            }
        }
    }

    /// Adds a row of other runs, as [`GuardDenials::rows`] gave it out.
    pub fn add_row(&mut self, row: &GuardDenial<'_>) {
        let beside = row.failure_reason_codes.iter().map(|code| code.clone().into_owned()).collect();
        let denied = Denied { denials: row.denial_count, stops: row.stop_count, beside };
        let counted = (Tally::of(row.first_ts, row.last_ts, row.run_count), denied);
        let guards = BTreeMap::from([(row.guard_id.clone().into_owned(), counted)]);
        let rows = BTreeMap::from([(row.policy_reason_code.clone().into_owned(), guards)]);
        self.merge(Self { rows, run: RunNumber::default() });
    }

    /// The rows: by denials descending, then code and guard.
    #[must_use]
    pub fn rows(&self) -> Vec<GuardDenial<'_>> {
        let pairs =
            self.rows.iter().flat_map(|(code, guards)| guards.iter().map(move |(guard, row)| (code, guard, row)));
        let row = |(code, guard, (tally, denied)): (_, _, &(Tally, Denied))| GuardDenial {
            denial_count: denied.denials,
            failure_reason_codes: denied.beside.iter().cloned().map(Cow::Owned).collect(),
            first_ts: tally.first_ts,
            guard_id: guard,
            last_ts: tally.last_ts,
            policy_reason_code: code,
            run_count: tally.runs,
            stop_count: denied.stops,
        };
        let mut rows: Vec<_> =
            pairs.map(|(code, guard, counted)| row((code.as_str().into(), guard.as_str().into(), counted))).collect();
        // Stable: the maps have them by code and guard.
        rows.sort_by_key(|row| Reverse(row.denial_count));
        rows
    }
}

/// Every denial, whoever named it: by denials descending, then code and guard (M-110).
///
/// `facts` may come in any order.
#[must_use]
pub fn guard_denials<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> Vec<GuardDenial<'static>> {
    let mut denials = GuardDenials::default();
    by_run(facts.into_iter().filter(|fact| denies(fact)), |run| denials.add_run(run.iter().copied()));
    let own = |row: GuardDenial<'_>| GuardDenial {
        failure_reason_codes: row.failure_reason_codes.into_iter().map(|code| Cow::Owned(code.into_owned())).collect(),
        guard_id: Cow::Owned(row.guard_id.into_owned()),
        policy_reason_code: Cow::Owned(row.policy_reason_code.into_owned()),
        ..row
    };
    denials.rows().into_iter().map(own).collect()
}
