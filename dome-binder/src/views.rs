//! The three views: pure functions of all facts, minted or not (M-110).

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use dome_core::{
    ActionKind, Decision, EventId, FailureReasonCode, GateId, GroupId, GuardEval, PolicyReasonCode, RunId, Scope,
    Sha256Hash, Status, TargetId, TargetKind, TaskId, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::groups::{Groups, hash_of};
use crate::record::Record;
use crate::settle::Fact;

/// A row of `views/mv_recent_failures_by_taskspec.jsonl`: a failing fact, whether it minted or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct RecentFailure<'f> {
    pub action_kind: &'f ActionKind,
    pub derived_key: Sha256Hash,
    pub digest: Sha256Hash,
    pub event_id: &'f EventId,
    pub failure_reason_code: &'f FailureReasonCode,
    pub fingerprint_hash: Sha256Hash,
    pub group_id: &'f GroupId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_reason_code: Option<&'f PolicyReasonCode>,
    pub run_id: &'f RunId,
    pub scope: Scope,
    pub sequence: u64,
    pub target_id: &'f TargetId,
    pub target_kind: &'f TargetKind,
    pub task_id: &'f TaskId,
    pub ts: Timestamp,
}

impl<'f> RecentFailure<'f> {
    /// The row of a fact, which the view holds if the fact is failing ([`crate::Record::is_failing`]).
    #[must_use]
    pub fn of(fact: &'f Fact) -> Self {
        Self {
            action_kind: &fact.keys.task_line.action_kind,
            derived_key: fact.keys.derived,
            digest: fact.keys.digest,
            event_id: &fact.event_id,
            failure_reason_code: &fact.keys.failure_reason_code,
            fingerprint_hash: fact.keys.fingerprint_hash,
            group_id: &fact.group_id,
            policy_reason_code: fact.policy_reason_code(),
            run_id: &fact.run_id,
            scope: fact.keys.task_line.scope,
            sequence: fact.sequence,
            target_id: &fact.keys.task_line.target_id,
            target_kind: &fact.keys.task_line.target_kind,
            task_id: &fact.task_id,
            ts: fact.ordered_ts,
        }
    }
}

/// The rows of the failing facts: by ordered time descending, then `run_id` and place ascending (M-110).
///
/// `facts` are in total order; each row is made when it is asked for.
pub fn recent_failures<'f>(
    facts: impl IntoIterator<Item = &'f Fact>,
) -> impl ExactSizeIterator<Item = RecentFailure<'f>> {
    let failing: Vec<&Fact> = facts.into_iter().filter(|fact| fact.is_failing()).collect();
    // Facts of one instant keep their total order, which is by run and place.
    let latest_first: Vec<&Fact> =
        failing.chunk_by(|a, b| a.ordered_ts == b.ordered_ts).rev().flatten().copied().collect();
    latest_first.into_iter().map(RecentFailure::of)
}

/// A row of `views/mv_gate_rollup_by_failure_reason_code.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct GateRollup {
    pub fail_count: u64,
    pub failure_reason_code: FailureReasonCode,
    pub first_ts: Timestamp,
    pub gate_id: GateId,
    pub last_ts: Timestamp,
    pub pass_count: u64,
    pub run_count: u64,
    pub skip_count: u64,
}

/// A row of `views/mv_guard_denials_by_policy_reason_code.jsonl`. The code is empty where a guard
/// denied without one, the guard where a fact names a code that no guard explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct GuardDenial {
    pub denial_count: u64,
    pub failure_reason_codes: BTreeSet<FailureReasonCode>,
    pub first_ts: Timestamp,
    pub guard_id: String,
    pub last_ts: Timestamp,
    pub policy_reason_code: String,
    pub run_count: u64,
    pub stop_count: u64,
}

/// A view that counts facts under two names, gathered run by run: it grows with its rows, not with facts or runs.
///
/// ```
/// use dome_binder::{Record, group_by_run, settle, views};
/// use dome_core::Source;
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// let records = vec![Box::new(Record::new(envelope, Source { line: 1, name: "a.jsonl".into() }))];
/// let facts = settle(group_by_run(records).remove(0), &Default::default()).facts;
/// let (mut rollups, mut denials) = (views::GateRollups::default(), views::GuardDenials::default());
/// rollups.add_run(&facts);
/// denials.add_run(&facts);
/// assert_eq!(rollups.rows(), views::gate_rollup(&facts));
/// assert_eq!(denials.rows(), views::guard_denials(&facts));
/// # Ok::<(), dome_core::Rejection>(())
/// ```
#[derive(Debug)]
pub struct CountedView<A, B> {
    /// Nested, so that no name is cloned to find a row.
    rows: BTreeMap<A, BTreeMap<B, Sum>>,
    /// The number of the run whose facts are being added.
    run: u64,
}

