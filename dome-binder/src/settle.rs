//! Settling a run: duplicates, conflicts and order inside it (M-41, M-42, M-44).
//!
//! Each run is settled by itself, so runs may be settled apart, on any thread or machine (L-4).

use std::cmp::Ordering;

use dome_core::{
    CodeTable, EventId, Placing, Problem, ProblemCode, Rejection, RunId, Sha256Hash, Source, Timestamp, WrapperPolicy,
};
use serde::{Deserialize, Serialize};

use hashbrown::HashTable;

use crate::groups::{Groups, hash_of, hash_of_key};
use crate::record::Record;

/// The records of one run, in any order.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer is cheap to move")]
pub struct RunRecords(Vec<Box<Record>>);

/// Puts records together by run; the runs come sorted by `run_id`.
#[must_use]
pub fn group_by_run(records: Vec<Box<Record>>) -> Vec<RunRecords> {
    let mut groups = Groups::<RunRecords>::default();
    for record in records {
        let hash = hash_of(record.run_id.as_str());
        groups.add(hash, record, |run, record| run.id() == Some(&record.run_id), |run, record| run.0.push(record));
    }
    let mut runs = groups.into_vec();
    runs.sort_unstable_by(|a, b| a.id().cmp(&b.id()));
    runs
}

impl RunRecords {
    fn id(&self) -> Option<&RunId> {
        self.0.first().map(|first| &first.run_id)
    }
}

/// An admitted record that took its place in its run (M-41).
#[derive(Debug)]
pub struct Fact {
    /// The record itself.
    pub record: Box<Record>,
    /// The greatest `ts` among the facts of the run taken so far, itself included (M-42).
    pub ordered_ts: Timestamp,
    /// The place in which M-41 took it, from 0.
    pub place: u64,
}

/// A fact's place in the total order of a history (M-42): by ordered time, run and place in the run. It is known as
/// soon as the run is settled, whatever other runs there are.
///
/// ```
/// use dome_binder::FactOrder;
/// let order = |ts: &str, place| FactOrder { ts: ts.parse().unwrap(), run_id: "run-1".parse().unwrap(), place };
/// assert!(order("2026-01-01T00:00:00Z", 7) < order("2026-01-02T00:00:00Z", 0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FactOrder {
    /// Its ordered time.
    pub ts: Timestamp,
    /// Its run.
    pub run_id: RunId,
    /// The place in which M-41 took it in its run, from 0.
    pub place: u64,
}

impl FactOrder {
    /// Bytes that sort as the order does, for engines that sort bytes: the time as seconds and nanoseconds, the run's
    /// id with a zero behind it (which no id holds, M-03), the place; all numbers big-endian.
    ///
    /// ```
    /// use dome_binder::FactOrder;
    /// let order = |run: &str, place| FactOrder { ts: "2026-01-01T00:00:00Z".parse().unwrap(), run_id: run.parse().unwrap(), place };
    /// assert!(order("a", 9).to_bytes() < order("a-1", 0).to_bytes());
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 4 + self.run_id.as_str().len() + 1 + 8);
        append_order(self.ts, &self.run_id, self.place, &mut bytes);
        bytes
    }

    /// The order that [`FactOrder::to_bytes`] wrote; `None` for other bytes.
    ///
    /// ```
    /// use dome_binder::FactOrder;
    /// let order = FactOrder { ts: "1969-12-31T23:59:59.5Z".parse().unwrap(), run_id: "r".parse().unwrap(), place: 7 };
    /// assert_eq!(FactOrder::from_bytes(&order.to_bytes()), Some(order));
    /// assert_eq!(FactOrder::from_bytes(b"r"), None);
    /// ```
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (ts, rest) = bytes.split_first_chunk()?;
        let (rest, place) = rest.split_last_chunk()?;
        let ts = Timestamp::from_sorting_bytes(*ts)?;
        let run_id = str::from_utf8(rest.strip_suffix(&[0])?).ok()?.parse().ok()?;
        Some(Self { ts, run_id, place: u64::from_be_bytes(*place) })
    }
}

