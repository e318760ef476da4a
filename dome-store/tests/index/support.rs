//! Histories that reach an index in some cut, and what a replay says of them.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::explain::{
    Explainable, Found, capsule_story, concept_story, excerpt, fact_story, find, line_of, line_story,
};
use dome_binder::query::nearest;
use dome_binder::{Policy, Record, Recorder, Replay, Rules, append_row, replay};
use dome_core::{CodeTable, QuarantineRow, RawLine, Reader, Sha256Hash, Source, Timestamp, WrapperPolicy};
use dome_store::index::{
    Arrival, Basis, Batch, EntryBytes, Index, RawEntry, RejectedLine, RowOrigin, SourceMark, Standing,
};
use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) fn codes() -> CodeTable {
    CodeTable::parse(include_bytes!("../../../xtrlv2-fixtures/golden/small/reason-codes.json")).unwrap()
}

/// Thresholds that small histories reach from both sides.
fn policy() -> impl Strategy<Value = Policy> {
    let small = (0_u64..4, 0_u64..4, prop::sample::select(vec![0_u64, 94_000, 206_544]), 0_u64..5, 0_u64..3).prop_map(
        |(support, runs, confidence, listed, targets)| {
            let document = json!({
                "policy_version": "2", "min_support": support, "min_run_count": runs,
                "min_confidence_ppm": confidence, "max_staleness_s": 86_400, "max_contradiction_ppm": 250_000,
                "subject_window_s": 86_400, "proof_max": 3, "retry_storm_attempts": 3, "latency_factor": 2,
                "latency_min_excess_ms": 300, "latency_min_samples": 1, "latency_window": 2,
                "concept_min_support": listed, "concept_min_targets": targets,
            });
            Policy::parse(document.to_string().as_bytes()).unwrap()
        },
    );
    prop_oneof![1 => Just(Policy::default()), 3 => small]
}

pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    let modes = vec![None, Some(WrapperPolicy::Strict), Some(WrapperPolicy::Hybrid), Some(WrapperPolicy::Lenient)];
    (policy(), prop::sample::select(modes), dome_arbitrary::placed_codes(codes()))
        .prop_map(|(policy, mode, codes)| Rules { policy, codes, mode, contracts: None })
}

/// What becomes of a line after it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Stays,
    Withdrawn,
    /// It is rejected first, and read again later.
    Retried,
}

/// The lines of a history on many targets each, so that concepts have many capsules; not every line on every target, so
/// that these differ.
pub(crate) fn on_targets(lines: &[Vec<u8>], targets: usize, left_out: u64) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let documents = lines.iter().filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    for (number, document) in documents.filter(|document| document["task_spec"]["target"]["id"].is_string()).enumerate()
    {
        for target in 0..targets {
            if left_out.rotate_left((number * 7 + target) as u32).is_multiple_of(3) {
                continue;
            }
            let mut copy = document.clone();
            let named = |value: &Value, by: usize| Value::from(format!("{}-{by}", value.as_str().unwrap_or("none")));
            copy["task_spec"]["target"]["id"] = named(&copy["task_spec"]["target"]["id"], target);
            copy["run_id"] = named(&copy["run_id"], target % 3);
            copy["event_id"] = named(&copy["event_id"], target);
            copy["task_id"] = named(&copy["task_id"], target);
            all.push(copy.to_string().into_bytes());
        }
    }
    all
}

/// In which order lines arrive, in which batches, and what becomes of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    order: Vec<u16>,
    fates: Vec<Fate>,
    cuts: Vec<bool>,
}

pub(crate) fn course() -> impl Strategy<Value = Course> {
    let fate = prop_oneof![6 => Just(Fate::Stays), 1 => Just(Fate::Withdrawn), 1 => Just(Fate::Retried)];
    let order = prop_oneof![1 => Just(Vec::new()), 2 => prop::collection::vec(any::<u16>(), 64)];
    let cuts = prop_oneof![
        1 => Just(Vec::new()),
        3 => prop::collection::vec(prop::bool::weighted(0.2), 128),
    ];
    (order, prop::collection::vec(fate, 64), cuts).prop_map(|(order, fates, cuts)| Course { order, fates, cuts })
}

/// The lines of a history by position: from 1, as they arrive.
#[derive(Default)]
pub(crate) struct Lines(BTreeMap<u64, (Source, Vec<u8>)>);

impl RowOrigin for Lines {
    fn line(&mut self, position: u64, _: EntryBytes) -> dome_store::Result<RawEntry> {
        Ok(RawEntry { offset: position, bytes: self.0[&position].1.clone() })
    }

