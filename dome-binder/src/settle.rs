//! Settling a run: duplicates, conflicts and order inside it (M-41, M-42, M-44).
//!
//! Each run is settled by itself, so runs may be settled apart, on any thread or machine (L-4).

use dome_core::{Problem, ProblemCode, RunId, Sha256Hash, Source, Timestamp};

use hashbrown::HashTable;

use crate::groups::{Groups, hash_of, hash_of_key};
use crate::record::Record;
use crate::touch::touch;

/// The records of one run, in any order.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer is cheap to move")]
pub struct RunRecords(Vec<Box<Record>>);

/// Deals records out to at least one part, all of a run to one: what [`group_by_run`] makes of each part is
/// what it makes of all, so that each may be settled apart, on any thread or machine (L-4).
///
/// ```
/// assert_eq!(dome_binder::deal_by_run(Vec::new(), 4).len(), 4);
/// ```
#[must_use]
pub fn deal_by_run(records: Vec<Box<Record>>, parts: usize) -> Vec<Vec<Box<Record>>> {
    let parts = parts.max(1);
    let mut dealt: Vec<Vec<Box<Record>>> = std::iter::repeat_with(Vec::new).take(parts).collect();
    dealt.iter_mut().for_each(|part| part.reserve(records.len() / parts));
    for record in records {
        let part = hash_of(record.run_id.as_str()) % parts as u64;
        if let Some(part) = usize::try_from(part).ok().and_then(|part| dealt.get_mut(part)) {
            part.push(record);
        }
    }
    dealt
}

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

impl std::ops::Deref for Fact {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

/// A valid envelope that a fact of its run rules out (M-41).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The digest of the envelope that lost.
    pub digest: Sha256Hash,
    /// Where it stands.
    pub source: Source,
    /// Why: `event_id_conflict` or `idempotency_conflict`.
    pub problem: Problem,
}

/// What a run comes to.
#[derive(Debug, Default)]
pub struct SettledRun {
    /// Its facts, in the order in which M-41 took them.
    pub facts: Vec<Fact>,
    /// Envelopes that facts rule out.
    pub conflicts: Vec<Conflict>,
    /// What was counted on the way.
    pub counts: RunCounts,
}

/// What is counted of runs, never an error (M-44). Those of several runs add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
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
        self.duplicates += other.duplicates;
        self.facts_out_of_clock_order += other.facts_out_of_clock_order;
        self.runs += other.runs;
        self.runs_with_mixed_policy += other.runs_with_mixed_policy;
        self.runs_with_sequence_gaps += other.runs_with_sequence_gaps;
        self.runs_with_sequence_repeats += other.runs_with_sequence_repeats;
    }
}

/// Settles one run (M-41, M-42).
///
/// ```
/// use dome_binder::{group_by_run, settle, Record};
/// use dome_core::Source;
/// let copy = |line| {
///     let envelope = dome_core::read(dome_core::EXAMPLE_LINE).unwrap();
///     Box::new(Record::new(envelope, Source { line, name: "a.jsonl".into() }))
/// };
/// let run = settle(group_by_run(vec![copy(2), copy(1)]).remove(0));
/// assert_eq!((run.facts.len(), run.counts.duplicates), (1, 1));
/// assert_eq!(run.facts[0].source.line, 1, "the first appearance is the lineage");
/// ```
#[must_use]
pub fn settle(RunRecords(mut records): RunRecords) -> SettledRun {
    touch(records.iter().map(Box::as_ref));
    let key = |record: &Record| (record.sequence, record.ts);
    records.sort_by(|a, b| {
        key(a).cmp(&key(b)).then_with(|| a.event_id.cmp(&b.event_id)).then_with(|| a.keys.digest.cmp(&b.keys.digest))
    });
    let mut run = SettledRun { facts: Vec::with_capacity(records.len()), ..SettledRun::default() };
    let mut taken = Taken::default();
    for record in records {
        match run.facts.last_mut() {
            // Copies have one key, so they follow each other.
            Some(fact) if fact.keys.digest == record.keys.digest => {
                run.counts.duplicates += 1;
                let first = (&record.source.name, record.source.line) < (&fact.source.name, fact.source.line);
                if first {
                    fact.record.source = record.source;
                }
            }
            _ => match taken.conflict(&record, &run.facts) {
                Some(problem) => {
                    run.conflicts.push(Conflict { digest: record.keys.digest, source: record.source, problem })
                }
                None => {
                    taken.take(&record, run.facts.len());
                    let earlier = run.facts.last().map_or(record.ts, |fact| fact.ordered_ts);
                    let (ordered_ts, place) = (earlier.max(record.ts), run.facts.len() as u64);
                    run.facts.push(Fact { record, ordered_ts, place });
                }
            },
        }
    }
    run.count();
    run
}

