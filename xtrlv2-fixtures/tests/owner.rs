//! The owner's contracts hang together: examples, table, registry and schemas agree.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first thing that is wrong")]

use jsonschema::{Registry, Retrieve, Uri, Validator};
use serde_json::Value;
use xtrlv2_fixtures::{Artifact, VERSIONS, Version};

struct Refuse;

impl Retrieve for Refuse {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("`{uri}` is not in the folder").into())
    }
}

fn json(artifact: &Artifact) -> Value {
    serde_json::from_slice(artifact.bytes).unwrap()
}

fn validator(version: &Version, contract: &str) -> Validator {
    let mut registry = Registry::new().retriever(Refuse);
    for schema in version.schemas() {
        let uri = format!("xtrlv2:/{}", schema.path);
        registry = registry.add(uri, json(schema)).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let entry = serde_json::json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$ref": format!("xtrlv2:/schemas/{contract}.schema.json"),
    });
    jsonschema::options().with_registry(&registry).with_retriever(Refuse).build(&entry).unwrap()
}

#[test]
fn every_valid_example_is_accepted() {
    for version in VERSIONS {
        for example in version.valid_examples() {
            let result = validator(version, example.contract());
            let problem = result.iter_errors(&json(example)).next().map(|error| error.to_string());
            assert_eq!(problem, None, "v{} {}", version.name, example.path);
        }
    }
}

#[test]
fn every_invalid_example_is_rejected() {
    for version in VERSIONS {
        for example in version.invalid_examples() {
            let accepted = validator(version, example.contract()).is_valid(&json(example));
            assert!(!accepted, "v{} accepts {}", version.name, example.path);
        }
    }
}

#[test]
fn every_contract_has_examples_of_both_kinds() {
    for version in VERSIONS {
        let registry = json(version.artifact("registry.json").unwrap());
        for contract in registry["contracts"].as_array().unwrap() {
            let name = contract["name"].as_str().unwrap();
            let schema = version.artifact(contract["schema"].as_str().unwrap()).unwrap();
            assert_eq!(schema.contract(), name);
            assert!(version.valid_examples().any(|example| example.contract() == name), "{name}");
            assert!(version.invalid_examples().any(|example| example.contract() == name), "{name}");
        }
    }
}

#[test]
fn the_table_of_codes_satisfies_its_schema_and_names_its_version() {
    for version in VERSIONS {
        let table = json(version.artifact("reason_codes.json").unwrap());
        assert!(validator(version, "reason_codes").is_valid(&table));
        assert_eq!(table["version"], version.name);
        let registry = json(version.artifact("registry.json").unwrap());
        assert_eq!(registry["version"], version.name);
    }
}

#[test]
fn every_schema_is_one_by_its_meta_schema_and_closed() {
    for schema in VERSIONS.iter().flat_map(Version::schemas) {
        let document = json(schema);
        assert!(jsonschema::draft7::meta::is_valid(&document), "{}", schema.path);
        closed(&document, schema.path);
    }
}

fn closed(value: &Value, path: &str) {
    if let Some(object) = value.as_object() {
        if object.get("properties").is_some_and(|properties| properties.get("type").is_none()) {
            assert_eq!(object.get("additionalProperties"), Some(&Value::Bool(false)), "{path}");
        }
        object.values().for_each(|member| closed(member, path));
    }
    if let Some(items) = value.as_array() {
        items.iter().for_each(|item| closed(item, path));
    }
}
