//! What the verbs print fits the schemas that are offered.

use serde_json::{Value, json};

use super::steps::{failure, lines, with};
use crate::harness::{Place, project};

fn fits(name: &str, document: &Value) {
    let path = project("dome-contracts/schemas").join(format!("{name}.schema.json"));
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{name}: {errors:?}: {document}");
    assert!(!validator.is_valid(&with(document.clone(), json!({"not_a_member": 1}))), "{name} is closed");
}

#[test]
fn documents_that_store_verbs_print_fit_their_schemas() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r1", 1), with(failure("r1", 2), json!({"event_id": "e1"}))]) + "junk");
    fits("ingest-summary", &place.json(&["ingest", "a.jsonl", "--store", "s"]));
    fits("store-status", &place.status());
    fits("store-verification", &place.json(&["store", "verify", "--store", "s"]));
    let listed = place.ends(0, &["store", "quarantine", "list", "--store", "s", "--format", "json"]).stdout;
    for row in listed.lines().skip(1) {
        let row: Value = serde_json::from_str(row).unwrap();
        let position = row["position"].to_string();
        fits("store-quarantined", &place.json(&["store", "quarantine", "show", &position, "--store", "s"]));
    }
    fits("store-retry", &place.json(&["store", "quarantine", "retry", "--store", "s"]));
    let stream = lines(&[failure("r2", 1)]);
    let args = ["ingest", "-", "--store", "s", "--follow", "--format", "json", "--batch-lines", "1"];
    let followed = place.dome(&args, stream.as_bytes()).stdout;
    let records: Vec<Value> = followed.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let [batch, .., summary] = records.as_slice() else { panic!("{followed}") };
    fits("ingest-batch", batch);
    fits("ingest-summary", summary);
    // A flipped bit is told in the same shape.
    let segment = place.path("s/log/000000000001.jsonl");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[200] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let damaged = place.json(&["store", "verify", "--store", "s"]);
    assert_eq!(damaged["damage"].as_array().map(Vec::len), Some(1), "{damaged}");
    fits("store-verification", &damaged);
}
