//! Ready-made reducers, beside a naive count of the same outputs.

use dome_core::limits::SAFE_INTEGER;
use dome_patterns::{
    Accepted, Budget, Completion, Figure, Item, MapPlan, ReduceFailureCode, ReduceRefusal, Reducer, ReducerError,
    Reduction,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{exited, id, plan, reduction, sound};

fn naive(outputs: &[Value]) -> Value {
    let passed = || outputs.iter().map(|output| output["passed"].as_i64().unwrap());
    let count = |wanted: &dyn Fn(&Value) -> usize| outputs.iter().map(wanted).sum::<usize>();
    let gate = |name: &str| {
        count(&|output| output["gates"].as_array().unwrap().iter().filter(|gate| gate.as_str() == Some(name)).count())
    };
    let verdict = |name: &str| count(&|output| usize::from(output["verdict"] == name));
    let flaky = |value: bool| count(&|output| usize::from(output["detail"]["flaky"] == value));
    let mut answer = json!({
        "count": outputs.len(), "total": passed().sum::<i64>(),
        "gates": {"lint": gate("lint"), "unit": gate("unit")},
        "verdicts": {"failed": verdict("failed"), "resolved": verdict("resolved")},
        "flaky": {"false": flaky(false), "true": flaky(true)},
    });
    if !outputs.is_empty() {
        answer["least"] = passed().min().into();
        answer["most"] = passed().max().into();
    }
    answer
}

proptest! {
    #[test]
    fn reducers_count_as_one_counts_by_hand(
        outputs in (0_usize..8).prop_flat_map(|items| (0..items).map(sound).collect::<Vec<_>>())
    ) {
        let plan = plan(outputs.len());
        let mut run = plan.start();
        for (place, output) in outputs.iter().enumerate() {
            run.record(&id(place), exited(output.as_str())).unwrap();
        }
        let reduced = run.finish().reduce(&reduction(&plan)).unwrap();
        let values: Vec<Value> = outputs.iter().map(|output| serde_json::from_str(output).unwrap()).collect();
        let expected = json!({"accepted": outputs.len(), "answer": naive(&values), "denied": 0, "failed": 0});
        prop_assert_eq!(dome_core::canonical::to_vec(&expected).unwrap(), reduced.to_bytes(), "canonical as declared");
    }
}

fn wide(max: u64, items: usize) -> MapPlan {
    let contract =
        format!(r#"{{"contract_version": "1", "members": {{"n": {{"type": "integer", "min": 0, "max": {max}}}}}}}"#);
    let listed = (0..items).map(|place| Item { id: id(place), input: Vec::new() }).collect();
    let budget = Budget { items: items as u64, ..Budget::default() };
    MapPlan::new(contract.parse().unwrap(), budget, listed).unwrap()
}

fn sum(plan: &MapPlan) -> Result<Reduction, ReducerError> {
    Reduction::new(plan, [("n".parse().unwrap(), Reducer::Sum("n".parse().unwrap()))])
}

#[test]
fn a_sum_that_one_worker_could_spoil_is_refused_before_any_runs() {
    let refused = sum(&wide(SAFE_INTEGER, 2));
    assert_eq!(refused, Err(ReducerError::CouldOverflow { path: "n".to_owned(), items: 2 }));
    assert!(sum(&wide(SAFE_INTEGER / 2, 2)).is_ok());
}

#[test]
fn a_sum_beyond_the_safe_range_is_a_failure() {
    // A reduction that was made for a smaller plan.
    let (reduction, plan) = (sum(&wide(SAFE_INTEGER, 1)).unwrap(), wide(SAFE_INTEGER, 2));
    let mut run = plan.start();
    for place in 0..2 {
        run.record(&id(place), Completion::exited(format!(r#"{{"n": {SAFE_INTEGER}}}"#).into(), 1)).unwrap();
    }
    assert_eq!(run.finish().reduce(&reduction), Err(ReduceRefusal::Failed(ReduceFailureCode::Overflow)));
}

#[test]
fn reducers_fit_the_contract() {
    let plan = plan(1);
    let fits = |reducer| Reduction::new(&plan, [("a".parse().unwrap(), reducer)]).is_ok();
    let path = |text: &str| text.parse().unwrap();
    assert!(fits(Reducer::Tally(path("gates"))) && fits(Reducer::Max(path("passed"))));
    for misfit in ["gates", "item", "note", "detail", "detail.flaky", "absent", "passed.more"] {
        assert!(!fits(Reducer::Sum(path(misfit))), "{misfit}");
    }
    assert!(!fits(Reducer::Tally(path("note"))), "a text is no word of the contract");
}

#[test]
fn a_closure_reduces_and_may_fail() {
    let plan = plan(2);
    let give_up = |_: &Accepted<'_>| Err::<(), _>(ReduceFailureCode::Failed);
    let refused = plan.start().finish().reduce(&give_up);
    assert_eq!(refused, Err(ReduceRefusal::Failed(ReduceFailureCode::Failed)));
    let reduced = plan.start().finish().reduce(&reduction(&plan)).unwrap();
    assert!(matches!(reduced.answer.get("gates"), Some(Figure::Tally(tally)) if tally.get("unit") == Some(0)));
}
