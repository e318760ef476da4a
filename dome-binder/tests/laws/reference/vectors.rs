//! The model's vectors: single values, each with what a rule makes of it.

use serde_json::Value;

use super::Input;
use super::assemble::confidence;
use super::envelope::{Fact, hash, version};
use super::fold::proof;

fn vectors(of: &str) -> Vec<Value> {
    let all: Value = serde_json::from_slice(include_bytes!("../../../../xtrlv2-fixtures/golden/vectors.json")).unwrap();
    let vectors = all[of].as_array().unwrap().clone();
    assert!(!vectors.is_empty());
    vectors
}

#[test]
fn m91_confidence() {
    for vector in vectors("confidence") {
        let number = |name: &str| vector[name].as_u64().unwrap();
        assert_eq!(confidence(number("f"), number("a")), number("ppm"), "{vector}");
    }
}

#[test]
fn m77_proof() {
    for vector in vectors("proof") {
        let number = |name: &str| vector[name].as_u64().unwrap();
        let found = proof(number("a"), number("b"), number("proof_max").into());
        assert_eq!(found, number("n"), "{vector}");
    }
}

#[test]
fn m51_versions() {
    for vector in vectors("versions") {
        assert_eq!(version(&vector["input"]), vector["output"], "{vector}");
    }
}

#[test]
fn m53_templates() {
    for vector in vectors("templates") {
        let found = dome_core::message_template(vector["message"].as_str().unwrap());
        assert_eq!(found.as_str(), vector["template"], "{vector}");
    }
}

#[test]
fn m40_to_m63_envelopes() {
    let text = |value: &Value| String::from_utf8(dome_core::canonical::to_vec(value).unwrap()).unwrap();
    for vector in vectors("envelopes") {
        let fact = Fact::new(&Input { value: vector["input"].clone(), source: (String::new(), 1) });
        for (name, found) in [
            ("canonical", text(&fact.envelope)),
            ("digest", fact.digest.clone()),
            ("fingerprint", text(&fact.fingerprint)),
            ("fingerprint_hash", hash(&fact.fingerprint)),
            ("idempotency_key", fact.idempotency_key()),
            ("derived_key", fact.key.clone()),
            ("line_key", fact.line_key()),
            ("concept_key", fact.concept_key()),
        ] {
            assert_eq!(vector[name], found, "`{name}` of {vector:#}");
        }
    }
}