fn append_order(ts: Timestamp, run_id: &RunId, place: u64, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&ts.to_sorting_bytes());
    bytes.extend_from_slice(run_id.as_str().as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&place.to_be_bytes());
}

impl Fact {
    /// Appends what [`FactOrder::to_bytes`] says of its order.
    pub fn append_order(&self, bytes: &mut Vec<u8>) {
        append_order(self.ordered_ts, &self.record.run_id, self.place, bytes);
    }

    /// Its place in the total order (M-42).
    #[must_use]
    pub fn order(&self) -> FactOrder {
        FactOrder { ts: self.ordered_ts, run_id: self.record.run_id.clone(), place: self.place }
    }

    /// Compares two facts by the total order (M-42).
    #[must_use]
    pub fn total_order(&self, other: &Self) -> Ordering {
        let tie = || self.run_id.cmp(&other.run_id).then(self.place.cmp(&other.place));
        self.ordered_ts.cmp(&other.ordered_ts).then_with(tie)
    }
}

impl std::ops::Deref for Fact {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

/// A valid envelope that is no fact: a fact of its run (M-41) or the table of reason codes (M-97) rules it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The digest of the envelope that lost.
    pub digest: Sha256Hash,
    /// Where it stands.
    pub source: Source,
    /// Why: `event_id_conflict`, `idempotency_conflict`, or `reason_code_misplaced` for each such code.
    pub rejection: Rejection,
}

/// What a run comes to.
#[derive(Debug, Default)]
pub struct SettledRun {
    /// Its facts, in the order in which M-41 took them.
    pub facts: Vec<Fact>,
    /// Envelopes that are ruled out.
    pub conflicts: Vec<Conflict>,
    /// What was counted on the way.
    pub counts: RunCounts,
}

/// What is counted of runs, never an error (M-44). Those of several runs add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCounts {
    /// Facts with a reason code of which no table says where it may stand (M-97).
    pub codes_unplaced: u64,
    /// Envelopes that repeat a fact.
    pub duplicates: u64,
    /// Facts whose ordered time is later than their `ts`.
    pub facts_out_of_clock_order: u64,
    /// Runs.
    pub runs: u64,
    /// Runs whose facts declare different policies.
    pub runs_with_mixed_policy: u64,
    /// Runs whose sequences are not 1, 2, 3, ... apart from repeats.
    pub runs_with_sequence_gaps: u64,
    /// Runs with a sequence that stands twice.
    pub runs_with_sequence_repeats: u64,
}

impl std::ops::AddAssign for RunCounts {
    fn add_assign(&mut self, other: Self) {
        self.codes_unplaced += other.codes_unplaced;
        self.duplicates += other.duplicates;
        self.facts_out_of_clock_order += other.facts_out_of_clock_order;
        self.runs += other.runs;
        self.runs_with_mixed_policy += other.runs_with_mixed_policy;
        self.runs_with_sequence_gaps += other.runs_with_sequence_gaps;
        self.runs_with_sequence_repeats += other.runs_with_sequence_repeats;
    }
}

/// Settles one run (M-41, M-42) by a table of reason codes (M-97).
///
/// ```
/// use dome_binder::{group_by_run, settle, Record};
/// # let codes = dome_core::CodeTable::default();
/// use dome_core::Source;
/// let copy = |line| {
///     let envelope = dome_core::read(dome_core::EXAMPLE_LINE).unwrap();
///     Box::new(Record::new(envelope, Source { line, name: "a.jsonl".into() }))
/// };
/// let run = settle(group_by_run(vec![copy(2), copy(1)]).remove(0), &codes);
/// assert_eq!((run.facts.len(), run.counts.duplicates), (1, 1));
/// assert_eq!(run.facts[0].source.line, 1, "the first appearance is the lineage");
/// ```
#[must_use]
pub fn settle(RunRecords(mut records): RunRecords, codes: &CodeTable) -> SettledRun {
    records.sort_by(|a, b| in_run(a, b));
    let mut run = SettledRun { facts: Vec::with_capacity(records.len()), ..SettledRun::default() };
    let mut settling = Settling::new(codes);
    let mut take = |settled| match settled {
        Settled::Fact(fact) => run.facts.push(fact),
        Settled::Conflict(conflict) => run.conflicts.push(conflict),
    };
    records.into_iter().for_each(|record| settling.push(record, &mut take));
    run.counts = settling.finish(&mut take);
    run
}

