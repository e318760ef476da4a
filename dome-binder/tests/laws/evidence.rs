//! L-11 to L-17: what is evidence of what, on dense histories.

use std::collections::{BTreeMap, BTreeSet};

use dome_arbitrary::{Dice, dense_history, dice};
use dome_binder::{
    CapsuleStanding, CapsuleState, Concept, Happened, Ledger, LineFacts, Replay, Rules, best_remedies, fold, proof,
};
use dome_core::{GateId, Sha256Hash, Status};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::parts::shuffled;
use super::steps::{self, Seen, Stands, Stream, stream};
use super::support::{Loaded, Setting, codes, load_lines, load_values, setting};

/// The same with everything in reach.
fn in_reach(mut setting: Setting) -> Setting {
    setting.rules.policy.subject_window_s = 31_536_000_000;
    setting
}

fn values(loaded: &Loaded) -> Vec<Value> {
    loaded.inputs.iter().map(|input| input.value.clone()).collect()
}

/// Keys and where they failed.
type FailedAt<P> = BTreeSet<(Sha256Hash, P)>;

/// L-11, of one fact; `failed` has what failed before it, stream by stream.
fn resolves_only_what_stood_here(seen: &Seen<'_>, failed: &FailedAt<Stream>) {
    let resolved = seen.effects.iter().filter(|effect| matches!(effect.what, Happened::Resolved { .. }));
    let resolved: Vec<Sha256Hash> = resolved.map(|effect| effect.key).collect();
    let mut capsules: BTreeMap<_, _> = seen.after.capsules().map(|after| (after.keys.derived, after.clone())).collect();
    for key in resolved {
        assert!(seen.fact.is_succeeding());
        let here = (key, seen.stream.clone());
        assert!(matches!(seen.told_before.get(&here), Some(Stands::Failing | Stands::Cleared)));
        assert!(failed.contains(&here), "it never failed in this stream");
        let capsule = capsules.remove(&key).unwrap();
        let passed =
            |gate: &GateId| seen.fact.gates.iter().any(|own| own.gate_id == *gate && own.status == Status::Pass);
        assert!(seen.fact.gates.is_empty() || capsule.fingerprint.failed_gates.iter().all(passed));
        assert_eq!(capsule.counts.resolved_count, seen.before[&key].counts.resolved_count + 1);
    }
    for (key, capsule) in capsules {
        let before = seen.before.get(&key).map_or(0, |before| before.counts.resolved_count);
        assert_eq!(capsule.counts.resolved_count, before, "nothing else is resolved");
    }
}

/// The runs that durable remedies worked in.
fn worked_durably(capsule: &CapsuleState) -> u64 {
    let durable = capsule.trials.remedies.values().filter(|remedy| !remedy.remedy.is_momentary());
    durable.map(|remedy| remedy.worked()).sum()
}

/// L-12, of one fact; `failed` has what failed before it, subject by subject.
fn passing_where_it_failed_proves_nothing(seen: &Seen<'_>, failed: &FailedAt<String>) {
    let Some(subject) = seen.fact.tested.subject_key().filter(|_| seen.fact.is_succeeding()) else { return };
    let momentary = seen.fact.remedy.as_ref().is_some_and(|remedy| remedy.is_momentary());
    for (key, before) in &seen.before {
        if !failed.contains(&(*key, format!("{subject:?}"))) {
            continue;
        }
        let after = seen.after.find(key).unwrap();
        let resolved = after.counts.resolved_count - before.counts.resolved_count;
        assert!(resolved == 0 || momentary, "it is resolved where it failed");
        assert_eq!(after.counts.held_count, before.counts.held_count, "it holds where it failed");
        assert_eq!(worked_durably(after), worked_durably(before), "a durable remedy worked where it failed");
    }
}

