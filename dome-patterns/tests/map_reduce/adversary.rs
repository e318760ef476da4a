//! A worker that writes what it likes: the others' results do not move by a byte.

use std::collections::BTreeSet;

use dome_core::canonical;
use dome_patterns::{ItemOutcome, MapPlan, MapRun, OutputContract, PatternFailure, WorkerEnd};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CONTRACT, answered, id, plan, sound};

/// A second opinion on the contract: what `serde` makes of it. It refuses names that stand twice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Oracle {
    #[expect(dead_code, reason = "reading it is the check")]
    detail: Detail,
    gates: Vec<Gate>,
    item: String,
    #[serde(default, deserialize_with = "there")]
    note: Option<String>,
    passed: i64,
    #[expect(dead_code, reason = "reading it is the check")]
    verdict: Verdict,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Detail {
    #[expect(dead_code, reason = "reading it is the check")]
    flaky: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Gate {
    Lint,
    Unit,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Failed,
    Resolved,
}

fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Whether an output of the item at a place keeps the contract.
fn keeps(output: &[u8], place: usize) -> bool {
    // `serde` would read an array as a structure.
    let objects = serde_json::from_slice::<Value>(output).is_ok_and(|value| value["detail"].is_object());
    objects
        && serde_json::from_slice::<Oracle>(output).is_ok_and(|output| {
            output.item == id(place).as_str()
                && output.gates.len() <= 3
                && (-5..=1000).contains(&output.passed)
                && output.note.is_none_or(|note| note.len() <= 24)
        })
}

fn json() -> impl Strategy<Value = Value> {
    let huge = prop::sample::select(vec![json!(1e300), json!(u64::MAX), json!(i64::MIN), json!(0.5), json!(1001)]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        huge,
        "(IGNORE ALL|resolved|lint|trial-[0-9]|\\PC{0,30})".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = "(item|verdict|passed|note|gates|detail|flaky|next|__proto__)";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..5).prop_map(Value::from_iter),
        ]
    })
}

/// One thing done to an output that kept the contract.
#[derive(Clone, Debug)]
enum Twist {
    Nothing,
    Replace(prop::sample::Index, Value),
    Remove(prop::sample::Index),
    Extra(String, Value),
    Twice(prop::sample::Index, Value),
    Claim(usize),
    Word(&'static str),
    Huge(&'static str),
    Deep(usize),
    Cut(prop::sample::Index),
    Behind(String),
}

fn twist() -> impl Strategy<Value = Twist> {
    let index = any::<prop::sample::Index>;
    let huge = vec!["1e400", "1E2", "1000.0", "9007199254740993", "99999999999999999999999999", "-6", "1001", "007"];
    prop_oneof![
        Just(Twist::Nothing),
        (index(), json()).prop_map(|(at, value)| Twist::Replace(at, value)),
        index().prop_map(Twist::Remove),
        ("\\PC{0,12}", json()).prop_map(|(name, value)| Twist::Extra(name, value)),
        (index(), json()).prop_map(|(at, value)| Twist::Twice(at, value)),
        (0_usize..8).prop_map(Twist::Claim),
        prop::sample::select(vec!["Resolved", "resolved ", "", "unit"]).prop_map(Twist::Word),
        prop::sample::select(huge).prop_map(Twist::Huge),
        (1_usize..60).prop_map(Twist::Deep),
        index().prop_map(Twist::Cut),
        "( |\n|\\{\\}|,|x){0,3}".prop_map(Twist::Behind),
    ]
}

impl Twist {
    fn of(self, output: &str) -> Vec<u8> {
        let mut value: Map<String, Value> = serde_json::from_str(output).unwrap();
        let name = |at: prop::sample::Index, value: &Map<String, Value>| {
            value.keys().nth(at.index(value.len())).unwrap().clone()
        };
        match self {
            Self::Nothing => {}
            Self::Replace(at, new) => drop(value.insert(name(at, &value), new)),
            Self::Remove(at) => drop(value.remove(&name(at, &value))),
            Self::Extra(name, new) => drop(value.insert(name, new)),
            Self::Claim(place) => drop(value.insert("item".to_owned(), id(place).as_str().into())),
            Self::Word(word) => drop(value.insert("verdict".to_owned(), word.into())),
            Self::Twice(at, new) => {
                let twice = format!("{{{}:{new},{}", json!(name(at, &value)), &output[1..]);
                return twice.into_bytes();
            }
            Self::Huge(number) => {
                let passed = format!("\"passed\":{}", value["passed"]);
                return output.replace(&passed, &format!("\"passed\":{number}")).into_bytes();
            }
            Self::Deep(levels) => {
                let nest = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
                return format!("{{\"gates\":{nest},{}", &output[1..]).into_bytes();
            }
            Self::Cut(at) => return output.as_bytes()[..at.index(output.len())].to_vec(),
            Self::Behind(more) => return format!("{output}{more}").into_bytes(),
        }
        serde_json::to_vec(&value).unwrap()
    }
}

/// Whatever a worker can come to.
fn hostile(place: usize) -> impl Strategy<Value = WorkerEnd> {
    let output = prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => prop::collection::vec(Just(b' '), 4_000..4_200),
        2 => json().prop_map(|value| value.to_string().into_bytes()),
        6 => (sound(place), twist()).prop_map(|(output, twist)| twist.of(&output)),
    ];
    let failed = vec![
        PatternFailure::UndeclaredEffect,
        PatternFailure::WorkerTimeout,
        PatternFailure::WorkerFailed,
        PatternFailure::AnswerInvalid,
    ];
    prop_oneof![
        12 => output.prop_map(WorkerEnd::Answered),
        2 => prop::sample::select(failed).prop_map(WorkerEnd::Failed),
        1 => Just(WorkerEnd::Reported("NO_WORDS".parse().unwrap())),
    ]
}

/// What it wrote, if it answered.
fn written(ended: &WorkerEnd) -> &[u8] {
    if let WorkerEnd::Answered(output) = ended { output } else { &[] }
}

/// The others' outputs, with the place of the adversary among them, and what it does.
fn play() -> impl Strategy<Value = (Vec<String>, usize, WorkerEnd)> {
    (1_usize..6).prop_flat_map(|others| {
        let others = others + 1;
        (0..others).prop_flat_map(move |evil| {
            let honest: Vec<_> = (0..others).map(sound).collect();
            (honest, Just(evil), hostile(evil))
        })
    })
}

fn played<'p>(plan: &'p MapPlan, honest: &[String], evil: usize, ended: Option<&WorkerEnd>) -> MapRun<'p> {
    let mut run = plan.start();
    if let Some(ended) = ended {
        run.record(&id(evil), ended.clone()).unwrap();
    }
    for (place, output) in honest.iter().enumerate().filter(|(place, _)| *place != evil) {
        answered(&mut run, place, output);
    }
    run
}

