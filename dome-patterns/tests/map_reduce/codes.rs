//! The codes and steps of the code are those of the documents, and the other way round.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::CodeTable;
use dome_patterns::{PatternDenial, PatternFailure, PatternStep};
use serde_json::Value;

const CLASSES: [&str; 4] = ["stop", "structural", "repairable", "advisory"];

const PAGE: &str = include_str!("../../../docs/patterns/secure-map-reduce.md");

/// The steps of the pattern as data, by name.
fn steps() -> BTreeMap<String, Value> {
    let binding: Value = serde_json::from_str(include_str!("../../../docs/patterns/secure-map-reduce.json")).unwrap();
    binding["steps"].as_object().unwrap().clone().into_iter().collect()
}

/// The codes of one kind in a step, with class and meaning.
fn codes(step: &Value, kind: &str) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let codes = step[kind].as_object().unwrap().iter();
    codes.map(|(code, about)| (code.clone(), text(&about["class"]), text(&about["meaning"]))).collect()
}

#[test]
fn m04_each_code_is_in_one_step_and_the_documents_have_no_other() {
    let (mut failures, mut denials) = (Vec::new(), Vec::new());
    for step in steps().values() {
        failures.extend(codes(step, "failure_reason_codes").into_iter().map(|(code, ..)| code));
        denials.extend(codes(step, "policy_reason_codes").into_iter().map(|(code, ..)| code));
    }
    let all = failures.len() + denials.len();
    let [failures, denials] = [failures, denials].map(|codes| codes.into_iter().collect::<BTreeSet<_>>());
    assert_eq!(failures, PatternFailure::ALL.iter().map(ToString::to_string).collect());
    assert_eq!(denials, PatternDenial::ALL.iter().map(ToString::to_string).collect());
    assert_eq!(failures.union(&denials).count(), all, "a code is a failure or a denial, and of one step");
}

#[test]
fn each_step_is_bound_as_its_document_says() {
    let steps = steps();
    let all = [("map", PatternStep::MAP), ("reduce", PatternStep::REDUCE)];
    assert_eq!(steps.len(), all.len());
    for (name, step) in all {
        let (line, document) = (step.line("x".parse().unwrap()), &steps[name]);
        assert_eq!(line.scope.as_str(), document["scope"]);
        assert_eq!(line.target_kind.as_str(), document["target_kind"]);
        assert_eq!(line.action_kind.as_str(), document["action_kind"]);
    }
}

#[test]
fn each_code_makes_a_value_of_dome() {
    PatternFailure::ALL.iter().for_each(|code| assert_eq!(code.code().to_string(), code.to_string()));
    PatternDenial::ALL.iter().for_each(|code| assert_eq!(code.code().to_string(), code.to_string()));
}

#[test]
fn every_code_is_explained_on_its_page_and_stands_in_the_table() {
    let table = CodeTable::parse(dome_patterns::REASON_CODES).unwrap();
    let mut listed = BTreeMap::new();
    for step in steps().values() {
        for kind in ["failure_reason_codes", "policy_reason_codes"] {
            for (code, class, meaning) in codes(step, kind) {
                let row = format!("| `{code}` | {class} | {meaning} |");
                assert!(PAGE.contains(&row), "the page lacks {row}");
                listed.insert(code, class);
            }
        }
    }
    assert_eq!(table.classes_precedence.iter().map(|class| class.as_str()).collect::<Vec<_>>(), CLASSES);
    let restarts = ["STOP", "REITERATE_FROM_LAST_GOOD", "REITERATE_FROM_CANDIDATE", "REITERATE_FROM_CANDIDATE"];
    let restart_of = |class| table.restart_mode_by_class[class].as_str();
    assert_eq!(table.classes_precedence.iter().map(restart_of).collect::<Vec<_>>(), restarts);
    let table = table.codes.iter().map(|(code, entry)| (code.to_string(), entry.class.to_string()));
    assert_eq!(listed, table.collect());
}
