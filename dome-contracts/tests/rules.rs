//! Every rule, by an example pair: the change that breaks it, and the verdict both ways.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

use std::collections::BTreeSet;

use dome_contracts::compat::{Dialect, Direction, Report, Rule, Schema, Verdict, compat};
use serde_json::{Value, json};

use Dialect::{Draft07, Draft202012};

/// A rule, an OLD that becomes a NEW, and the dialect of both. Backward it is refuted; forward, the
/// other way round, everything that NEW accepts is accepted by OLD.
fn narrowing() -> Vec<(Rule, Value, Value, Dialect)> {
    let any = || json!({});
    vec![
        (Rule::TypeRemoved, json!({"type": ["string", "null"]}), json!({"type": "string"}), Draft07),
        (Rule::TypeRemoved, json!({"type": "number"}), json!({"type": "integer"}), Draft202012),
        (Rule::SchemaClosed, any(), json!(false), Draft07),
        (Rule::ValueRemoved, json!({"enum": ["a", "b"]}), json!({"enum": ["a"]}), Draft07),
        (Rule::ValueRemoved, json!({"type": "string"}), json!({"type": "string", "const": "a"}), Draft202012),
        (
            Rule::RequiredAdded,
            json!({"properties": {"a": {}}}),
            json!({"properties": {"a": {}}, "required": ["a"]}),
            Draft07,
        ),
        // Open, partial, closed content models.
        (
            Rule::PropertyClosed,
            json!({"type": "object"}),
            json!({"type": "object", "additionalProperties": false}),
            Draft07,
        ),
        (
            Rule::PropertyClosed,
            json!({"properties": {"a": {}, "b": {}}, "additionalProperties": false}),
            json!({"properties": {"a": {}}, "additionalProperties": false}),
            Draft202012,
        ),
        (
            Rule::AdditionalNarrowed,
            json!({"type": "object"}),
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            Draft07,
        ),
        (
            Rule::AdditionalNarrowed,
            json!({"additionalProperties": {"type": "number"}}),
            json!({"additionalProperties": {"type": "number", "minimum": 0}}),
            Draft202012,
        ),
        (
            Rule::PropertyNamesNarrowed,
            json!({"type": "object"}),
            json!({"type": "object", "propertyNames": {"pattern": "^a"}}),
            Draft07,
        ),
        (Rule::MinPropertiesRaised, json!({"minProperties": 1}), json!({"minProperties": 2}), Draft07),
        (Rule::MaxPropertiesLowered, json!({"maxProperties": 3}), json!({"maxProperties": 2}), Draft07),
        (Rule::DependencyAdded, any(), json!({"dependencies": {"a": ["b"]}}), Draft07),
        (Rule::DependencyAdded, any(), json!({"dependentRequired": {"a": ["b"]}}), Draft202012),
        (Rule::DependencyAdded, any(), json!({"dependentSchemas": {"a": {"minProperties": 2}}}), Draft202012),
        (Rule::MinLengthRaised, json!({"minLength": 1}), json!({"minLength": 2}), Draft07),
        (Rule::MaxLengthLowered, json!({"maxLength": 240}), json!({"maxLength": 239}), Draft07),
        (
            Rule::PatternChanged,
            json!({"type": "string"}),
            json!({"type": "string", "pattern": "^[A-Z0-9_]+$"}),
            Draft07,
        ),
        (Rule::FormatChanged, json!({"type": "string"}), json!({"type": "string", "format": "date-time"}), Draft202012),
        (Rule::MinimumRaised, json!({"minimum": 0}), json!({"exclusiveMinimum": 0}), Draft07),
        (Rule::MaximumLowered, json!({"maximum": 1}), json!({"maximum": 0}), Draft07),
        (Rule::MultipleOfChanged, json!({"multipleOf": 2}), json!({"multipleOf": 4}), Draft07),
        (Rule::MinItemsRaised, json!({"minItems": 1}), json!({"minItems": 2}), Draft07),
        (Rule::MaxItemsLowered, json!({"maxItems": 2}), json!({"maxItems": 1}), Draft07),
        (
            Rule::ItemsClosed,
            json!({"items": [{"type": "string"}]}),
            json!({"items": [{"type": "string"}], "additionalItems": false}),
            Draft07,
        ),
        (Rule::ItemsClosed, json!({"prefixItems": [{}]}), json!({"prefixItems": [{}], "items": false}), Draft202012),
        (Rule::UniqueItemsAdded, json!({"type": "array"}), json!({"type": "array", "uniqueItems": true}), Draft07),
        (
            Rule::ContainsNarrowed,
            json!({"minItems": 1}),
            json!({"minItems": 1, "contains": {"type": "string"}}),
            Draft07,
        ),
        (
            Rule::AnyOfNarrowed,
            json!({"type": ["string", "integer"]}),
            json!({"type": ["string", "integer"], "anyOf": [{"maxLength": 3}, {"minLength": 9}]}),
            Draft07,
        ),
        (
            Rule::OneOfNarrowed,
            json!({"type": "integer", "oneOf": [{"multipleOf": 2}]}),
            json!({"type": "integer", "oneOf": [{"multipleOf": 2}, {"multipleOf": 3}], "multipleOf": 2}),
            Draft07,
        ),
        (Rule::NotAdded, json!({"type": "string"}), json!({"type": "string", "not": {"maxLength": 2}}), Draft07),
        (
            Rule::ConditionNarrowed,
            json!({"properties": {"kind": {"enum": ["a", "b"]}}}),
            json!({"properties": {"kind": {"enum": ["a", "b"]}},
                "if": {"properties": {"kind": {"const": "a"}}, "required": ["kind"]}, "then": {"required": ["x"]}}),
            Draft07,
        ),
    ]
}

