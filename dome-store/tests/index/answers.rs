//! Any cut of a history into derivations answers as one replay does, whatever is asked.

use dome_arbitrary::{history, history_of};
use dome_binder::priors::{AskedFor, FailureKeys, Memory, PriorsQuery, Rollout, StoreSays, priors};
use dome_binder::query::{Filters, Limit, OrEmpty, Question, View, answer, unmatched};
use dome_binder::{Replay, Rules, views};
use dome_core::conformance::{PresentTool, RemedyTool, ToolRecords};
use dome_core::{Sha256Hash, TaskLine};
use dome_store::index::{Explained, Index};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{Told, basis, course, derive, explained, keys, on_targets, rows, rules};

fn value<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap()
}

fn times() -> impl Strategy<Value = Option<dome_core::Timestamp>> {
    let times = ["2026-01-01T00:00:00Z", "2026-02-16T00:00:00Z", "2100-01-01T00:00:00Z"];
    let times = times.map(|time| Some(time.parse().unwrap())).to_vec();
    prop_oneof![2 => Just(None), 1 => prop::sample::select(times)]
}

/// Rows that an index hands out, by kind.
pub(super) fn artifacts(index: &Index) -> Vec<String> {
    let (mut capsules, mut concepts) = (Vec::new(), Vec::new());
    index.capsules(|capsule| Ok(capsules.push(capsule))).unwrap();
    index.concepts(|concept| Ok(concepts.push(concept))).unwrap();
    let view = |view| {
        let mut bytes = Vec::new();
        index.view(view, |row| Ok(bytes.extend_from_slice(row))).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let mut all = vec![rows(&capsules), rows(&concepts)];
    all.extend(View::ALL.iter().copied().map(view));
    all
}

pub(super) fn expected(replay: &Replay) -> Vec<String> {
    let facts = &replay.ledger.facts;
    vec![
        rows(&replay.derived.capsules),
        rows(&replay.derived.concepts),
        rows(&views::recent_failures(facts).collect::<Vec<_>>()),
        rows(&views::gate_rollup(facts)),
        rows(&views::guard_denials(facts)),
    ]
}

/// Questions that a planner may ask of a history.
fn planner(replay: &Replay) -> Vec<PriorsQuery> {
    let lines: std::collections::BTreeSet<TaskLine> =
        replay.ledger.facts.iter().map(|fact| fact.keys.task_line.clone()).collect();
    let mut queries = Vec::new();
    for line in lines {
        let unknown = TaskLine { target_id: "no-such-target".parse().unwrap(), ..line.clone() };
        queries.push(PriorsQuery { rollout: Rollout::Prescriptive, ..PriorsQuery::of(line.clone()) });
        queries.push(PriorsQuery { limit: 2, ..PriorsQuery::of(unknown.clone()) });
        for fact in replay.ledger.facts.iter().step_by(5) {
            let failure_reason_code = Some(fact.keys.failure_reason_code.clone());
            queries.push(PriorsQuery {
                failure_reason_code: failure_reason_code.clone(),
                ..PriorsQuery::of(line.clone())
            });
            let about = AskedFor::Fingerprint(fact.keys.fingerprint_hash);
            queries.push(PriorsQuery { about, failure_reason_code, ..PriorsQuery::of(unknown.clone()) });
            let keys = fact.keys.keys();
            let failed =
                FailureKeys { derived: keys.derived, concept: keys.concept, fingerprint: keys.fingerprint_hash };
            let of_fact = PriorsQuery::of(fact.keys.task_line.clone());
            queries.push(PriorsQuery { about: AskedFor::Failure(failed), ..of_fact });
            let elsewhere = TaskLine { target_id: unknown.target_id.clone(), ..fact.keys.task_line.clone() };
            queries.push(PriorsQuery { about: AskedFor::Failure(failed), ..PriorsQuery::of(elsewhere) });
            if let Some(template) = &fact.keys.fingerprint.message_template {
                let about = AskedFor::Message(template.clone());
                queries.push(PriorsQuery { about: about.clone(), ..PriorsQuery::of(line.clone()) });
                queries.push(PriorsQuery { about, ..PriorsQuery::of(unknown.clone()) });
            }
        }
    }
    queries
}

/// Questions to the views, with filters that facts have and such that none has.
fn questions(replay: &Replay) -> Vec<Question> {
    let mut filters = vec![Filters::default()];
    for fact in replay.ledger.facts.iter().step_by(7) {
        let (line, code) = (&fact.keys.task_line, fact.keys.failure_reason_code.clone());
        let policy = fact.policy_reason_code().map_or(OrEmpty::Empty, |code| OrEmpty::Is(code.clone()));
        let none = Filters::default;
        filters.extend([
            Filters { scope: Some(line.scope), target_kind: Some(line.target_kind.clone()), ..none() },
            Filters { target_id: Some(line.target_id.clone()), action_kind: Some(line.action_kind.clone()), ..none() },
            Filters { failure_reason_code: Some(code.clone()), ..none() },
            Filters { run: Some(fact.run_id.clone()), ..none() },
            Filters { since: Some(fact.ordered_ts), ..none() },
            Filters { until: Some(fact.ordered_ts), failure_reason_code: Some(code.clone()), ..none() },
            Filters { policy_reason_code: Some(policy.clone()), ..none() },
            Filters { policy_reason_code: Some(policy), run: Some(fact.run_id.clone()), ..none() },
            Filters { gate: fact.gates.first().map(|gate| gate.gate_id.clone()), ..none() },
            Filters { guard: fact.guard_evals().first().map(|eval| OrEmpty::Is(eval.guard_id.clone())), ..none() },
            Filters { guard: Some(OrEmpty::Empty), ..none() },
        ]);
    }
    filters.extend([
        Filters { failure_reason_code: Some("TESTS_FALED".parse().unwrap()), ..Filters::default() },
        Filters { gate: Some("lnt".parse().unwrap()), run: Some("run".parse().unwrap()), ..Filters::default() },
        Filters { policy_reason_code: Some("BUDGT".parse().unwrap()), scope: None, ..Filters::default() },
    ]);
    let ask = |filters: &Filters| {
        View::ALL.iter().filter_map(|view| Question::new(*view, filters.clone()).ok()).collect::<Vec<_>>()
    };
    filters.iter().flat_map(ask).collect()
}

fn same_pages(index: &Index, replay: &Replay) {
    let (facts, snapshot) = (&replay.ledger.facts, replay.ledger.snapshot_digest());
    for (question, limit) in questions(replay).iter().flat_map(|question| [2, 200].map(|limit| (question, limit))) {
        let limit = Limit::new(limit).unwrap();
        let mut cursor = None;
        loop {
            let wanted = answer(question, facts, snapshot, limit, cursor).unwrap();
            let page = index.query(question, limit, cursor).unwrap();
            assert_eq!(String::from_utf8(page.rows).unwrap(), rows(&wanted.rows), "{question:?}");
            let header = page.header;
            assert_eq!(
                (header.start, header.total, header.next, header.snapshot_digest, header.rows),
                (wanted.start, wanted.total, wanted.next, snapshot, wanted.rows.len() as u64)
            );
            let near = if wanted.total == 0 { unmatched(question, facts) } else { Vec::new() };
            assert_eq!(page.unmatched, near, "{question:?}");
            cursor = wanted.next;
            if cursor.is_none() {
                break;
            }
        }
    }
}

fn same_priors(index: &Index, replay: &Replay, rules: &Rules) {
    let memory = Memory::of(replay, rules);
    for query in planner(replay) {
        assert_eq!(value(&index.priors(&query, None).unwrap()), value(&priors(&memory, &query)));
        let later = Some("2101-01-01T00:00:00Z".parse().unwrap());
        let asked_later = priors(&Memory { as_of: later, ..memory.clone() }, &query);
        assert_eq!(value(&index.priors(&query, later).unwrap()), value(&asked_later));
    }
}

fn same_stories(index: &Index, told: &mut Told, replay: &Replay, rules: &Rules) {
    let quarantine = told.quarantine(replay);
    for key in keys(replay, &quarantine) {
        let wanted = explained(replay, rules, &quarantine, &key);
        let found = match index.explain(&key, (0, 0), &mut told.lines).unwrap() {
            Explained::Many(candidates) => json!({"many": candidates}),
            Explained::Nothing { near } => json!({"near": near}),
            Explained::Told(told) => {
                let mut story = json!({told.subject: value(&told)[told.subject].clone()});
                if let Some(unlisted) = story.get_mut("unlisted").and_then(Value::as_object_mut) {
                    unlisted.retain(|name, _| name == "last_listed" || name == "source");
                }
                assert_eq!((told.as_of, told.snapshot_digest), (replay.as_of, replay.ledger.snapshot_digest()));
                story
            }
        };
        assert_eq!(found, wanted, "{key}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn any_cut_of_a_history_comes_to_one_replay(
        history in history(), course in course(), rules in rules(), as_of in times(),
    ) {
        let mut told = course.tell(&history.lines);
        let replay = told.replay(&rules, as_of);
        let mut index = Index::in_memory(basis(&rules, as_of)).unwrap();
        derive(&mut index, &mut told);
        prop_assert_eq!(artifacts(&index), expected(&replay));
        let tallies = index.tallies().unwrap();
        prop_assert_eq!(tallies.runs, replay.ledger.counts);
        prop_assert_eq!(tallies.facts, replay.ledger.facts.len() as u64);
        prop_assert_eq!(tallies.conflicts, replay.ledger.conflicts.len() as u64);
        prop_assert_eq!(tallies.capsules, replay.derived.capsules.len() as u64);
        prop_assert_eq!(tallies.concepts, replay.derived.concepts.len() as u64);
        prop_assert_eq!(tallies.lines, replay.ledger.lines().len() as u64);
        prop_assert_eq!(index.snapshot_digest().unwrap(), replay.ledger.snapshot_digest());
        prop_assert_eq!(index.as_of().unwrap(), replay.as_of);
        prop_assert_eq!(index.blank_lines().unwrap(), told.blank);
        index.check().unwrap();
        same_priors(&index, &replay, &rules);
        same_pages(&index, &replay);
        same_stories(&index, &mut told, &replay, &rules);
    }
}

/// Tools without a report behind every other remedy that some capsule has first.
fn tools(replay: &Replay) -> ToolRecords {
    let firsts = replay.derived.capsules.iter().filter_map(|capsule| capsule.remedies.first());
    let firsts: std::collections::BTreeSet<Sha256Hash> = firsts.map(|first| first.identity).collect();
    let tools = firsts.into_iter().step_by(2).map(|remedy| {
        let (name, version) = ("word-count".parse().unwrap(), "1".to_owned());
        RemedyTool { remedy, tool: PresentTool { files: remedy, manifest: remedy, name, version } }
    });
    ToolRecords { reports: Vec::new(), tools: tools.collect() }
}

/// Questions with every way in which one may block what it finds, and with limits below and above what there is.
fn narrow(query: &PriorsQuery, tools: &ToolRecords) -> Vec<PriorsQuery> {
    let distrusting =
        PriorsQuery { store: StoreSays { tools: tools.clone(), ..StoreSays::default() }, ..query.clone() };
    let versions = [("python", "0.1"), ("node", "0.1"), ("rust", "0.1")].into_iter().collect();
    let incompatible = PriorsQuery { versions, ..query.clone() };
    let asked = [query.clone(), distrusting, incompatible];
    asked.iter().flat_map(|query| [1, 3, 20, 200].map(|limit| PriorsQuery { limit, ..query.clone() })).collect()
}

proptest! {
    #[test]
    fn a_concept_with_many_capsules_gives_the_priors_that_a_replay_gives(
        history in history_of(12), targets in 2_usize..40, left_out in any::<u64>(), course in course(), rules in rules(),
    ) {
        let mut told = course.tell(&on_targets(&history.lines, targets, left_out));
        let replay = told.replay(&rules, None);
        let mut index = Index::in_memory(basis(&rules, None)).unwrap();
        derive(&mut index, &mut told);
        let memory = Memory::of(&replay, &rules);
        let queries = planner(&replay);
        let tools = tools(&replay);
        for query in queries.iter().step_by(1 + queries.len() / 12).flat_map(|query| narrow(query, &tools)) {
            prop_assert_eq!(value(&index.priors(&query, None).unwrap()), value(&priors(&memory, &query)));
        }
    }
}