    fn turned(&mut self, position: u64, _: EntryBytes) -> dome_store::Result<QuarantineRow> {
        let (source, bytes) = &self.0[&position];
        let rejection = Reader::new().read(bytes).unwrap_err();
        Ok(RawLine::of(bytes).row(position, source.clone(), rejection))
    }
}

/// A history that went its course: batches for an index, and what is left for a replay.
pub(crate) struct Told {
    pub(crate) batches: Vec<Batch>,
    pub(crate) lines: Lines,
    records: Vec<Box<Record>>,
    rejected: BTreeMap<u64, QuarantineRow>,
    positions: BTreeMap<Source, u64>,
    pub(crate) blank: u64,
}

impl Course {
    pub(crate) fn tell(&self, lines: &[Vec<u8>]) -> Told {
        let mut numbered: Vec<(usize, &Vec<u8>)> = lines.iter().enumerate().collect();
        numbered.sort_by_key(|(number, _)| self.order.get(*number).copied());
        let mut told = Told {
            batches: vec![Batch::default()],
            lines: Lines::default(),
            records: Vec::new(),
            rejected: BTreeMap::new(),
            positions: BTreeMap::new(),
            blank: 0,
        };
        let (mut reader, mut recorder, mut later) = (Reader::new(), Recorder::default(), Vec::new());
        let mut cuts = self.cuts.iter().copied();
        for (position, (number, bytes)) in (1_u64..).zip(numbered) {
            if cuts.next() == Some(true) {
                told.batches.push(Batch::default());
            }
            let bytes = dome_core::lines(bytes, 1, 0).next().map_or(&b""[..], |line| line.bytes);
            if bytes.iter().all(|byte| b" \t\r".contains(byte)) {
                told.blank += 1;
                continue;
            }
            let name = if number % 3 == 0 { "b.jsonl" } else { "a.jsonl" };
            let source = Source { line: number as u64 + 1, name: name.into() };
            let fate = self.fates.get(number).copied().unwrap_or(Fate::Stays);
            told.lines.0.insert(position, (source.clone(), bytes.to_vec()));
            told.positions.insert(source.clone(), position);
            let at = EntryBytes { segment: 0, start: position, length: bytes.len() as u64 };
            let sha256 = Sha256Hash::of(bytes);
            let turned = RejectedLine { position, bytes: at, source: source.clone(), sha256, conflict: None };
            let batch = told.batches.last_mut().unwrap();
            match (reader.read(bytes), fate) {
                (Ok(envelope), Fate::Stays) => {
                    let record = Box::new(recorder.record(envelope, source));
                    told.records.push(record.clone());
                    batch.arrivals.push(Arrival { position, bytes: at, record });
                }
                (Ok(envelope), Fate::Withdrawn) => {
                    let record = Box::new(recorder.record(envelope, source));
                    batch.arrivals.push(Arrival { position, bytes: at, record });
                    later.push((position, None));
                }
                (Ok(envelope), Fate::Retried) => {
                    batch.turned.push(turned);
                    let record = Box::new(recorder.record(envelope, source));
                    told.records.push(record.clone());
                    later.push((position, Some(Arrival { position, bytes: at, record })));
                }
                (Err(_), Fate::Withdrawn) => {
                    batch.turned.push(turned);
                    later.push((position, None));
                }
                (Err(rejection), _) => {
                    batch.turned.push(turned);
                    told.rejected.insert(position, RawLine::of(bytes).row(position, source, rejection));
                }
            }
            if position % 2 == 0 {
                told.say(&mut later);
            }
        }
        told.batches.push(Batch::default());
        told.say(&mut later);
        let name = "a.jsonl".to_owned();
        let mark = SourceMark { name, blank: told.blank, text: String::new() };
        told.batches.last_mut().unwrap().marks.push(mark);
        told
    }
}

impl Told {
    fn say(&mut self, later: &mut Vec<(u64, Option<Arrival>)>) {
        let batch = self.batches.last_mut().unwrap();
        for (position, retried) in later.drain(..) {
            match retried {
                Some(arrival) => {
                    batch.retried.push(position);
                    batch.arrivals.push(arrival);
                }
                None => batch.withdrawn.push(position),
            }
        }
    }

    pub(crate) fn replay(&self, rules: &Rules, as_of: Option<Timestamp>) -> Replay {
        replay(self.records.clone(), rules, as_of)
    }