fn report(old: &Value, new: &Value, dialect: Dialect, direction: Direction) -> Report {
    let old = Schema::from_value(old.clone(), dialect).unwrap();
    let new = Schema::from_value(new.clone(), dialect).unwrap();
    compat(&old, &new, direction).unwrap()
}

fn rules(report: &Report) -> BTreeSet<Rule> {
    report.findings.iter().map(|finding| finding.rule).collect()
}

#[test]
fn every_narrowing_is_refuted_by_a_witness_and_named_by_its_rule() {
    for (rule, old, new, dialect) in narrowing() {
        let found = report(&old, &new, dialect, Direction::Backward);
        assert_eq!(found.verdict, Verdict::Incompatible, "{rule}: {old} -> {new}: {found:#?}");
        let named = found.findings.iter().find(|finding| finding.rule == rule);
        let named = named.unwrap_or_else(|| unreachable!("{rule} is not in {found:#?}"));
        let witness = named.witness.as_ref();
        assert!(witness.is_some(), "{rule}: {old} -> {new} has no witness");
        let accepts = |schema: &Value| {
            jsonschema::options()
                .with_draft(match dialect {
                    Draft07 => jsonschema::Draft::Draft7,
                    Draft202012 => jsonschema::Draft::Draft202012,
                })
                .should_validate_formats(true)
                .build(schema)
                .unwrap()
                .is_valid(witness.unwrap())
        };
        assert!(accepts(&old) && !accepts(&new), "{rule}: {witness:?} is no witness");
    }
}

#[test]
fn every_narrowing_is_safe_the_other_way_round() {
    for (rule, old, new, dialect) in narrowing() {
        let found = report(&old, &new, dialect, Direction::Forward);
        assert_eq!(found.verdict, Verdict::Compatible, "{rule}: {old} -> {new}: {found:#?}");
    }
}

#[test]
fn annotations_references_and_dialects_are_told_and_break_nothing() {
    let old = json!({"$schema": Draft07.uri(), "title": "a", "definitions": {"s": {"type": "string"}, "t": {"type": "string"}},
        "properties": {"x": {"$ref": "#/definitions/s"}}});
    let mut new = old.clone();
    *new.pointer_mut("/title").unwrap() = json!("b");
    *new.pointer_mut("/properties/x/$ref").unwrap() = json!("#/definitions/t");
    *new.pointer_mut("/$schema").unwrap() = json!(Draft202012.uri());
    let found = report(&old, &new, Draft07, Direction::Full);
    assert_eq!(found.verdict, Verdict::Compatible, "{found:#?}");
    assert_eq!(rules(&found), BTreeSet::from([Rule::ReferenceChanged, Rule::DialectChanged, Rule::AnnotationChanged]));
}

#[test]
fn a_keyword_that_looks_misspelt_fails_closed() {
    let found = report(&json!({}), &json!({"requird": ["a"]}), Draft07, Direction::Backward);
    assert_eq!(found.verdict, Verdict::Unknown);
    assert_eq!(rules(&found), BTreeSet::from([Rule::KeywordOpaque]));
    let extension = report(&json!({}), &json!({"x-owner": "a"}), Draft07, Direction::Full);
    assert_eq!(extension.verdict, Verdict::Compatible);
}

