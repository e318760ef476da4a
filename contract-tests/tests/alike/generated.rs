//! Instances generated from either schema are judged alike, and the generator tells schemas apart that differ in one place.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first thing that is wrong")]

use std::cell::Cell;
use std::collections::BTreeSet;

use dome_contracts::CONSUMED;
use dome_contracts::compat::{Compatibility, Direction, Schema, compat};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::instances::{Words, each};
use super::{both, fixtures, owner, schema};

/// How many instances are drawn: some, then more and more where there is no proof that two schemas say the same.
const DRAWN: [usize; 3] = [1_000, 5_000, 20_000];

#[test]
fn instances_of_either_schema_are_judged_alike() {
    let Some(owner) = owner() else { return };
    for (contract, ours, owners) in both(&owner) {
        let words = Words::of(&[&ours, &owners]);
        for (whose, source) in [("the fixtures", &ours), ("the owner", &owners)] {
            let (drawn, accepted) = (Cell::new(0_u32), Cell::new(0_u32));
            proptest!(|(instances in prop::collection::vec(words.near(source), 16))| {
                for instance in instances {
                    let judged = ours.is_valid(&instance);
                    prop_assert_eq!(judged, owners.is_valid(&instance), "{}: {}", contract, instance);
                    drawn.set(drawn.get() + 1);
                    accepted.set(accepted.get() + u32::from(judged));
                }
            });
            let (drawn, accepted) = (drawn.get(), accepted.get());
            println!("{contract}, from the schema of {whose}: {drawn} instances, {accepted} of them valid");
            assert!(accepted > drawn / 10 && accepted < drawn - drawn / 10, "{contract}: {accepted} of {drawn}");
        }
    }
}

/// What a schema file says, each thing left out once: the place, and the file without it.
fn cuts(document: &Value) -> Vec<(String, Value)> {
    const SAID: [&str; 15] = [
        "additionalProperties",
        "const",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "required",
        "type",
        "uniqueItems",
    ];
    let mut found = Vec::new();
    each(document, "", &mut |at, value| {
        let (parent, last) = at.rsplit_once('/').unwrap_or_default();
        let is_listed = ["/required", "/enum", "/properties"].iter().any(|list| parent.ends_with(list));
        let is_alone = parent.ends_with("/enum") && document.pointer(parent).is_some_and(|list| list.get(1).is_none());
        if (SAID.contains(&last) && !value.is_null() || is_listed) && !is_alone {
            let mut cut = document.clone();
            match cut.pointer_mut(parent).unwrap() {
                Value::Object(members) => drop(members.remove(last)),
                Value::Array(items) => drop(items.remove(last.parse().unwrap())),
                _ => {}
            }
            found.push((at.to_owned(), cut));
        }
    });
    found
}

/// Instances near a schema, drawn as they are asked for; the same ones every time.
struct Drawn {
    schema: Schema,
    strategy: BoxedStrategy<Value>,
    runner: TestRunner,
    instances: Vec<(Value, bool)>,
}

impl Drawn {
    fn of(schema: Schema) -> Self {
        let strategy = Words::of(&[&schema]).near(&schema);
        Self { schema, strategy, runner: TestRunner::deterministic(), instances: Vec::new() }
    }

    /// Whether one of the first `count` instances is judged differently by `other`.
    fn tells(&mut self, other: &Schema, count: usize) -> bool {
        (0..count).any(|index| {
            if index == self.instances.len() {
                let instance = self.strategy.new_tree(&mut self.runner).unwrap().current();
                let judged = self.schema.is_valid(&instance);
                self.instances.push((instance, judged));
            }
            let (instance, judged) = &self.instances[index];
            other.is_valid(instance) != *judged
        })
    }
}

#[test]
fn a_fixture_that_lacks_one_thing_is_told_from_the_whole_one() {
    let whole = fixtures();
    let schemas = CONSUMED.map(|contract| schema(&whole, contract));
    let mut drawn = schemas.clone().map(Drawn::of);
    let (mut told, mut same) = (0, BTreeSet::new());
    for path in whole.paths().filter(|path| path.starts_with("schemas/")) {
        // A file that is no contract is a shape that contracts share.
        let of = CONSUMED.iter().position(|contract| path == format!("schemas/{contract}.schema.json"));
        let those = of.map_or(0..CONSUMED.len(), |index| index..index + 1);
        for (at, cut) in cuts(&serde_json::from_slice(whole.get(path).unwrap()).unwrap()) {
            let mut folder = whole.clone();
            folder.insert(path, cut.to_string());
            let others = those.clone().map(|index| (index, schema(&folder, CONSUMED[index])));
            let mut others: Vec<_> = others.filter(|(index, other)| *other != schemas[*index]).collect();
            let mut tells = |others: &[(usize, Schema)], count| {
                others.iter().any(|(index, other)| drawn[*index].tells(other, count))
            };
            let [few, more @ ..] = DRAWN;
            if tells(&others, few) {
                told += 1;
                continue;
            }
            others.retain(|(index, other)| {
                compat(&schemas[*index], other, Direction::Full).verdict != Compatibility::Compatible
            });
            if others.is_empty() {
                same.insert(format!("{path}#{at}"));
            } else {
                assert!(more.iter().any(|count| tells(&others, *count)), "{path}#{at} is not told apart");
                told += 1;
            }
        }
    }
    println!("{told} are told apart, {} say nothing of their own", same.len());
    // Beside the values of an `enum` or a `const`, their type says nothing.
    assert!(told > 600 && same.iter().all(|at| at.ends_with("/type")), "{told}, {same:#?}");
}