/// What L-13 speaks of: by concept, of each remedy its identity and its record.
fn records(concepts: &[Concept]) -> BTreeMap<Sha256Hash, Vec<Value>> {
    let record = |remedy| {
        let mut row = serde_json::to_value(remedy).unwrap();
        // What is pending is counted by stream, and the last fact is another one.
        row.as_object_mut()
            .unwrap()
            .retain(|name, _| name != "pending_count" && name != "last_fact" && name != "remedy");
        row
    };
    concepts.iter().map(|concept| (concept.concept_key, concept.remedies.iter().map(record).collect())).collect()
}

/// A history with copies of itself on further targets.
fn copied(history: Vec<Value>, times: usize) -> Vec<Value> {
    let mut all = history.clone();
    for number in 0..times {
        all.extend(history.iter().cloned().map(|mut value| {
            for pointer in ["/task_spec/target/id", "/task_id", "/event_id"] {
                let name = value.pointer_mut(pointer).unwrap();
                *name = format!("copy-{number}-{}", name.as_str().unwrap()).into();
            }
            value
        }));
    }
    all
}

/// What says where an envelope stands, rather than what happened.
const OF_THE_PLACE: [&str; 6] = ["run_id", "event_id", "sequence", "ts", "group_id", "task_id"];

/// The line and the subject of an execution that says exactly what was tested (M-74, M-75).
fn subject_of(value: &Value) -> Option<String> {
    let fails = value.get("gates").and_then(Value::as_array).into_iter().flatten().any(|gate| gate["status"] == "FAIL");
    let executes = fails || value["signal"] == "failure" || value["signal"] == "success";
    let subject = value.get("subject").filter(|subject| executes && subject.get("dirty") != Some(&json!(true)))?;
    let spec = &value["task_spec"];
    let line = [&spec["scope"], &spec["target"], &spec["action"]];
    Some(format!("{line:?} {:?} {:?} {:?}", subject.get("repository"), subject["revision"], subject.get("job")))
}

/// The same history with the executions at each subject in other places of that subject.
fn executed_otherwise(mut history: Vec<Value>, dice: &mut Dice) -> Vec<Value> {
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, value) in history.iter().enumerate() {
        subject_of(value).into_iter().for_each(|subject| places.entry(subject).or_default().push(place));
    }
    for places in places.into_values() {
        let contents: Vec<Value> = places.iter().map(|place| history[*place].clone()).collect();
        for (place, mut content) in places.into_iter().zip(shuffled(contents, dice)) {
            OF_THE_PLACE.iter().for_each(|name| content[*name] = history[place][*name].clone());
            history[place] = content;
        }
    }
    history
}

