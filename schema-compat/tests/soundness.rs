//! The verdicts against instances that nobody chose: schemas and values at random.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

use proptest::prelude::*;
use proptest::sample::select;
use schema_compat::{Compatibility, Dialect, Direction, Schema, SchemaRule, compat};
use serde_json::{Map, Value, json};

/// Values over few words, so that random schemas speak of them.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-2_i64..6).prop_map(Value::from),
        select(vec![0.5, 1.5, 2.5]).prop_map(Value::from),
        "[ab]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab]{1,2}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "ab"]).prop_map(str::to_owned)
}

/// One keyword that holds no schema.
fn assertion() -> impl Strategy<Value = (String, Value)> {
    let types = ["null", "boolean", "integer", "number", "string", "array", "object"].to_vec();
    let small = 0_i64..4;
    let counts = vec!["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];
    let bounds = vec!["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
    prop_oneof![
        select(types.clone()).prop_map(|name| ("type".to_owned(), json!(name))),
        prop::sample::subsequence(types, 1..4).prop_map(|names| ("type".to_owned(), json!(names))),
        (select(counts), small.clone()).prop_map(|(name, count)| (name.to_owned(), json!(count))),
        (select(bounds), -1_i64..4).prop_map(|(name, bound)| (name.to_owned(), json!(bound))),
        select(vec![1.0, 2.0, 0.5]).prop_map(|divisor| {
            let divisor = if divisor == 0.5 { json!(0.5) } else { json!(divisor as i64) };
            ("multipleOf".to_owned(), divisor)
        }),
        select(vec!["a", "^a", "^[ab]*$", "^ab?$", "b$"]).prop_map(|pattern| ("pattern".to_owned(), json!(pattern))),
        Just(("uniqueItems".to_owned(), json!(true))),
        prop::collection::btree_set(name(), 1..3).prop_map(|names| ("required".to_owned(), json!(names))),
        prop::collection::vec(value(), 1..3).prop_map(|values| ("enum".to_owned(), json!(values))),
        value().prop_map(|value| ("const".to_owned(), value)),
    ]
}

/// One keyword that holds schemas.
fn applicator(inner: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = (String, Value)> {
    let one = vec!["not", "additionalProperties", "propertyNames", "contains", "if", "then", "else", "items"];
    let many = vec!["allOf", "anyOf", "oneOf"];
    let named = vec!["properties", "dependentSchemas"];
    let patterns = select(vec!["^a", "b$", "a"]).prop_map(str::to_owned);
    prop_oneof![
        2 => (select(one), inner.clone()).prop_map(|(name, schema)| (name.to_owned(), schema)),
        2 => (select(many), prop::collection::vec(inner.clone(), 1..3)).prop_map(|(name, schemas)| (name.to_owned(), json!(schemas))),
        3 => (select(named), prop::collection::btree_map(name(), inner.clone(), 1..3)).prop_map(|(name, schemas)| (name.to_owned(), json!(schemas))),
        1 => prop::collection::btree_map(patterns, inner.clone(), 1..3).prop_map(|schemas| ("patternProperties".to_owned(), json!(schemas))),
        1 => prop::collection::vec(inner, 1..3).prop_map(|schemas| ("prefixItems".to_owned(), json!(schemas))),
        1 => prop::collection::btree_map(name(), prop::collection::btree_set(name(), 1..2), 1..2)
            .prop_map(|names| ("dependentRequired".to_owned(), json!(names))),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    let object = |keywords: Vec<(String, Value)>| Value::Object(keywords.into_iter().collect::<Map<_, _>>());
    let leaf = prop_oneof![
        8 => prop::collection::vec(assertion(), 0..3).prop_map(object),
        1 => any::<bool>().prop_map(Value::Bool),
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        (prop::collection::vec(assertion(), 0..3), prop::collection::vec(applicator(inner), 0..3))
            .prop_map(move |(plain, nested)| object(plain.into_iter().chain(nested).collect()))
    })
}

/// A schema and one that is near it: an edit apart, or two that only share their words.
fn pair() -> impl Strategy<Value = (Value, Value)> {
    prop_oneof![
        (schema(), schema()),
        (schema(), assertion()).prop_map(|(old, (keyword, value))| {
            let mut new = old.clone();
            if let Some(members) = new.as_object_mut() {
                members.insert(keyword, value);
            }
            (old, new)
        }),
        (schema(), schema()).prop_map(|(one, other)| (one.clone(), json!({"anyOf": [other, one]}))),
        (schema(), schema()).prop_map(|(one, other)| (json!({"allOf": [one.clone(), other]}), one)),
    ]
}

fn is_valid(schema: &Value, instance: &Value) -> bool {
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(schema).unwrap().is_valid(instance)
}

proptest! {
    #[test]
    fn no_instance_refutes_what_is_called_compatible(
        (old, new) in pair(),
        instances in prop::collection::vec(value(), 24),
    ) {
        let read = |value: &Value| Schema::from_value(value.clone(), Dialect::Draft202012).unwrap();
        let report = compat(&read(&old), &read(&new), Direction::Backward);
        let lost = instances.iter().find(|value| is_valid(&old, value) && !is_valid(&new, value));
        prop_assert!(
            !(report.verdict == Compatibility::Compatible && lost.is_some()),
            "{} -> {} loses {:?}: {:#?}", old, new, lost, report
        );
        prop_assert!(
            report.findings.iter().all(|finding| finding.rule != SchemaRule::VotesDisagree),
            "{} -> {}: {:#?}", old, new, report
        );
        for finding in report.findings.iter().filter(|finding| finding.verdict == Compatibility::Incompatible) {
            let witness = finding.witness.as_ref().unwrap();
            prop_assert!(is_valid(&old, witness) && !is_valid(&new, witness), "{} -> {}", old, new);
        }
    }
}
