//! The pinned schemas, compiled, and bundles that they take.

use jsonschema::{Registry, Retrieve, Uri, Validator};
use proptest::prelude::*;
use serde_json::{Value, json};
use xtrlv2_fixtures::V0_1;

struct Refuse;

impl Retrieve for Refuse {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("`{uri}` is not pinned").into())
    }
}

/// The pinned schema at a reference such as `guard.schema.json#/definitions/eval`.
pub(crate) fn validator(reference: &str) -> Validator {
    let mut registry = Registry::new().retriever(Refuse);
    for schema in V0_1.schemas() {
        let value: Value = serde_json::from_slice(schema.bytes).unwrap();
        registry = registry.add(format!("xtrlv2:/{}", schema.path), value).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let entry = json!({
        "$schema": "http://json-schema.org/draft-07/schema#", "$ref": format!("xtrlv2:/schemas/{reference}"),
    });
    jsonschema::options().with_registry(&registry).with_retriever(Refuse).build(&entry).unwrap()
}

/// The valid bundle that ships with the contracts.
pub(crate) fn example() -> Value {
    serde_json::from_slice(V0_1.artifact("examples/valid/guardrails_bundle.json").unwrap().bytes).unwrap()
}

fn some(words: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(words), 0..3)
}

fn absent_or<T: serde::Serialize + std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Value> {
    prop::option::of(of).prop_map(|value| value.map_or(Value::Null, |value| json!(value)))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            members.into_iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k, without_nulls(v))).collect()
        }
        value => value,
    }
}

const STATES: &[&str] = &["draft", "candidate", "promoted"];
const KINDS: &[&str] = &["gate_decision", "report"];
const ACTIONS: &[&str] = &["promote", "review"];
const EVIDENCE: &[&str] = &["log", "test_report"];
const PREDICATES: &[&str] = &["clean", "green", ""];
const DENIALS: &[&str] = &["DENY", "STOP"];
const TRANSITIONS: &[&str] = &["draft:candidate", "candidate:promoted", "t1"];

fn guard() -> impl Strategy<Value = Value> {
    let state = || prop::sample::select(STATES);
    let transition = (state(), state(), absent_or(prop::sample::select(&["GATE", "PLAN"][..])));
    let transition =
        transition.prop_map(|(from, to, phase)| without_nulls(json!({"from": from, "to": to, "phase": phase})));
    let applies = (
        absent_or(some(KINDS)),
        absent_or(some(TRANSITIONS)),
        absent_or(transition),
        absent_or(prop::sample::subsequence(STATES, 0..=3)),
        absent_or(some(ACTIONS)),
    );
    let applies = applies.prop_map(|(kinds, transitions, transition, states, actions)| without_nulls(json!({
        "artifact_kinds": kinds, "transitions": transitions, "transition": transition, "known_states": states, "actions": actions,
    })));
    let confidence = absent_or(prop::sample::select(&[0.0, 0.25, 1.0][..]));
    let feedback = (confidence, absent_or(Just(["load"]))).prop_map(|(confidence, unknowns)| match confidence {
        Value::Null => Value::Null,
        confidence => without_nulls(json!({
            "severity": "warn", "operator_message": "Something is not as it should be.",
            "actionable_hint": "Look at the report first.", "next_step": "hold", "confidence": confidence,
            "unknowns": unknowns,
        })),
    });
    let code = prop::sample::select(&["TESTS_FAILED", "LINT_FAILED"][..]);
    (
        applies,
        prop::sample::select(DENIALS),
        code,
        some(EVIDENCE),
        absent_or(prop::sample::select(PREDICATES)),
        feedback,
    )
        .prop_map(|(applies, denial, code, evidence, predicate, feedback)| {
            without_nulls(json!({
                "applies_to": applies, "deny_decision": denial, "reason_code": code, "required_evidence": evidence,
                "predicate_ref": predicate, "feedback": feedback,
            }))
        })
}

/// Bundles that the pinned schema takes.
pub(crate) fn bundle() -> impl Strategy<Value = Value> {
    let denial = || prop::sample::select(DENIALS);
    let guards = prop::collection::vec(guard(), 1..5);
    (guards, some(EVIDENCE), denial(), denial(), absent_or(0_u64..3)).prop_map(|(mut guards, evidence, state, transition, most)| {
        for (number, guard) in guards.iter_mut().enumerate() {
            guard["guard_id"] = json!(format!("g{number}"));
        }
        let mut bundle = example();
        bundle["guards"] = json!(guards);
        bundle["meta"]["requirements"] = json!({
            "required_evidence": evidence,
            "unknowns_policy": without_nulls(json!({
                "on_unknown_state": state, "on_unknown_transition": transition, "reason_code": "AMBIGUOUS_STATE_DENIED",
                "emit_unknowns_field": "unknowns", "max_unknowns": most,
            })),
        });
        bundle
    })
}

/// Contexts over the same words, and some that no bundle knows.
pub(crate) fn context() -> impl Strategy<Value = Value> {
    let state = || absent_or(prop::sample::select(&["draft", "candidate", "promoted", "limbo"][..]));
    let result = || prop::sample::select(vec![Value::Null, json!(true), json!(true), json!(false), json!("unknown")]);
    let predicates =
        (result(), result()).prop_map(|(clean, green)| without_nulls(json!({"clean": clean, "green": green})));
    (
        absent_or(prop::sample::select(KINDS)),
        absent_or(prop::sample::select(ACTIONS)),
        state(),
        state(),
        prop::sample::subsequence(EVIDENCE, 0..=2),
        predicates,
        absent_or(prop::sample::select(&["GATE", "PLAN"][..])),
        absent_or(Just("t1")),
    )
        .prop_map(|(kind, action, from, to, evidence, predicates, phase, id)| {
            without_nulls(json!({
                "context_version": "1", "artifact_kind": kind, "action": action, "from_state": from, "to_state": to,
                "evidence_kinds": evidence, "predicates": predicates, "phase": phase, "transition_id": id,
            }))
        })
}