fn intermittent(setting: &Setting, history: &[Value]) -> BTreeMap<Sha256Hash, u64> {
    let capsules = setting.replay(load_values(history).records).derived.capsules.into_iter();
    let counts = capsules.map(|capsule| (capsule.derived_key, capsule.intermittent_count));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn held(line: &LineFacts<'_>, rules: &Rules) -> BTreeMap<Sha256Hash, u64> {
    let capsules = fold(line, rules).capsules.into_iter();
    capsules.map(|capsule| (capsule.keys.derived, capsule.counts.held_count)).collect()
}

/// The history as one run that takes the facts in the order that they had.
fn in_one_run(loaded: &Loaded) -> Vec<Value> {
    let ledger = Ledger::of(loaded.records.clone(), &codes());
    let places: BTreeMap<_, _> = ledger.facts.iter().map(|fact| fact.event_id.to_string()).zip(1..).collect();
    let taken = values(loaded).into_iter().map(|mut value| {
        value["sequence"] = json!(places[value["event_id"].as_str().unwrap()]);
        value["run_id"] = json!("the only one");
        value
    });
    taken.collect()
}

/// The runs of a row that goes on, and the f and s that it began with.
type Rows = BTreeMap<(Sha256Hash, Stream), (BTreeSet<String>, u64, u64)>;

/// L-16, of one fact: neither the state nor what is asked of a resolution takes a row of one run for broken.
fn one_run_breaks_nothing(seen: &mut Seen<'_>, rows: &mut Rows, rules: &Rules) {
    let run = seen.fact.run_id.to_string();
    for effect in seen.effects {
        let here = (effect.key, seen.stream.clone());
        match effect.what {
            Happened::RowBegan { failed_runs, passed_runs } => {
                rows.insert(here, (BTreeSet::from([run.clone()]), failed_runs, passed_runs));
            }
            Happened::Again { .. } => drop(rows.get_mut(&here).unwrap().0.insert(run.clone())),
            Happened::Resolved { clean_needed: 1.., .. } if seen.told_before.get(&here) == Some(&Stands::Failing) => {
                let Happened::Resolved { clean_needed, .. } = effect.what else { continue };
                let (runs, f, s) = &rows[&here];
                let unbroken = proof(s + 1, f + s + 2, rules.policy.proof_max);
                assert!(clean_needed == unbroken || runs.len() > 1, "a row of one run was taken for broken");
            }
            _ => {}
        }
    }
    let keys: Vec<Sha256Hash> = seen.after.capsules().map(|capsule| capsule.keys.derived).collect();
    for key in keys {
        let Some(standing) = seen.after.capsule(&key, rules).unwrap().standing.clone() else { continue };
        if standing.standing == CapsuleStanding::Broken {
            assert!(rows[&(key, (standing.lane, standing.job))].0.len() > 1, "broken by one run");
        }
    }
}

type Confidence = BTreeMap<(Sha256Hash, Sha256Hash), u64>;

/// How sure each remedy of each of these capsules is.
fn confidence<'c>(capsules: impl Iterator<Item = &'c CapsuleState>) -> Confidence {
    let remedies = capsules.flat_map(|capsule| {
        let shown = best_remedies(&capsule.trials).into_iter();
        shown.map(|remedy| ((capsule.keys.derived, remedy.identity), remedy.confidence_ppm))
    });
    remedies.collect()
}

fn confidence_of_concepts(replay: &Replay) -> Confidence {
    let concepts = replay.derived.concepts.iter();
    let remedies = concepts.flat_map(|concept| {
        let shown = concept.remedies.iter();
        shown.map(|remedy| ((concept.concept_key, remedy.identity), remedy.confidence_ppm))
    });
    remedies.collect()
}

fn none_is_raised(before: &Confidence, after: &Confidence) {
    for (remedy, confidence) in after {
        let before = before.get(remedy).copied().unwrap_or_default();
        assert!(*confidence <= before, "{remedy:?}: from {before} to {confidence}");
    }
}

#[test]
fn m77_exactly_one_in_twenty_is_rare_enough() {
    assert_eq!((proof(1, 20, 300), proof(1, 19, 300)), (1, 2), "no power of any other share is one in twenty");
}