/// The view of gates, as far as it is gathered: by code and gate.
pub type GateRollups = CountedView<FailureReasonCode, GateId>;
/// The view of denials, as far as it is gathered: by code and guard.
pub type GuardDenials = CountedView<String, String>;

#[derive(Debug)]
struct Sum {
    first_ts: Timestamp,
    last_ts: Timestamp,
    runs: u64,
    last_run: Option<u64>,
    /// FAIL, PASS and SKIP of a gate; denials and those among them that stop.
    counts: [u64; 3],
    beside: BTreeSet<FailureReasonCode>,
}

impl<A, B> Default for CountedView<A, B> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), run: 0 }
    }
}

impl<A: Ord + Clone, B: Ord> CountedView<A, B> {
    /// The facts that are added from here on are of another run.
    pub const fn next_run(&mut self) {
        self.run += 1;
    }

    /// Adds what was gathered of other runs.
    pub fn merge(&mut self, other: Self) {
        for (first, rows) in other.rows {
            rows.into_iter().for_each(|(second, sum)| self.merge_row(first.clone(), second, sum));
        }
    }

    fn count<'n, P, Q, T>(
        &mut self,
        (first, ts): (&P, Timestamp),
        seconds: impl IntoIterator<Item = (&'n Q, T)>,
        count: impl Fn(&mut Sum, T),
    ) where
        A: Borrow<P>,
        B: Borrow<Q>,
        P: Ord + ToOwned<Owned = A> + ?Sized,
        Q: Ord + ToOwned<Owned = B> + ?Sized + 'n,
    {
        let new =
            || Sum { first_ts: ts, last_ts: ts, runs: 0, last_run: None, counts: [0; 3], beside: BTreeSet::new() };
        let rows = match self.rows.get_mut(first) {
            Some(rows) => rows,
            None => self.rows.entry(first.to_owned()).or_default(),
        };
        for (second, of) in seconds {
            let sum = match rows.get_mut(second) {
                Some(sum) => sum,
                None => rows.entry(second.to_owned()).or_insert_with(new),
            };
            // The first and last in total order are those of the least and the greatest ordered time.
            sum.first_ts = sum.first_ts.min(ts);
            sum.last_ts = sum.last_ts.max(ts);
            if sum.last_run != Some(self.run) {
                sum.last_run = Some(self.run);
                sum.runs += 1;
            }
            count(sum, of);
        }
    }

    fn merge_row(&mut self, first: A, second: B, other: Sum) {
        match self.rows.entry(first).or_default().entry(second) {
            Entry::Vacant(empty) => {
                empty.insert(Sum { last_run: None, ..other });
            }
            Entry::Occupied(sum) => {
                let sum = sum.into_mut();
                sum.first_ts = sum.first_ts.min(other.first_ts);
                sum.last_ts = sum.last_ts.max(other.last_ts);
                sum.runs += other.runs;
                sum.counts.iter_mut().zip(other.counts).for_each(|(sum, count)| *sum += count);
                sum.beside.extend(other.beside);
            }
        }
    }

    fn sums(&self) -> impl Iterator<Item = (&A, &B, &Sum)> {
        self.rows.iter().flat_map(|(first, rows)| rows.iter().map(move |(second, sum)| (first, second, sum)))
    }
}

impl GateRollups {
    /// Adds facts of one run, all of them or those that are asked for; each run once.
    pub fn add_run<'f>(&mut self, facts: impl IntoIterator<Item = &'f Fact>) {
        self.next_run();
        facts.into_iter().for_each(|fact| self.add(fact));
    }

    /// Adds one fact of the current run.
    pub fn add(&mut self, fact: &Fact) {
        if fact.gates.is_empty() {
            return;
        }
        let gates = fact.gates.iter().map(|gate| (&gate.gate_id, gate.status));
        self.count((&fact.keys.failure_reason_code, fact.ordered_ts), gates, |sum, status| {
            let [fail, pass, skip] = &mut sum.counts;
            match status {
                Status::Fail => *fail += 1,
                Status::Pass => *pass += 1,
                Status::Skip => *skip += 1,
            }
        });
    }

    /// Adds a row of other runs, as [`GateRollups::rows`] gave it out.
    pub fn add_row(&mut self, row: GateRollup) {
        let GateRollup { first_ts, last_ts, run_count: runs, .. } = row;
        let counts = [row.fail_count, row.pass_count, row.skip_count];
        let sum = Sum { first_ts, last_ts, runs, last_run: None, counts, beside: BTreeSet::new() };
        self.merge_row(row.failure_reason_code, row.gate_id, sum);
    }

    /// The rows: by FAIL count descending, then code and gate (M-110).
    #[must_use]
    pub fn rows(&self) -> Vec<GateRollup> {
        let row = |(code, gate, sum): (&FailureReasonCode, &GateId, &Sum)| {
            let [fail_count, pass_count, skip_count] = sum.counts;
            GateRollup {
                fail_count,
                failure_reason_code: code.clone(),
                first_ts: sum.first_ts,
                gate_id: gate.clone(),
                last_ts: sum.last_ts,
                pass_count,
                run_count: sum.runs,
                skip_count,
            }
        };
        let mut rows: Vec<_> = self.sums().map(row).collect();
        // A stable sort: they come by code and gate.
        rows.sort_by_key(|row| Reverse(row.fail_count));
        rows
    }
}