/// Where the facts of a run stand, by their event ids and by their idempotency keys.
#[derive(Default)]
struct Taken {
    events: HashTable<(u64, usize)>,
    outcomes: HashTable<(u64, usize)>,
}

impl Taken {
    fn take(&mut self, record: &Record, place: usize) {
        let [event, outcome] = hashes(record);
        self.events.insert_unique(event, (event, place), |(hash, _)| *hash);
        self.outcomes.insert_unique(outcome, (outcome, place), |(hash, _)| *hash);
    }

    fn conflict(&self, record: &Record, facts: &[Fact]) -> Option<Problem> {
        let [event, outcome] = hashes(record);
        let fact = |table: &HashTable<(u64, usize)>, hash, is_it: fn(&Fact, &Record) -> bool| {
            let is_it = |(known, place): &(u64, usize)| {
                *known == hash && facts.get(*place).is_some_and(|fact| is_it(fact, record))
            };
            table.find(hash, is_it).and_then(|(_, place)| facts.get(*place))
        };
        let run = &record.run_id;
        if let Some(fact) = fact(&self.events, event, |fact, record| fact.event_id == record.event_id) {
            let message = format!("event `{}` of run `{run}` is already {}", record.event_id, at(fact));
            return Some(conflict(ProblemCode::EventIdConflict, "/event_id", message));
        }
        let fact = fact(&self.outcomes, outcome, |fact, record| fact.keys.idempotency == record.keys.idempotency)?;
        let (group, task) = (&record.group_id, &record.task_id);
        let message = format!("group `{group}` of task `{task}` in run `{run}` is already {}", at(fact));
        Some(conflict(ProblemCode::IdempotencyConflict, "/group_id", message))
    }
}

fn hashes(record: &Record) -> [u64; 2] {
    [hash_of(record.event_id.as_str()), hash_of_key(&record.keys.idempotency)]
}

fn at(fact: &Fact) -> String {
    format!("`{}:{}`, with other content", fact.source.name, fact.source.line)
}

fn conflict(code: ProblemCode, pointer: &str, message: String) -> Problem {
    Problem { code, message, pointer: pointer.to_owned(), span: 0..1 }
}

impl SettledRun {
    fn count(&mut self) {
        // M-41 took the facts by sequence, so repeats follow each other.
        let mut distinct: Vec<u64> = self.facts.iter().map(|fact| fact.sequence).collect();
        distinct.dedup();
        let first_policy = self.facts.first().map(|fact| fact.wrapper_policy);
        let late = self.facts.iter().filter(|fact| fact.ordered_ts > fact.ts).count();
        self.counts.facts_out_of_clock_order = late as u64;
        self.counts.runs = u64::from(!self.facts.is_empty());
        self.counts.runs_with_mixed_policy =
            u64::from(self.facts.iter().any(|fact| Some(fact.wrapper_policy) != first_policy));
        self.counts.runs_with_sequence_gaps =
            u64::from(distinct.iter().zip(1..).any(|(found, expected)| *found != expected));
        self.counts.runs_with_sequence_repeats = u64::from(distinct.len() < self.facts.len());
    }

    /// The run's id, if it has a fact.
    #[must_use]
    pub fn run_id(&self) -> Option<&RunId> {
        self.facts.first().map(|fact| &fact.run_id)
    }
}