proptest! {
    #[test]
    fn l11_a_success_resolves_only_what_failed_in_its_stream_and_passed_its_gates(
        history in dense_history(), setting in setting(),
    ) {
        let mut failed = FailedAt::new();
        steps::each(&load_lines(&history.lines), &setting.rules, |seen| {
            resolves_only_what_stood_here(&seen, &failed);
            if seen.minted && seen.fact.is_failing() {
                failed.insert((seen.fact.keys.derived, stream(seen.fact)));
            }
        });
    }

    #[test]
    fn l12_a_success_where_it_failed_before_proves_nothing(history in dense_history(), setting in setting()) {
        let mut failed = FailedAt::new();
        steps::each(&load_lines(&history.lines), &in_reach(setting).rules, |seen| {
            passing_where_it_failed_proves_nothing(&seen, &failed);
            if let Some(subject) = seen.fact.tested.subject_key().filter(|_| seen.minted && seen.fact.is_failing()) {
                failed.insert((seen.fact.keys.derived, format!("{subject:?}")));
            }
        });
    }

    #[test]
    fn l13_the_same_on_further_targets_is_no_further_evidence(
        history in dense_history(), setting in setting(), times in 1_usize..3,
    ) {
        let loaded = load_lines(&history.lines);
        let once = records(&setting.replay(loaded.records.clone()).derived.concepts);
        let copied = load_values(&copied(values(&loaded), times));
        let copies = records(&setting.replay(copied.records).derived.concepts);
        for (concept, remedies) in once {
            prop_assert_eq!(Some(&remedies), copies.get(&concept));
        }
    }

    #[test]
    fn l14_what_is_intermittent_does_not_depend_on_the_order_at_a_subject(
        history in dense_history(), setting in setting(), mut dice in dice(100),
    ) {
        let setting = in_reach(setting);
        let history = values(&load_lines(&history.lines));
        let before = intermittent(&setting, &history);
        prop_assert_eq!(before, intermittent(&setting, &executed_otherwise(history, &mut dice)));
    }

    #[test]
    fn l15_without_the_last_success_nothing_more_is_held(
        history in dense_history(), setting in setting(), cut in any::<prop::sample::Index>(),
    ) {
        let loaded = load_lines(&history.lines);
        // Of every beginning that ends with a success, and of one that may go on with failures.
        steps::each(&loaded, &setting.rules, |seen| {
            for (key, before) in seen.before.iter().filter(|_| seen.fact.is_succeeding()) {
                assert!(before.counts.held_count <= seen.after.find(key).unwrap().counts.held_count);
            }
        });
        let ledger = Ledger::of(loaded.records, &codes());
        for mut line in ledger.lines() {
            line.facts.truncate(1 + cut.index(line.facts.len()));
            let whole = held(&line, &setting.rules);
            let Some(last) = line.facts.iter().rposition(|fact| fact.fact.is_succeeding()) else { continue };
            line.facts.remove(last);
            for (key, count) in held(&line, &setting.rules) {
                prop_assert!(count <= whole.get(&key).copied().unwrap_or_default());
            }
        }
    }

    #[test]
    fn l16_a_row_of_one_run_is_never_broken(history in dense_history(), setting in setting()) {
        let mut rows = Rows::new();
        let loaded = load_lines(&history.lines);
        steps::each(&loaded, &setting.rules, |mut seen| one_run_breaks_nothing(&mut seen, &mut rows, &setting.rules));
        let one = setting.replay(load_values(&in_one_run(&loaded)).records);
        prop_assert!(one.derived.capsules.iter().all(|capsule| capsule.state != Some(CapsuleStanding::Broken)));
    }

    #[test]
    fn l17_a_failure_at_the_end_makes_no_remedy_surer(history in dense_history(), setting in setting()) {
        steps::each(&load_lines(&history.lines), &setting.rules, |seen| {
            if seen.fact.is_failing() {
                none_is_raised(&confidence(seen.before.values()), &confidence(seen.after.capsules()));
            }
        });
    }

    #[test]
    fn l17_a_failure_at_the_end_makes_no_remedy_of_a_concept_surer(
        history in dense_history(), setting in setting(), cut in any::<prop::sample::Index>(),
    ) {
        let mut setting = setting;
        (setting.rules.policy.concept_min_support, setting.rules.policy.concept_min_targets) = (0, 0);
        let mut facts = Ledger::of(load_lines(&history.lines).records, &codes()).facts;
        let failing: Vec<usize> = (0..facts.len()).filter(|place| facts[*place].is_failing()).collect();
        if failing.is_empty() {
            return Ok(());
        }
        facts.truncate(failing[cut.index(failing.len())] + 1);
        let mut records: Vec<_> = facts.into_iter().map(|fact| fact.record).collect();
        let after = setting.replay(records.clone());
        records.pop();
        none_is_raised(&confidence_of_concepts(&setting.replay(records)), &confidence_of_concepts(&after));
    }
}
