//! Schemas that are large, deep or tangled: an answer, and soon.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the crate is pure; its test takes the time")]

use std::time::{Duration, Instant};

use schema_compat::{Compatibility, Dialect, Direction, Schema, SchemaRule, compat};
use serde_json::{Map, Value, json};

fn verdict(old: &Value, new: &Value) -> (Compatibility, Vec<SchemaRule>) {
    let read = |value: &Value| Schema::from_value(value.clone(), Dialect::Draft07).unwrap();
    let started = Instant::now();
    let report = compat(&read(old), &read(new), Direction::Backward);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    (report.verdict, report.findings.iter().map(|finding| finding.rule).collect())
}

/// Every level has two branches: 2^levels ways through.
fn tangle(levels: u32, leaf: Value) -> Value {
    (0..levels).fold(leaf, |inner, _| json!({"anyOf": [{"properties": {"a": inner}}, {"properties": {"b": inner}}]}))
}

#[test]
fn a_tangle_of_branches_ends_in_unknown_and_not_in_an_hour() {
    let (text, number) = (tangle(11, json!({"type": "string"})), tangle(11, json!({"type": "integer"})));
    assert_eq!(verdict(&text, &text).0, Compatibility::Compatible);
    assert_eq!(verdict(&text, &number).0, Compatibility::Unknown);
}

#[test]
fn a_wide_schema_is_compared_member_by_member() {
    let wide = |length: u64| {
        let inner = |name: usize| {
            let members = (0..10).map(|index| {
                let most = if (name, index) == (77, 7) { length } else { 9 };
                (format!("q{index}"), json!({"type": "string", "maxLength": most}))
            });
            (format!("p{name}"), json!({"type": "object", "properties": members.collect::<Map<_, _>>()}))
        };
        json!({"type": "object", "properties": (0..150).map(inner).collect::<Map<_, _>>()})
    };
    assert_eq!(verdict(&wide(9), &wide(8)), (Compatibility::Incompatible, vec![SchemaRule::MaxLengthLowered]));
    assert_eq!(verdict(&wide(8), &wide(9)), (Compatibility::Compatible, vec![]));
}

#[test]
fn a_deep_schema_is_followed_to_its_end() {
    let deep = |leaf: Value| {
        (0..40).fold(leaf, |inner, _| json!({"type": "object", "properties": {"a": inner}, "required": ["a"]}))
    };
    let (text, number) = (deep(json!({"type": "string"})), deep(json!({"type": ["string", "integer"]})));
    assert_eq!(verdict(&text, &number).0, Compatibility::Compatible);
    assert_eq!(verdict(&number, &text).0, Compatibility::Incompatible);
}