/// The order in which the records of one run are settled: by sequence, time, event and digest (M-41). Copies of one
/// envelope follow each other by source, so that the order is one whatever order records came in.
#[must_use]
pub fn in_run(a: &Record, b: &Record) -> Ordering {
    let key = |record: &Record| (record.sequence, record.ts);
    key(a)
        .cmp(&key(b))
        .then_with(|| a.event_id.cmp(&b.event_id))
        .then_with(|| a.keys.digest.cmp(&b.keys.digest))
        .then_with(|| (&a.source.name, a.source.line).cmp(&(&b.source.name, b.source.line)))
}

/// What became of a record of a run.
#[derive(Debug)]
pub enum Settled {
    /// It is a fact.
    Fact(Fact),
    /// It is ruled out.
    Conflict(Conflict),
}

/// A run that is being settled record by record, which come in the order of [`in_run`] (M-41). It holds one fact and
/// what others may conflict with, not the run.
///
/// ```
/// use dome_binder::{Record, Settled, Settling};
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// let record = Box::new(Record::new(envelope, dome_core::Source { line: 1, name: "a.jsonl".into() }));
/// let codes = dome_core::CodeTable::default();
/// let (mut settling, mut facts) = (Settling::new(&codes), 0);
/// let mut take = |settled| facts += u64::from(matches!(settled, Settled::Fact(_)));
/// settling.push(record.clone(), &mut take);
/// settling.push(record, &mut take);
/// let counts = settling.finish(&mut take);
/// assert_eq!((facts, counts.duplicates, counts.runs), (1, 1, 1));
/// # Ok::<(), dome_core::Rejection>(())
/// ```
#[derive(Debug)]
pub struct Settling<'c> {
    codes: &'c CodeTable,
    /// The last fact, which copies may still move to an earlier source.
    last: Option<Fact>,
    /// The ordered time and the sequence of the fact that was taken last.
    before: Option<(Timestamp, u64)>,
    taken: Taken,
    counts: RunCounts,
    facts: u64,
    first_policy: Option<WrapperPolicy>,
    mixed_policy: bool,
    /// Distinct sequences so far, and whether they are 1, 2, 3, ...
    sequences: u64,
    gaps: bool,
}

impl<'c> Settling<'c> {
    /// A run of which nothing was taken, by a table of reason codes.
    #[must_use]
    pub fn new(codes: &'c CodeTable) -> Self {
        Self {
            codes,
            last: None,
            before: None,
            taken: Taken::default(),
            counts: RunCounts::default(),
            facts: 0,
            first_policy: None,
            mixed_policy: false,
            sequences: 0,
            gaps: false,
        }
    }

    /// Takes the next record, and hands out what nothing can change any more.
    pub fn push(&mut self, record: Box<Record>, take: &mut impl FnMut(Settled)) {
        if let Some(last) = &mut self.last
            && last.keys.digest == record.keys.digest
        {
            // Copies have one key, so they follow each other.
            self.counts.duplicates += 1;
            if (&record.source.name, record.source.line) < (&last.source.name, last.source.line) {
                last.record.source = record.source;
            }
            return;
        }
        self.release(take);
        let failure = &record.keys.failure_reason_code;
        let placing = self.codes.placing(failure, record.policy_reason_code(), record.guard_evals());
        let unsaid = u64::from(placing == Placing::Unsaid);
        let ruled_out = match placing {
            Placing::Misplaced(rejection) => Some(rejection),
            Placing::Right | Placing::Unsaid => self.taken.conflict(&record).map(Rejection::from),
        };
        if let Some(rejection) = ruled_out {
            let Record { source, keys, .. } = *record;
            return take(Settled::Conflict(Conflict { digest: keys.digest, source, rejection }));
        }
        self.counts.codes_unplaced += unsaid;
        self.count(&record);
        let ordered_ts = self.before.map_or(record.ts, |(ts, _)| ts.max(record.ts));
        self.counts.facts_out_of_clock_order += u64::from(ordered_ts > record.ts);
        self.before = Some((ordered_ts, record.sequence));
        self.last = Some(Fact { record, ordered_ts, place: self.facts });
        self.facts += 1;
    }

