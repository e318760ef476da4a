//! The laws of guard evaluation as properties.

use dome_core::guard::{GuardContext, GuardrailsBundle};
use dome_core::{Decision, canonical};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::decide;
use super::pinned::{bundle, context, validator};

/// Every place of a document.
fn places(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| self::places(value, &format!("{at}/{name}"), places))
        }
        Value::Array(entries) => {
            entries
                .iter()
                .enumerate()
                .for_each(|(number, value)| self::places(value, &format!("{at}/{number}"), places));
        }
        _ => {}
    }
}

fn reversed(value: &mut Value) {
    match value {
        Value::Array(entries) => {
            entries.reverse();
            entries.iter_mut().for_each(reversed);
        }
        Value::Object(members) => members.values_mut().for_each(reversed),
        _ => {}
    }
}

#[test]
fn m100_any_bundle_gives_evaluations_of_the_pinned_shape() {
    let (taken, shape) = (validator("guardrails_bundle.schema.json"), validator("guard.schema.json#/definitions/eval"));
    proptest!(|(bundle in bundle(), context in context())| {
        prop_assert!(taken.is_valid(&bundle));
        let decided = decide(&bundle, &context);
        for eval in &decided.guard_evals {
            prop_assert!(shape.is_valid(&serde_json::to_value(eval).unwrap()), "{:?}", eval);
        }
        let most = decided.guard_evals.iter().filter_map(|eval| eval.decision).max();
        prop_assert_eq!(decided.decision, most.unwrap_or(Decision::Allow));
        let mut declared = Vec::new();
        canonical::append(&decided, &mut declared);
        prop_assert_eq!(canonical::to_vec(&decided).unwrap(), declared, "declared in canonical order");
    });
}

#[test]
fn m100_what_the_pinned_schema_refuses_is_not_read() {
    let taken = validator("guardrails_bundle.schema.json");
    let wrong = prop::sample::select(vec![
        Value::Null,
        json!(""),
        json!("x"),
        json!(-1),
        json!(2.5),
        json!([]),
        json!({}),
        json!([1]),
    ]);
    let refused = std::cell::Cell::new(0_u32);
    let cases = ProptestConfig::default().cases;
    proptest!(|(bundle in bundle(), place: prop::sample::Index, value in wrong, add: bool)| {
        let (mut bundle, mut all) = (bundle, Vec::new());
        places(&bundle, "", &mut all);
        let at = bundle.pointer_mut(place.get::<String>(&all)).unwrap();
        match at.as_object_mut() {
            Some(members) if add => drop(members.insert("not_a_member".to_owned(), value)),
            _ => *at = value,
        }
        let read = GuardrailsBundle::parse(bundle.to_string().as_bytes());
        refused.set(refused.get() + u32::from(read.is_err()));
        prop_assert!(read.is_err() || taken.is_valid(&bundle), "{bundle}");
    });
    assert!(refused.get() > cases / 5, "{refused:?} of {cases}");
}

proptest! {
    #[test]
    fn m100_reading_is_total(document in prop::collection::vec(any::<u8>(), 0..64), text in "[{}\\[\\]\":,a-z0-9 ]{0,64}") {
        for bytes in [document.as_slice(), text.as_bytes()] {
            let _ = GuardrailsBundle::parse(bytes);
            let _ = GuardContext::parse(bytes);
        }
    }

    #[test]
    fn m100_order_changes_nothing(bundle in bundle(), context in context()) {
        let (mut turned, mut asked) = (bundle.clone(), context.clone());
        reversed(&mut turned);
        reversed(&mut asked);
        prop_assert_eq!(decide(&bundle, &context), decide(&turned, &asked));
    }

    #[test]
    fn m100_less_evidence_or_a_falser_predicate_never_decides_better(
        bundle in bundle(), context in context(), predicate in prop::sample::select(&["clean", "green"][..]), evidence: bool,
    ) {
        let mut worse = context.clone();
        if evidence {
            worse["evidence_kinds"].as_array_mut().unwrap().pop();
        } else if worse["predicates"][predicate] == json!(true) {
            worse["predicates"][predicate] = json!(false);
        }
        prop_assert!(decide(&bundle, &worse).decision >= decide(&bundle, &context).decision);
    }

    #[test]
    fn m100_an_added_unknown_never_turns_a_denial_into_allow(
        bundle in bundle(), context in context(), member in prop::sample::select(&["clean", "green", "from_state", "to_state"][..]),
    ) {
        let mut bundle = bundle;
        let mut vague = context.clone();
        if let "clean" | "green" = member {
            vague["predicates"].as_object_mut().unwrap().remove(member);
        } else {
            // A state that is kept back hides a guard that would apply, unless none may be unknown.
            bundle["meta"]["requirements"]["unknowns_policy"]["max_unknowns"] = json!(0);
            vague.as_object_mut().unwrap().remove(member);
        }
        let was_false = context["predicates"][member] == json!(false);
        if was_false {
            bundle["meta"]["requirements"]["unknowns_policy"]["max_unknowns"] = json!(0);
        }
        let (before, after) = (decide(&bundle, &context), decide(&bundle, &vague));
        prop_assert!(!before.decision.denies() || after.decision.denies(), "{before:?} {after:?}");
    }

    #[test]
    fn m100_a_bundle_with_more_guards_never_decides_better_where_none_names_a_transition(bundle in bundle(), context in context()) {
        let mut bundle = bundle;
        for guard in bundle["guards"].as_array_mut().unwrap() {
            let to = guard["applies_to"].as_object_mut().unwrap();
            to.remove("transition");
            to.remove("transitions");
        }
        bundle["meta"]["requirements"]["unknowns_policy"]["max_unknowns"] = json!(0);
        let whole = decide(&bundle, &context).decision;
        let guards = bundle["guards"].as_array_mut().unwrap();
        if guards.len() > 1 {
            guards.pop();
            prop_assert!(decide(&bundle, &context).decision <= whole);
        }
    }
}