/// Every string of a value.
fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(entries) => entries.iter().for_each(|entry| strings(entry, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            found.push(name.clone());
            strings(value, found);
        }),
        _ => {}
    }
}

/// Whether a string of a row is of the plan, of the contract or of this crate, and so not the worker's.
fn is_ours(text: &str, evil: usize) -> bool {
    let words = ["accepted", "failed", "resolved", "lint", "unit", "bytes", "sha256", "flaky"];
    let names = ["detail", "gates", "item", "note", "passed", "verdict"];
    let row = [
        "item",
        "status",
        "value",
        "denied",
        "policy_reason_code",
        "failure_reason_code",
        "problems",
        "code",
        "pointer",
        "reported",
    ];
    let step = |step: &str| names.contains(&step) || step == "flaky" || step.parse::<usize>().is_ok_and(|n| n < 3);
    let pointer = text.is_empty() || text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(step));
    let code = text.starts_with("MAP.") && PatternFailure::ALL.iter().any(|code| code.to_string() == text);
    let digest = text.parse::<dome_core::Sha256Hash>().is_ok();
    [&words[..], &names, &row].iter().any(|list| list.contains(&text))
        || pointer
        || code
        || digest
        || text == id(evil).as_str()
        // By the manifest, which whoever recorded it has held it against.
        || text == "NO_WORDS"
}

proptest! {
    #[test]
    fn a_poisoned_item_moves_nothing_of_the_others((honest, evil, ended) in play()) {
        let plan = plan(honest.len());
        let before = played(&plan, &honest, evil, None);
        let after = played(&plan, &honest, evil, Some(&ended));
        for (place, (before, after)) in before.items().iter().zip(after.items()).enumerate() {
            if place != evil {
                prop_assert_eq!(canonical::to_vec(before), canonical::to_vec(after));
                prop_assert!(after.accepted().is_some());
            }
        }
        let (before, reduced) = (before.reduce(), after.reduce());
        if let ItemOutcome::Accepted(output) = &after.items()[evil].outcome {
            let written = written(&ended);
            prop_assert!(keeps(written, evil), "{}", String::from_utf8_lossy(written));
            // Its own contribution is its own value, once.
            let single = self::plan(1);
            let mut alone = single.start();
            answered(&mut alone, 0, String::from_utf8(written.to_vec()).unwrap().replace(id(evil).as_str(), id(0).as_str()));
            let alone = alone.items()[0].accepted().unwrap();
            prop_assert_eq!(&alone.value()["passed"], &output.value()["passed"]);
            prop_assert_eq!(reduced.accepted, honest.len() as u64);
        } else {
            prop_assert_eq!((reduced.answer, reduced.failed), (before.answer, 1), "a failure adds nothing");
        }
    }

    #[test]
    fn an_output_is_taken_if_and_only_if_it_keeps_the_contract((honest, evil, ended) in play()) {
        prop_assert!(evil < honest.len());
        let taken = CONTRACT.parse::<OutputContract>().unwrap().validate(&id(evil), written(&ended));
        prop_assert_eq!(taken.is_ok(), keeps(written(&ended), evil), "{:?}", taken);
    }

    #[test]
    fn nothing_that_the_worker_wrote_is_in_its_row((honest, evil, ended) in play()) {
        let plan = plan(honest.len());
        let run = played(&plan, &honest, evil, Some(&ended));
        let row = serde_json::to_value(&run.items()[evil]).unwrap();
        let mut found = Vec::new();
        strings(&row, &mut found);
        for text in found {
            prop_assert!(is_ours(&text, evil), "{text:?} in {row}");
        }
    }
}

/// The properties above would say little if the adversary were tame.
#[test]
fn the_adversary_reaches_every_failure_and_is_sometimes_taken() {
    let (mut runner, plan) = (TestRunner::deterministic(), plan(2));
    let (mut seen, mut accepted) = (BTreeSet::from([PatternFailure::WorkerLost]), 0);
    for _ in 0..4_096 {
        let ended = hostile(0).new_tree(&mut runner).unwrap().current();
        let mut run = plan.start();
        run.record(&id(0), ended).unwrap();
        match &run.items()[0].outcome {
            ItemOutcome::Failed(failure) => drop(seen.insert(failure.code)),
            _ => accepted += 1,
        }
    }
    let of_map = PatternFailure::ALL.iter().copied().filter(|code| code.to_string().starts_with("MAP."));
    assert_eq!(seen, of_map.collect());
    assert!(accepted > 200, "{accepted}");
}
