//! Section 5, run by run.

use serde_json::{Map, Value};

use super::{Fact, Input};

type Conflicts = Vec<((String, u64), &'static str)>;

/// All facts in total order, the conflicts, and the counts of M-44 that runs have.
pub(super) fn settle(inputs: &[Input]) -> (Vec<Fact>, Conflicts, Map<String, Value>) {
    let mut all: Vec<Fact> = inputs.iter().map(Fact::new).collect();
    all.sort_by(|a, b| {
        let key = |fact: &Fact| (fact.sequence(), fact.ts, fact.text("event_id").to_owned(), fact.digest.clone());
        key(a).cmp(&key(b))
    });
    let mut runs: Vec<String> = all.iter().map(|fact| fact.text("run_id").to_owned()).collect();
    runs.sort_unstable();
    runs.dedup();
    let mut facts = Vec::new();
    let mut conflicts = Vec::new();
    let mut counts = Counts::default();
    for run in &runs {
        let taken = all.iter().filter(|fact| fact.text("run_id") == run);
        let run = settle_run(taken, &mut conflicts, &mut counts);
        counts.count(&run);
        facts.extend(run);
    }
    facts.sort_by(|a, b| {
        let key = |fact: &Fact| (fact.ordered, fact.text("run_id").to_owned(), fact.place);
        key(a).cmp(&key(b))
    });
    conflicts.sort();
    (facts, conflicts, counts.into_map())
}

fn settle_run<'f>(taken: impl Iterator<Item = &'f Fact>, conflicts: &mut Conflicts, counts: &mut Counts) -> Vec<Fact> {
    let mut run: Vec<Fact> = Vec::new();
    for envelope in taken {
        let pair = |fact: &Fact| (fact.text("task_id").to_owned(), fact.text("group_id").to_owned());
        if let Some(fact) = run.iter_mut().find(|fact| fact.digest == envelope.digest) {
            counts.duplicates += 1;
            fact.source = fact.source.clone().min(envelope.source.clone());
        } else if run.iter().any(|fact| fact.text("event_id") == envelope.text("event_id")) {
            conflicts.push((envelope.source.clone(), "event_id_conflict"));
        } else if run.iter().any(|fact| pair(fact) == pair(envelope)) {
            conflicts.push((envelope.source.clone(), "idempotency_conflict"));
        } else {
            let mut fact = envelope.clone();
            fact.place = run.len();
            fact.ordered = run.iter().map(|earlier| earlier.ts).chain([fact.ts]).max().unwrap();
            run.push(fact);
        }
    }
    run
}

#[derive(Default)]
struct Counts {
    duplicates: u64,
    runs: u64,
    gaps: u64,
    repeats: u64,
    mixed: u64,
    out_of_clock_order: u64,
}

impl Counts {
    fn count(&mut self, run: &[Fact]) {
        let mut sequences: Vec<u64> = run.iter().map(Fact::sequence).collect();
        sequences.sort_unstable();
        let before = sequences.len();
        sequences.dedup();
        self.runs += 1;
        self.repeats += u64::from(sequences.len() < before);
        self.gaps += u64::from(sequences != (1..=sequences.len() as u64).collect::<Vec<_>>());
        self.mixed += u64::from(run.iter().any(|fact| fact.text("wrapper_policy") != run[0].text("wrapper_policy")));
        self.out_of_clock_order += run.iter().filter(|fact| fact.ordered > fact.ts).count() as u64;
    }

    fn into_map(self) -> Map<String, Value> {
        let counts = [
            ("duplicates", self.duplicates),
            ("facts_out_of_clock_order", self.out_of_clock_order),
            ("runs", self.runs),
            ("runs_with_mixed_policy", self.mixed),
            ("runs_with_sequence_gaps", self.gaps),
            ("runs_with_sequence_repeats", self.repeats),
        ];
        counts.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect()
    }
}
