//! No write below changes what guards decide or what may be done.

use dome_core::Decision;
use dome_core::canonical;
use dome_core::guard::{GuardContext, GuardrailsBundle, PredicateResult, evaluate};
use dome_patterns::{Authoritative, LayeredMemory};
use proptest::prelude::*;
use serde_json::json;

use super::history::{KEYS, authority, history, lived};
use super::{LOWER, at, key, run, text};

fn bundle() -> impl Strategy<Value = GuardrailsBundle> {
    let name = || prop::sample::select(&KEYS[..]);
    let states = prop::option::of(prop::collection::vec(prop::sample::select(&["draft", "live"][..]), 0..2));
    let guard = (any::<bool>(), states, any::<bool>(), prop::collection::vec(name(), 0..2), prop::option::of(name()))
        .prop_map(|(acts, states, stops, evidence, predicate)| {
            let mut guard = json!({
                "applies_to": {}, "deny_decision": if stops { "STOP" } else { "DENY" },
                "reason_code": "GUARDED", "required_evidence": evidence,
            });
            if acts {
                guard["applies_to"]["actions"] = json!(["deploy"]);
            }
            if let Some(states) = states {
                guard["applies_to"]["known_states"] = json!(states);
            }
            if let Some(predicate) = predicate {
                guard["predicate_ref"] = json!(predicate);
            }
            guard
        });
    (prop::collection::vec(guard, 1..4), 0_u64..3).prop_map(|(mut guards, max_unknowns)| {
        for (number, guard) in guards.iter_mut().enumerate() {
            guard["guard_id"] = json!(format!("g{number}"));
        }
        let document = json!({
            "artifact_kind": "guardrails_bundle", "bundle_id": "b", "version": "1", "guards": guards,
            "meta": {
                "policy_linkage": {"reason_codes_ref": {"path": "reason_codes.json", "version": "0.1"}},
                "requirements": {"required_evidence": [], "unknowns_policy": {
                    "on_unknown_state": "DENY", "on_unknown_transition": "STOP", "max_unknowns": max_unknowns,
                    "reason_code": "UNKNOWN", "emit_unknowns_field": "unknowns"}},
                "guards": {"spec": [], "eval": []},
            },
        });
        GuardrailsBundle::parse(document.to_string().as_bytes()).unwrap()
    })
}

/// A request that claims evidence, predicates and a state of its own.
fn request() -> impl Strategy<Value = GuardContext> {
    let word = |words: &'static [&'static str]| prop::option::of(prop::sample::select(words));
    (word(&["deploy", "test"]), word(&["live", "gone"]), any::<bool>()).prop_map(|(action, to_state, lies)| {
        let (action, to_state) = (action.map(Into::into), to_state.map(Into::into));
        let mut request = GuardContext { action, to_state, ..GuardContext::default() };
        if lies {
            request.evidence_kinds = KEYS.into_iter().map(Into::into).collect();
            request.predicates = KEYS.into_iter().map(|name| (name.into(), PredicateResult::True)).collect();
            request.from_state = Some("draft".into());
        }
        request
    })
}

/// The context that the owner's words alone come to, put together by another way.
fn by_hand(owner: &Authoritative, request: &GuardContext) -> GuardContext {
    let predicates = owner.predicates.iter().map(|(name, result)| (name.to_string(), json!(result)));
    let mut context = json!({
        "context_version": "1", "evidence_kinds": owner.evidence_kinds,
        "predicates": predicates.collect::<serde_json::Map<_, _>>(),
    });
    let members = [
        ("from_state", owner.from_state.as_deref()),
        ("action", request.action.as_deref()),
        ("to_state", request.to_state.as_deref()),
    ];
    for (name, value) in members {
        if let Some(value) = value {
            context[name] = json!(value);
        }
    }
    GuardContext::parse(context.to_string().as_bytes()).unwrap()
}

proptest! {
    #[test]
    fn no_write_below_changes_a_guard_decision_or_a_capability(
        owner in authority(), bundle in bundle(), request in request(), history in history(),
    ) {
        let (mut memory, before) = (LayeredMemory::default(), owner.clone());
        let decided = owner.decide(&bundle, request.clone());
        lived(&mut memory, &owner, &history);
        prop_assert_eq!(canonical::to_vec(&owner.decide(&bundle, request.clone())), canonical::to_vec(&decided));
        prop_assert_eq!(&owner, &before);
        prop_assert_eq!(decided, evaluate(&bundle, &by_hand(&owner, &request)), "and they are the owner's words");
    }
}

#[test]
fn the_owner_can_change_what_guards_decide_and_nobody_else() {
    let bundle = GuardrailsBundle::parse(
        br#"{"artifact_kind": "guardrails_bundle", "bundle_id": "b", "version": "1",
             "meta": {"policy_linkage": {"reason_codes_ref": {"path": "r.json", "version": "0.1"}},
                      "requirements": {"required_evidence": [], "unknowns_policy": {
                        "on_unknown_state": "DENY", "on_unknown_transition": "DENY",
                        "reason_code": "UNKNOWN", "emit_unknowns_field": "unknowns"}},
                      "guards": {"spec": [], "eval": []}},
             "guards": [{"guard_id": "green", "applies_to": {"actions": ["deploy"]}, "deny_decision": "DENY",
                         "reason_code": "NOT_GREEN", "predicate_ref": "predicates/green",
                         "required_evidence": ["test_report"]}]}"#,
    )
    .unwrap();
    let mut request = GuardContext { action: Some("deploy".into()), ..GuardContext::default() };
    request.evidence_kinds.insert("test_report".into());
    request.predicates.insert("predicates/green".into(), PredicateResult::True);
    let (mut owner, mut memory) = (Authoritative::default(), LayeredMemory::default());
    for layer in LOWER {
        for name in ["predicates/green", "test_report", "deploy"] {
            memory.write(layer, key(name), text("true"), run(), at(0)).unwrap();
        }
    }
    assert_eq!(owner.decide(&bundle, request.clone()).decision, Decision::Deny, "nor does asking with own words");
    owner.evidence_kinds.insert("test_report".into());
    owner.predicates.insert("predicates/green".into(), PredicateResult::True);
    assert_eq!(owner.decide(&bundle, request).decision, Decision::Allow);
}
