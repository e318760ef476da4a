//! Who is denied follows from the plan alone.

use dome_patterns::{Budget, ItemOutcome, MapItem, MapPlan, PatternDenial as Denied, PatternError, WorkerEnd};
use proptest::prelude::*;
use serde_json::json;

use super::{CONTRACT, answered, id, plan, planned, work};

fn denials(plan: &MapPlan) -> Vec<Option<Denied>> {
    let denied = |outcome: &ItemOutcome| match outcome {
        ItemOutcome::Denied(denial) => Some(denial.code),
        ItemOutcome::Accepted(_) | ItemOutcome::Failed(_) => None,
    };
    plan.start().items().iter().map(|item| denied(&item.outcome)).collect()
}

#[test]
fn each_denial_has_its_code() {
    let budget = Budget::default();
    let of = |budget| denials(&planned(budget, 3));
    assert_eq!(of(budget), [None; 3]);
    assert_eq!(of(Budget { items: 2, ..budget }), [None, None, Some(Denied::FanOut)]);
    let bytes = Budget { output_bytes: 100, total_output_bytes: 299, ..budget };
    assert_eq!(of(bytes), [None, None, Some(Denied::BytesBudget)]);
    let time = Budget { worker_time_ms: 100, total_time_ms: 100, ..budget };
    assert_eq!(of(time), [None, Some(Denied::TimeBudget), Some(Denied::TimeBudget)]);
    assert_eq!(of(Budget { input_bytes: 6, ..budget }), [Some(Denied::InputTooLarge); 3]);
}

#[test]
fn more_failures_or_denials_than_allowed_leave_nothing_to_reduce() {
    let refused = |budget: Budget| {
        let reduced = planned(budget, 2).start().reduce();
        assert_eq!(reduced.answer.is_none(), reduced.withheld.is_some());
        (reduced.withheld, reduced.failed, reduced.denied)
    };
    let budget = Budget::default();
    assert_eq!(refused(budget), (Some(Denied::TooManyFailures), 2, 0));
    assert_eq!(refused(Budget { failures_allowed: 1, ..budget }), (Some(Denied::TooManyFailures), 2, 0));
    assert_eq!(refused(Budget { failures_allowed: 2, ..budget }), (None, 2, 0));
    let one = Budget { items: 1, failures_allowed: 1, ..budget };
    assert_eq!(refused(one), (Some(Denied::TooManyDenials), 1, 1));
    assert_eq!(refused(Budget { denials_allowed: 1, ..one }), (None, 1, 1));
}

#[test]
fn what_a_tool_denies_counts_as_denied() {
    let plan = planned(Budget { denials_allowed: 1, failures_allowed: 1, ..Budget::default() }, 2);
    let mut run = plan.start();
    run.record(&id(0), WorkerEnd::Denied("SECRET_IN_TEXT".parse().unwrap())).unwrap();
    let reduced = run.reduce();
    assert_eq!((reduced.withheld, reduced.denied, reduced.failed), (None, 1, 1));
    let row = serde_json::to_value(&reduced.items[0]).unwrap();
    let expected = json!({
        "item": "trial-0", "policy_reason_code": "MAP.TOOL_DENIED", "reported": "SECRET_IN_TEXT", "status": "denied",
    });
    assert_eq!(row, expected);
}

#[test]
fn a_plan_has_each_item_once_and_a_budget_within_limits() {
    let item = || MapItem { id: id(0), input: Vec::new() };
    let plan = |budget, items| MapPlan::new(work(), CONTRACT.parse().unwrap(), budget, items);
    let twice = PatternError { at: id(0).to_string(), what: "the item is listed twice".to_owned() };
    assert_eq!(plan(Budget::default(), vec![item(), item()]), Err(twice));
    let no_time = Budget { worker_time_ms: 0, ..Budget::default() };
    assert_eq!(plan(no_time, vec![]).unwrap_err().at, "worker_time_ms");
    let long = MapItem { id: "a".repeat(512).parse().unwrap(), input: Vec::new() };
    assert!(plan(Budget::default(), vec![long]).unwrap_err().what.contains("at most 512 bytes"));
    for wrong in [r#"{"item": 3}"#, r#"{"items": -1}"#, r#"{"items": 65537}"#, "[]"] {
        assert!(wrong.parse::<Budget>().is_err(), "{wrong}");
    }
}

#[test]
fn a_worker_sees_one_item() {
    let plan = plan(3);
    let seen: Vec<_> = plan.admitted().map(|item| (item.id.clone(), item.input.clone())).collect();
    let expected = (0..3).map(|place| (id(place), format!("input {place}").into_bytes()));
    assert_eq!(seen, expected.collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn what_workers_write_changes_no_denial_and_never_exceeds_the_budget(
        items in 0_u64..6, output_bytes in 1_u64..200, total in 0_u64..1_000,
        outputs in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 6),
    ) {
        let budget = Budget {
            items, output_bytes, total_output_bytes: total, failures_allowed: 6, denials_allowed: 6, ..Budget::default()
        };
        let plan = planned(budget, 6);
        let before = denials(&plan);
        let mut run = plan.start();
        for (place, output) in outputs.iter().enumerate().take(plan.admitted().count()) {
            answered(&mut run, place, output);
        }
        let taken = run.items().iter().filter(|item| item.accepted().is_some());
        prop_assert!(taken.map(|item| item.output.as_ref().unwrap().bytes.unwrap()).sum::<u64>() <= total);
        let after: Vec<_> = run.items().iter().map(|item| matches!(item.outcome, ItemOutcome::Denied(_))).collect();
        prop_assert_eq!(before.iter().map(Option::is_some).collect::<Vec<_>>(), after);
        prop_assert_eq!(plan.admitted().count() as u64, items.min(total / output_bytes).min(6));
    }
}
