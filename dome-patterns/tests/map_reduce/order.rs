//! Any order of completion, the same bytes.

use dome_core::{Envelope, WrapperPolicy};
use dome_patterns::{Completion, Pattern, RecordError, Reporter};
use proptest::prelude::*;

use super::{exited, id, plan, reduction, sound};

fn completions() -> impl Strategy<Value = Vec<Option<Completion>>> {
    let item = |place| {
        prop_oneof![
            6 => sound(place).prop_map(|output| Some(exited(output))),
            1 => "\\PC{0,20}".prop_map(|output| Some(exited(output))),
            1 => Just(None),
        ]
    };
    (0_usize..8).prop_flat_map(move |items| (0..items).map(item).collect::<Vec<_>>())
}

fn reporter() -> Reporter {
    Reporter::new("run-1".parse().unwrap(), "2026-01-01T00:00:00Z".parse().unwrap(), WrapperPolicy::Strict)
}

/// Everything that a result can say, as bytes.
fn said(completions: &[Option<Completion>], order: &[usize]) -> Vec<Vec<u8>> {
    let plan = plan(completions.len());
    let mut run = plan.start();
    for place in order {
        if let Some(completion) = &completions[*place] {
            run.record(&id(*place), completion.clone()).unwrap();
        }
    }
    let (result, pattern) = (run.finish(), Pattern::secure_map_reduce().unwrap());
    let envelopes = result.envelopes(&pattern, &mut reporter()).unwrap();
    let mut said: Vec<Vec<u8>> = envelopes.iter().map(|envelope: &Envelope| envelope.to_line().into_bytes()).collect();
    said.push(result.to_bytes());
    said.push(result.reduce(&reduction(&plan)).unwrap().to_bytes());
    said
}

proptest! {
    #[test]
    fn any_order_of_completion_gives_the_same_bytes(
        (completions, order) in completions().prop_flat_map(|completions| {
            let places: Vec<usize> = (0..completions.len()).collect();
            (Just(completions), Just(places).prop_shuffle())
        })
    ) {
        let places: Vec<usize> = (0..completions.len()).collect();
        prop_assert_eq!(said(&completions, &places), said(&completions, &order));
    }
}

#[test]
fn a_completion_is_taken_once_and_only_for_an_admitted_item() {
    let plan = super::planned(dome_patterns::Budget { items: 1, ..Default::default() }, 2);
    let mut run = plan.start();
    run.record(&id(0), exited("{}")).unwrap();
    assert_eq!(run.record(&id(0), exited("[]")), Err(RecordError::Twice(id(0))));
    assert_eq!(run.record(&id(1), exited("{}")), Err(RecordError::Denied(id(1))));
    assert_eq!(run.record(&id(2), exited("{}")), Err(RecordError::Unknown(id(2))));
}