    /// The quarantine: lines that are no envelope, and those that facts rule out; by source.
    pub(crate) fn quarantine(&self, replay: &Replay) -> Vec<QuarantineRow> {
        let mut rows: Vec<QuarantineRow> = self.rejected.values().cloned().collect();
        for conflict in &replay.ledger.conflicts {
            let position = self.positions[&conflict.source];
            let bytes = &self.lines.0[&position].1;
            let rejection = conflict.rejection.clone();
            rows.push(RawLine::of(bytes).row(position, conflict.source.clone(), rejection));
        }
        rows.sort_by_key(|row| (row.source.name.clone(), row.source.line));
        rows
    }
}

pub(crate) fn basis(rules: &Rules, as_of: Option<Timestamp>) -> Basis {
    Basis { identity: "test".to_owned(), rules: rules.clone(), as_of, seal: Sha256Hash::of(b"secret") }
}

/// Derives batch by batch.
pub(crate) fn derive(index: &mut Index, told: &mut Told) {
    for (number, batch) in (2_u64..).zip(std::mem::take(&mut told.batches)) {
        let (from, to) = (index.standing().unwrap(), Standing { next: number, mark: String::new() });
        index.derive(batch, &from, &to, &mut told.lines).unwrap();
    }
}

pub(crate) fn rows<T: serde::Serialize>(rows: &[T]) -> String {
    let mut bytes = Vec::new();
    rows.iter().for_each(|row| append_row(row, &mut bytes));
    String::from_utf8(bytes).unwrap()
}

/// What is said of a key from all facts in memory.
pub(crate) fn explained(replay: &Replay, rules: &Rules, quarantine: &[QuarantineRow], key: &str) -> Value {
    let rejected: Vec<(Source, Sha256Hash)> = quarantine.iter().map(|row| (row.source.clone(), row.sha256)).collect();
    let facts: Vec<_> = replay.ledger.line_facts().collect();
    let (capsules, concepts) = (&replay.derived.capsules, &replay.derived.concepts);
    let subject = match find(key, &facts, &rejected) {
        Found::Many(candidates) => return json!({"many": candidates}),
        Found::Nothing => {
            let facts = replay.ledger.facts.iter();
            let names: BTreeSet<&str> = facts.flat_map(|fact| [fact.event_id.as_str(), &*fact.source.name]).collect();
            return json!({"near": nearest(key, names)});
        }
        Found::One(subject) => subject,
    };
    match subject {
        Explainable::Capsule(key) => {
            json!({"capsule": capsule_story(&excerpt(&facts, key).unwrap(), rules, replay.as_of)})
        }
        Explainable::Concept(key) => json!({"concept": concept_story(key, capsules, concepts, &rules.policy)}),
        Explainable::Line(key) => json!({"line": line_story(&line_of(&facts, key), capsules, rules)}),
        Explainable::Fact(position) => {
            let fact = &replay.ledger.facts[position];
            let applied = fact.applied_capsule().and_then(|key| excerpt(&facts, *key));
            json!({"fact": fact_story(position, &line_of(&facts, fact.keys.line), applied.as_ref(), rules)})
        }
        Explainable::Rejected(number) => json!({"rejected": quarantine[number]}),
        Explainable::Unlisted(source) => {
            let listed =
                replay.ledger.facts.iter().map(|fact| &fact.source).chain(quarantine.iter().map(|row| &row.source));
            let last = listed.filter(|known| known.name == source.name).map(|known| known.line).max().unwrap_or(0);
            json!({"unlisted": {"last_listed": last, "source": source}})
        }
    }
}

/// Keys of every kind: all names of facts and rejected lines, their starts, and names that nothing has.
pub(crate) fn keys(replay: &Replay, quarantine: &[QuarantineRow]) -> BTreeSet<String> {
    let mut keys: BTreeSet<String> = ["nothing", "deadbeef", "a.jsonl:999", "c.jsonl:1", ""].map(str::to_owned).into();
    for fact in &replay.ledger.facts {
        let known = [
            fact.keys.derived,
            fact.keys.concept,
            fact.keys.line,
            fact.keys.idempotency,
            fact.keys.fingerprint_hash,
            fact.keys.digest,
        ];
        keys.extend(known.iter().map(ToString::to_string));
        keys.extend(known.iter().map(|key| key.to_string()[..8].to_owned()));
        keys.extend([fact.event_id.to_string(), format!("{}/{}", fact.run_id, fact.event_id)]);
        keys.insert(format!("{}:{}", fact.source.name, fact.source.line));
        keys.insert(format!("{}:{}", fact.source.name, fact.source.line + 1));
    }
    for row in quarantine {
        keys.insert(row.sha256.to_string());
        keys.insert(format!("{}:{}", row.source.name, row.source.line));
    }
    keys
}