/// How the gates ended beside each failure code (M-110). `facts` may come in any order.
#[must_use]
pub fn gate_rollup<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> Vec<GateRollup> {
    let mut rollups = GateRollups::default();
    by_run(facts.into_iter().filter(|fact| !fact.gates.is_empty()), |run| rollups.add_run(run));
    rollups.rows()
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
            pairs.insert((named.unwrap_or(""), guard), stop);
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

impl GuardDenials {
    /// Adds facts of one run, all of them or those that are asked for; each run once.
    pub fn add_run<'f>(&mut self, facts: impl IntoIterator<Item = &'f Fact>) {
        self.next_run();
        facts.into_iter().for_each(|fact| self.add(fact));
    }

    /// Adds one fact of the current run.
    pub fn add(&mut self, fact: &Fact) {
        let beside = &fact.keys.failure_reason_code;
        for ((code, guard), stop) in denial_pairs(fact) {
            self.count((code, fact.ordered_ts), [(guard, stop)], |sum, stop| {
                let [denials, stops, _] = &mut sum.counts;
                *denials += 1;
                *stops += u64::from(stop);
                if !sum.beside.contains(beside) {
                    sum.beside.insert(beside.clone());
                }
            });
        }
    }

    /// Adds a row of other runs, as [`GuardDenials::rows`] gave it out.
    pub fn add_row(&mut self, row: GuardDenial) {
        let GuardDenial { first_ts, last_ts, run_count: runs, failure_reason_codes: beside, .. } = row;
        let counts = [row.denial_count, row.stop_count, 0];
        let sum = Sum { first_ts, last_ts, runs, last_run: None, counts, beside };
        self.merge_row(row.policy_reason_code, row.guard_id, sum);
    }

    /// The rows: by denials descending, then code and guard (M-110).
    #[must_use]
    pub fn rows(&self) -> Vec<GuardDenial> {
        let row = |(code, guard, sum): (&String, &String, &Sum)| {
            let [denial_count, stop_count, _] = sum.counts;
            GuardDenial {
                denial_count,
                failure_reason_codes: sum.beside.clone(),
                first_ts: sum.first_ts,
                guard_id: guard.clone(),
                last_ts: sum.last_ts,
                policy_reason_code: code.clone(),
                run_count: sum.runs,
                stop_count,
            }
        };
        let mut rows: Vec<_> = self.sums().map(row).collect();
        // A stable sort: they come by code and guard.
        rows.sort_by_key(|row| Reverse(row.denial_count));
        rows
    }
}

/// Every denial, whoever named it (M-110). `facts` may come in any order.
#[must_use]
pub fn guard_denials<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> Vec<GuardDenial> {
    let mut denials = GuardDenials::default();
    let denies = |fact: &&Fact| fact.policy_reason_code().is_some() || fact.guard_evals().iter().any(GuardEval::denies);
    by_run(facts.into_iter().filter(denies), |run| denials.add_run(run));
    denials.rows()
}

/// Hands out facts run by run, the runs by their first fact.
fn by_run<'f>(facts: impl Iterator<Item = &'f Fact>, run: impl FnMut(Vec<&'f Fact>)) {
    let mut runs = Groups::<Vec<&Fact>>::default();
    for fact in facts {
        let belongs = |run: &Vec<&Fact>, fact: &&Fact| run.first().is_some_and(|first| first.run_id == fact.run_id);
        runs.add(hash_of(fact.run_id.as_str()), fact, belongs, Vec::push);
    }
    runs.into_vec().into_iter().for_each(run);
}
