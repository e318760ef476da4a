//! Any order of completion, the same bytes.

use dome_core::{Envelope, WrapperPolicy, canonical};
use dome_patterns::{Reporter, WorkerEnd};
use proptest::prelude::*;

use super::{answered, id, plan, sound};

/// What each worker wrote, if it was heard of.
fn outputs() -> impl Strategy<Value = Vec<Option<String>>> {
    let item = |place| {
        prop_oneof![
            6 => sound(place).prop_map(Some),
            1 => "\\PC{0,20}".prop_map(Some),
            1 => Just(None),
        ]
    };
    (0_usize..8).prop_flat_map(move |items| (0..items).map(item).collect::<Vec<_>>())
}

fn reporter() -> Reporter {
    Reporter::new("run-1".parse().unwrap(), "2026-01-01T00:00:00Z".parse().unwrap(), WrapperPolicy::Strict)
}

/// Everything that a result can say, as bytes.
fn said(outputs: &[Option<String>], order: &[usize]) -> Vec<Vec<u8>> {
    let plan = plan(outputs.len());
    let mut run = plan.start();
    for place in order {
        if let Some(output) = &outputs[*place] {
            answered(&mut run, *place, output);
        }
    }
    let envelopes = run.envelopes(&mut reporter()).unwrap();
    let mut said: Vec<Vec<u8>> = envelopes.iter().map(|envelope: &Envelope| envelope.to_line().into_bytes()).collect();
    said.extend(run.items().iter().map(|item| canonical::to_vec(item).unwrap()));
    said.push(canonical::to_vec(&run.reduce()).unwrap());
    said
}

proptest! {
    #[test]
    fn any_order_of_completion_gives_the_same_bytes(
        (outputs, order) in outputs().prop_flat_map(|outputs| {
            let places: Vec<usize> = (0..outputs.len()).collect();
            (Just(outputs), Just(places).prop_shuffle())
        })
    ) {
        let places: Vec<usize> = (0..outputs.len()).collect();
        prop_assert_eq!(said(&outputs, &places), said(&outputs, &order));
    }
}

#[test]
fn a_completion_is_taken_once_and_only_for_an_admitted_item() {
    let plan = super::planned(dome_patterns::Budget { items: 1, ..Default::default() }, 2);
    let mut run = plan.start();
    answered(&mut run, 0, "{}");
    let before = run.items().to_vec();
    let mut refused = |place| run.record(&id(place), WorkerEnd::Answered(b"[]".to_vec())).unwrap_err().to_string();
    assert_eq!(refused(0), "`trial-0`: its worker was recorded already");
    assert_eq!(refused(1), "`trial-1`: the item was denied");
    assert_eq!(refused(2), "`trial-2`: the plan has no such item");
    assert_eq!(run.items(), before, "what is refused changes nothing");
}