    /// The run's records were all taken: hands out the last fact, and counts.
    pub fn finish(mut self, take: &mut impl FnMut(Settled)) -> RunCounts {
        self.release(take);
        RunCounts {
            runs: u64::from(self.facts > 0),
            runs_with_mixed_policy: u64::from(self.mixed_policy),
            runs_with_sequence_gaps: u64::from(self.gaps),
            runs_with_sequence_repeats: u64::from(self.sequences < self.facts),
            ..self.counts
        }
    }

    fn release(&mut self, take: &mut impl FnMut(Settled)) {
        if let Some(fact) = self.last.take() {
            self.taken.take(&fact);
            take(Settled::Fact(fact));
        }
    }

    /// Facts come by sequence, so that repeats follow each other.
    fn count(&mut self, record: &Record) {
        let first_policy = *self.first_policy.get_or_insert(record.wrapper_policy);
        self.mixed_policy |= record.wrapper_policy != first_policy;
        if self.before.map(|(_, sequence)| sequence) != Some(record.sequence) {
            self.sequences += 1;
            self.gaps |= record.sequence != self.sequences;
        }
    }
}

#[derive(Debug, Default)]
struct Taken {
    facts: Vec<TakenFact>,
    /// Places among the facts, by what they are looked for.
    events: HashTable<(u64, usize)>,
    outcomes: HashTable<(u64, usize)>,
}

#[derive(Debug)]
struct TakenFact {
    event_id: EventId,
    idempotency: Sha256Hash,
    source: Source,
}

impl Taken {
    fn take(&mut self, record: &Record) {
        let (place, [event, outcome]) = (self.facts.len(), hashes(record));
        let source = record.source.clone();
        self.facts.push(TakenFact { event_id: record.event_id.clone(), idempotency: record.keys.idempotency, source });
        self.events.insert_unique(event, (event, place), |(hash, _)| *hash);
        self.outcomes.insert_unique(outcome, (outcome, place), |(hash, _)| *hash);
    }

    fn conflict(&self, record: &Record) -> Option<Problem> {
        let [event, outcome] = hashes(record);
        let fact = |table: &HashTable<(u64, usize)>, hash, is_it: fn(&TakenFact, &Record) -> bool| {
            let is_it = |(known, place): &(u64, usize)| {
                *known == hash && self.facts.get(*place).is_some_and(|fact| is_it(fact, record))
            };
            table.find(hash, is_it).and_then(|(_, place)| self.facts.get(*place))
        };
        let run = &record.run_id;
        if let Some(fact) = fact(&self.events, event, |fact, record| fact.event_id == record.event_id) {
            let message = format!("event `{}` of run `{run}` is already {}", record.event_id, fact.shown());
            return Some(conflict(ProblemCode::EventIdConflict, "/event_id", message));
        }
        let fact = fact(&self.outcomes, outcome, |fact, record| fact.idempotency == record.keys.idempotency)?;
        let (group, task) = (&record.group_id, &record.task_id);
        let message = format!("group `{group}` of task `{task}` in run `{run}` is already {}", fact.shown());
        Some(conflict(ProblemCode::IdempotencyConflict, "/group_id", message))
    }
}

impl TakenFact {
    fn shown(&self) -> String {
        format!("`{}:{}`, with other content", self.source.name, self.source.line)
    }
}

fn hashes(record: &Record) -> [u64; 2] {
    [hash_of(record.event_id.as_str()), hash_of_key(&record.keys.idempotency)]
}

fn conflict(code: ProblemCode, pointer: &str, message: String) -> Problem {
    Problem { code, message, pointer: pointer.to_owned(), span: 0..0 }
}

impl SettledRun {
    /// The run's id, if it has a fact.
    #[must_use]
    pub fn run_id(&self) -> Option<&RunId> {
        self.facts.first().map(|fact| &fact.run_id)
    }
}
