//! No write below changes what guards decide or what may be done.

use dome_core::Decision;
use dome_core::canonical;
use dome_core::guard::{GuardContext, GuardrailsBundle, PredicateResult, evaluate};
use dome_patterns::{Authoritative, Capability, GuardRequest, LowerLayer, Memory};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::history::{KEYS, authority, history, lived};
use super::{at, key};

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

fn request() -> impl Strategy<Value = GuardRequest> {
    let word = |words: &'static [&'static str]| prop::option::of(prop::sample::select(words));
    (word(&["deploy", "test"]), word(&["live", "gone"])).prop_map(|(action, to_state)| GuardRequest {
        action: action.map(Into::into),
        to_state: to_state.map(Into::into),
        ..GuardRequest::default()
    })
}

/// The context that the owner's words alone come to, put together by another way.
fn by_hand(authority: &Authoritative, request: &GuardRequest) -> GuardContext {
    let memory = Memory::new(authority.clone());
    let dump: Value = serde_json::from_slice(&memory.dump()).unwrap();
    let owner = &dump["authoritative"];
    let rows = owner["predicates"].as_array().unwrap().iter();
    let predicates = rows.map(|row| (row["name"].as_str().unwrap().to_owned(), row["result"].clone()));
    let mut context = json!({
        "context_version": "1", "evidence_kinds": owner["evidence_kinds"],
        "predicates": Value::Object(predicates.collect()),
    });
    let members = [
        ("from_state", owner["from_state"].as_str()),
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

fn names(authority: &Authoritative) -> Vec<String> {
    authority.capabilities().map(|capability: Capability<'_>| capability.name().to_owned()).collect()
}

proptest! {
    #[test]
    fn no_write_below_changes_a_guard_decision_or_a_capability(
        authority in authority(), bundle in bundle(), request in request(), history in history(),
    ) {
        let mut memory = Memory::new(authority.clone());
        let decide = |memory: &Memory| memory.authoritative().guard_inputs(&request).evaluate(&bundle);
        let (before, granted) = (decide(&memory), names(memory.authoritative()));
        lived(&mut memory, &history);
        let loaded = Memory::load(&memory.dump()).unwrap();
        for memory in [&memory, &loaded] {
            prop_assert_eq!(canonical::to_vec(&decide(memory)), canonical::to_vec(&before));
            prop_assert_eq!(names(memory.authoritative()), granted.clone());
            prop_assert_eq!(memory.authoritative(), &authority);
        }
        prop_assert_eq!(before, evaluate(&bundle, &by_hand(&authority, &request)), "and they are the owner's words");
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
    let request = GuardRequest { action: Some("deploy".into()), ..GuardRequest::default() };
    let mut memory = Memory::new(Authoritative::new());
    for layer in LowerLayer::ALL {
        for name in ["predicates/green", "test_report", "deploy"] {
            memory.lower().write(layer, key(name), true.into(), "run-1".parse().unwrap(), at(0)).unwrap();
        }
    }
    let decide = |memory: &Memory| memory.authoritative().guard_inputs(&request).evaluate(&bundle).decision;
    assert_eq!(decide(&memory), Decision::Deny);
    assert!(memory.authoritative().capability("deploy").is_none());
    let owner = Authoritative::new().grants("deploy").evidence("test_report");
    let before = memory.replace_authoritative(owner.predicate("predicates/green", PredicateResult::True));
    assert_eq!((before, decide(&memory)), (Authoritative::new(), Decision::Allow));
    assert_eq!(memory.authoritative().capability("deploy").unwrap().name(), "deploy");
}