#[test]
fn what_neither_vote_can_prove_fails_closed() {
    let old = json!({"type": "string", "pattern": r"^\d{3}$"});
    let new = json!({"type": "string", "pattern": r"^\d{2,4}$"});
    let found = report(&old, &new, Draft07, Direction::Backward);
    assert_eq!(found.verdict, Verdict::Unknown, "{found:#?}");
    assert_eq!(rules(&found), BTreeSet::from([Rule::PatternChanged]));
}

#[test]
fn the_second_vote_alone_is_said_to_stand_alone() {
    let old = json!({"type": "integer", "minimum": 0, "maximum": 9000});
    let new = json!({"type": "integer", "anyOf": [{"maximum": 5000}, {"minimum": 5001}]});
    let found = report(&old, &new, Draft07, Direction::Backward);
    assert_eq!(found.verdict, Verdict::Compatible, "{found:#?}");
    assert_eq!(rules(&found), BTreeSet::from([Rule::SecondVoteAlone]));
}

#[test]
fn recursive_schemas_are_compared_and_do_not_hang() {
    let tree = |leaf: Value| {
        json!({"$ref": "#/definitions/node", "definitions": {"node": {
            "type": "object", "additionalProperties": false,
            "properties": {"value": leaf, "children": {"type": "array", "items": {"$ref": "#/definitions/node"}}},
            "required": ["value"]}}})
    };
    let (number, integer) = (tree(json!({"type": "number"})), tree(json!({"type": "integer"})));
    let same = report(&number, &number, Draft07, Direction::Full);
    assert_eq!(same.verdict, Verdict::Compatible, "{same:#?}");
    assert_eq!(report(&integer, &number, Draft07, Direction::Backward).verdict, Verdict::Compatible);
    assert_eq!(report(&number, &integer, Draft07, Direction::Backward).verdict, Verdict::Incompatible);
    let root = |extra: Value| json!({"type": "object", "properties": {"next": {"$ref": "#"}, "n": extra}});
    let found = report(&root(json!({"maximum": 3})), &root(json!({"maximum": 4})), Draft07, Direction::Full);
    assert_eq!(found.verdict, Verdict::Incompatible);
    assert_eq!(found.findings.iter().filter(|finding| finding.direction == Direction::Backward).count(), 0);
}

#[test]
fn what_is_no_schema_is_an_error_with_its_place() {
    let cases = [
        (json!({"properties": {"a": {"type": "strong"}}}), "/properties/a/type"),
        (json!({"minLength": -1}), "/minLength"),
        (json!([]), ""),
        (json!({"allOf": [{"$ref": "#"}]}), ""),
        (json!({"properties": {"a": {"$ref": "#/definitions/b"}}}), "/properties/a"),
        (json!({"properties": {"a": {"$ref": "https://a.example/b"}}}), "/properties/a"),
        (json!({"$schema": "http://json-schema.org/draft-03/schema#"}), "/$schema"),
        (json!({"properties": {"a": {"not": {"anyOf": 3}}}}), "/properties/a/not/anyOf"),
    ];
    for (schema, place) in cases {
        let error = Schema::from_value(schema.clone(), Draft07).err();
        assert_eq!(error.map(|error| error.pointer).as_deref(), Some(place), "{schema}");
    }
}

#[test]
fn the_rules_of_the_comparison_itself_are_the_only_ones_without_a_pair_here() {
    let mut shown = narrowing().into_iter().map(|(rule, ..)| rule).collect::<BTreeSet<_>>();
    shown.extend([Rule::ReferenceChanged, Rule::DialectChanged, Rule::AnnotationChanged]);
    shown.extend([Rule::KeywordOpaque, Rule::SecondVoteAlone]);
    // In `registry.rs` and `drift.rs` of these tests.
    shown.extend([
        Rule::CodeRemoved,
        Rule::CodeClassChanged,
        Rule::PrecedenceReordered,
        Rule::RestartModeChanged,
        Rule::CodeAdded,
        Rule::VersionBumped,
        Rule::ContractRemoved,
        Rule::ContractAdded,
    ]);
    let all = Rule::ALL.iter().copied().collect::<BTreeSet<_>>();
    let left = all.difference(&shown).copied().collect::<Vec<_>>();
    assert_eq!(left, [Rule::LimitReached, Rule::VotesDisagree]);
}
