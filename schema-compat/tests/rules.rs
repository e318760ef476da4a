//! Every rule, by the example pairs of `rules.md`: the change that breaks it, and the verdict
//! both ways.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

use std::collections::BTreeSet;

use schema_compat::{CompatReport, Compatibility, Dialect, Direction, Schema, SchemaRule, compat};
use serde_json::{Value, json};

use Dialect::{Draft07, Draft202012};

/// A rule, an OLD that becomes a NEW, and the dialect of both: the table of `rules.md`.
/// Backward it is refuted; forward, everything that NEW accepts is accepted by OLD.
fn narrowing() -> Vec<(SchemaRule, Value, Value, Dialect)> {
    let page = include_str!("../rules.md");
    let rows = page.lines().filter_map(|line| {
        let cells = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect::<Vec<_>>();
        let ["", name, _, dialect, old, new, ""] = cells.as_slice() else {
            return None;
        };
        let dialect = match *dialect {
            "draft-07" => Draft07,
            "2020-12" => Draft202012,
            _ => return None,
        };
        let rule = SchemaRule::ALL.iter().find(|rule| rule.name() == *name).unwrap();
        Some((*rule, serde_json::from_str(old).unwrap(), serde_json::from_str(new).unwrap(), dialect))
    });
    rows.collect()
}

fn report(old: &Value, new: &Value, dialect: Dialect, direction: Direction) -> CompatReport {
    let old = Schema::from_value(old.clone(), dialect).unwrap();
    let new = Schema::from_value(new.clone(), dialect).unwrap();
    compat(&old, &new, direction)
}

fn is_valid(schema: &Value, dialect: Dialect, instance: &Value) -> bool {
    Schema::from_value(schema.clone(), dialect).unwrap().is_valid(instance)
}

fn rules(report: &CompatReport) -> BTreeSet<SchemaRule> {
    report.findings.iter().map(|finding| finding.rule).collect()
}

#[test]
fn every_narrowing_is_refuted_by_a_witness_and_named_by_its_rule() {
    for (rule, old, new, dialect) in narrowing() {
        let found = report(&old, &new, dialect, Direction::Backward);
        assert_eq!(found.verdict, Compatibility::Incompatible, "{rule}: {old} -> {new}: {found:#?}");
        let named = found.findings.iter().find(|finding| finding.rule == rule);
        let named = named.unwrap_or_else(|| unreachable!("{rule} is not in {found:#?}"));
        let witness = named.witness.as_ref();
        assert!(witness.is_some(), "{rule}: {old} -> {new} has no witness");
        let accepts = |schema: &Value| is_valid(schema, dialect, witness.unwrap());
        assert!(accepts(&old) && !accepts(&new), "{rule}: {witness:?} is no witness");
    }
}

#[test]
fn every_narrowing_is_safe_the_other_way_round() {
    for (rule, old, new, dialect) in narrowing() {
        let found = report(&old, &new, dialect, Direction::Forward);
        assert_eq!(found.verdict, Compatibility::Compatible, "{rule}: {old} -> {new}: {found:#?}");
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
    assert_eq!(found.verdict, Compatibility::Compatible, "{found:#?}");
    assert_eq!(
        rules(&found),
        BTreeSet::from([SchemaRule::ReferenceChanged, SchemaRule::DialectChanged, SchemaRule::AnnotationChanged])
    );
}

#[test]
fn a_keyword_that_looks_misspelt_fails_closed() {
    let found = report(&json!({}), &json!({"requird": ["a"]}), Draft07, Direction::Backward);
    assert_eq!(found.verdict, Compatibility::Unknown);
    assert_eq!(rules(&found), BTreeSet::from([SchemaRule::KeywordOpaque]));
    let extension = report(&json!({}), &json!({"x-owner": "a"}), Draft07, Direction::Full);
    assert_eq!(extension.verdict, Compatibility::Compatible);
}

#[test]
fn what_neither_vote_can_prove_fails_closed() {
    let old = json!({"type": "string", "pattern": r"^\d{3}$"});
    let new = json!({"type": "string", "pattern": r"^\d{2,4}$"});
    let found = report(&old, &new, Draft07, Direction::Backward);
    assert_eq!(found.verdict, Compatibility::Unknown, "{found:#?}");
    assert_eq!(rules(&found), BTreeSet::from([SchemaRule::PatternChanged]));
}

#[test]
fn the_second_vote_alone_is_said_to_stand_alone() {
    let old = json!({"type": "integer", "minimum": 0, "maximum": 9000});
    let new = json!({"type": "integer", "anyOf": [{"maximum": 5000}, {"minimum": 5001}]});
    let found = report(&old, &new, Draft07, Direction::Backward);
    assert_eq!(found.verdict, Compatibility::Compatible, "{found:#?}");
    assert_eq!(rules(&found), BTreeSet::from([SchemaRule::SecondVoteAlone]));
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
    assert_eq!(same.verdict, Compatibility::Compatible, "{same:#?}");
    assert_eq!(report(&integer, &number, Draft07, Direction::Backward).verdict, Compatibility::Compatible);
    assert_eq!(report(&number, &integer, Draft07, Direction::Backward).verdict, Compatibility::Incompatible);
    let root = |extra: Value| json!({"type": "object", "properties": {"next": {"$ref": "#"}, "n": extra}});
    let found = report(&root(json!({"maximum": 3})), &root(json!({"maximum": 4})), Draft07, Direction::Full);
    assert_eq!(found.verdict, Compatibility::Incompatible);
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
    assert!(narrowing().len() >= 30, "the table is not read");
    let mut shown = narrowing().into_iter().map(|(rule, ..)| rule).collect::<BTreeSet<_>>();
    shown.extend([SchemaRule::ReferenceChanged, SchemaRule::DialectChanged, SchemaRule::AnnotationChanged]);
    shown.extend([SchemaRule::KeywordOpaque, SchemaRule::SecondVoteAlone]);
    let all = SchemaRule::ALL.iter().copied().collect::<BTreeSet<_>>();
    let left = all.difference(&shown).copied().collect::<Vec<_>>();
    assert_eq!(left, [SchemaRule::LimitReached, SchemaRule::VotesDisagree]);
}
