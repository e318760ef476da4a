//! The summary of outputs by their contract, beside a naive count of the same outputs.

use dome_core::canonical;
use dome_core::limits::SAFE_INTEGER;
use dome_patterns::{Budget, MapItem, MapPlan};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{answered, id, plan, sound, work};

fn naive(outputs: &[Value]) -> Value {
    let passed = || outputs.iter().map(|output| output["passed"].as_i64().unwrap());
    let count = |wanted: &dyn Fn(&Value) -> usize| outputs.iter().map(wanted).sum::<usize>();
    let gate = |name: &str| {
        count(&|output| output["gates"].as_array().unwrap().iter().filter(|gate| gate.as_str() == Some(name)).count())
    };
    let verdict = |name: &str| count(&|output| usize::from(output["verdict"] == name));
    let flaky = |value: bool| count(&|output| usize::from(output["detail"]["flaky"] == value));
    let mut answer = json!({
        "detail.flaky": {"false": flaky(false), "true": flaky(true)},
        "gates": {"lint": gate("lint"), "unit": gate("unit")},
        "passed": {"sum": passed().sum::<i64>()},
        "verdict": {"failed": verdict("failed"), "resolved": verdict("resolved")},
    });
    if !outputs.is_empty() {
        answer["passed"]["min"] = passed().min().into();
        answer["passed"]["max"] = passed().max().into();
    }
    answer
}

proptest! {
    #[test]
    fn a_summary_counts_as_one_counts_by_hand(
        outputs in (0_usize..8).prop_flat_map(|items| (0..items).map(sound).collect::<Vec<_>>())
    ) {
        let plan = plan(outputs.len());
        let mut run = plan.start();
        for (place, output) in outputs.iter().enumerate() {
            answered(&mut run, place, output);
        }
        let reduced = run.reduce();
        let values: Vec<Value> = outputs.iter().map(|output| serde_json::from_str(output).unwrap()).collect();
        prop_assert_eq!(canonical::to_vec(&naive(&values)), canonical::to_vec(&reduced.answer));
        prop_assert_eq!((reduced.accepted, reduced.denied, reduced.failed), (outputs.len() as u64, 0, 0));
    }
}

/// What is said of the member `n` of `items` outputs that all write the most that they may.
fn of_wide(shape: &str, most: &str, items: usize) -> Value {
    let contract = format!(r#"{{"contract_version": "1", "members": {{"n": {shape}}}}}"#);
    let listed = (0..items).map(|place| MapItem { id: id(place), input: Vec::new() }).collect();
    let budget = Budget { items: items as u64, ..Budget::default() };
    let plan = MapPlan::new(work(), contract.parse().unwrap(), budget, listed).unwrap();
    let mut run = plan.start();
    for place in 0..items {
        answered(&mut run, place, format!(r#"{{"n": {most}}}"#));
    }
    run.reduce().answer.unwrap()["n"].clone()
}

#[test]
fn a_sum_that_one_worker_could_spoil_is_left_out_whatever_is_written() {
    let integer = |max: u64| format!(r#"{{"type": "integer", "min": 0, "max": {max}}}"#);
    let array = |max: u64| format!(r#"{{"type": "array", "max_entries": 2, "of": {}}}"#, integer(max));
    let half = SAFE_INTEGER / 2;
    assert_eq!(of_wide(&integer(SAFE_INTEGER), "1", 2), json!({"max": 1, "min": 1}));
    assert_eq!(of_wide(&integer(SAFE_INTEGER), &SAFE_INTEGER.to_string(), 1)["sum"], SAFE_INTEGER);
    assert_eq!(of_wide(&integer(half), &half.to_string(), 2)["sum"], half * 2);
    assert_eq!(of_wide(&array(half), &format!("[{half}, {half}]"), 1)["sum"], half * 2);
    assert_eq!(of_wide(&array(half), "[1]", 2), json!({"max": 1, "min": 1}));
}
