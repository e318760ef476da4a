//! Section 5, run by run.

use serde_json::{Map, Value};

use super::{Fact, Input};

type Conflicts = Vec<((String, u64), &'static str)>;

/// All facts in total order, the conflicts, and the counts of M-44 that runs have.
pub(super) fn settle(inputs: &[Input], codes: &Value) -> (Vec<Fact>, Conflicts, Map<String, Value>) {
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
        let run = settle_run(taken, codes, &mut conflicts, &mut counts);
        if !run.is_empty() {
            counts.count(&run);
        }
        facts.extend(run);
    }
    facts.sort_by(|a, b| {
        let key = |fact: &Fact| (fact.ordered, fact.text("run_id").to_owned(), fact.place);
        key(a).cmp(&key(b))
    });
    conflicts.sort();
    (facts, conflicts, counts.into_map())
}

/// Whether each code of an envelope may stand where it does; `None` where the table does not say so of one (M-97).
fn placed(envelope: &Fact, codes: &Value) -> Vec<Option<bool>> {
    let prefixes = codes["prefixes"].as_object().unwrap();
    let places = |code: &str| {
        let longest =
            || prefixes.iter().filter(|(prefix, _)| code.starts_with(*prefix)).max_by_key(|(name, _)| name.len());
        let entry = codes["codes"].get(code).or_else(|| longest().map(|(_, entry)| entry));
        entry.and_then(|entry| entry.get("places")).cloned()
    };
    let may = |code: &str, place: &str| places(code).map(|places| places.as_array().unwrap().contains(&place.into()));
    let failure = envelope.envelope["task_spec"]["failure_reason_code"].as_str().filter(|code| *code != "NONE");
    let policy = envelope.envelope.get("policy_reason_code").and_then(Value::as_str);
    let guards = envelope.envelope["guard_evals"].as_array().unwrap().iter();
    let of_guards = guards.flat_map(|guard| guard["reason_codes"].as_array().unwrap()).filter_map(Value::as_str);
    let policies = policy.into_iter().chain(of_guards).map(|code| may(code, "policy"));
    failure.map(|code| may(code, "failure")).into_iter().chain(policies).collect()
}

fn settle_run<'f>(
    taken: impl Iterator<Item = &'f Fact>,
    codes: &Value,
    conflicts: &mut Conflicts,
    counts: &mut Counts,
) -> Vec<Fact> {
    let mut run: Vec<Fact> = Vec::new();
    for envelope in taken {
        let pair = |fact: &Fact| (fact.text("task_id").to_owned(), fact.text("group_id").to_owned());
        if let Some(fact) = run.iter_mut().find(|fact| fact.digest == envelope.digest) {
            counts.duplicates += 1;
            fact.source = fact.source.clone().min(envelope.source.clone());
        } else if placed(envelope, codes).contains(&Some(false)) {
            conflicts.push((envelope.source.clone(), "reason_code_misplaced"));
        } else if run.iter().any(|fact| fact.text("event_id") == envelope.text("event_id")) {
            conflicts.push((envelope.source.clone(), "event_id_conflict"));
        } else if run.iter().any(|fact| pair(fact) == pair(envelope)) {
            conflicts.push((envelope.source.clone(), "idempotency_conflict"));
        } else {
            let mut fact = envelope.clone();
            counts.unplaced += u64::from(placed(envelope, codes).contains(&None));
            fact.place = run.len();
            fact.ordered = run.iter().map(|earlier| earlier.ts).chain([fact.ts]).max().unwrap();
            run.push(fact);
        }
    }
    run
}

#[derive(Default)]
struct Counts {
    unplaced: u64,
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
            ("codes_unplaced", self.unplaced),
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
