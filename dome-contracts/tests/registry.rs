//! The rules of the reason-code registry, on the pinned table and on the pinned schema.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first thing that is wrong")]

use dome_contracts::compat::{CodeRegistry, Compatibility, ContractRule, Dialect, Direction, Schema, compat};
use serde_json::{Value, json};
use xtrlv2_fixtures::V0_1;

fn value(path: &str) -> Value {
    serde_json::from_slice(V0_1.artifact(path).unwrap().bytes).unwrap()
}

fn table() -> Value {
    value("reason_codes.json")
}

fn with(pointer: &str, new: Value) -> Value {
    let mut table = table();
    *table.pointer_mut(pointer).unwrap() = new;
    table
}

fn rules(new: &Value) -> Vec<ContractRule> {
    let (old, new) = (CodeRegistry::read(&table()).unwrap(), CodeRegistry::read(new).unwrap());
    old.changes(&new).iter().map(|finding| finding.rule).collect()
}

#[test]
fn every_change_of_the_table_has_its_rule() {
    let mut fewer = table();
    fewer.pointer_mut("/codes").unwrap().as_object_mut().unwrap().remove("LINT_FAILED");
    let mut more = table();
    more.pointer_mut("/codes").unwrap()["FLAKY"] = json!({"class": "advisory"});
    let cases = [
        (fewer, ContractRule::CodeRemoved),
        (with("/codes/LINT_FAILED/class", json!("stop")), ContractRule::CodeClassChanged),
        (
            with("/classes_precedence", json!(["structural", "stop", "repairable", "advisory"])),
            ContractRule::PrecedenceReordered,
        ),
        (with("/restart_mode_by_class/stop", json!("REITERATE_FROM_CANDIDATE")), ContractRule::RestartModeChanged),
        (more, ContractRule::CodeAdded),
        (with("/version", json!("0.2")), ContractRule::VersionBumped),
        (with("/schema_version", json!("0.2")), ContractRule::VersionBumped),
    ];
    for (new, rule) in cases {
        assert_eq!(rules(&new), [rule]);
    }
    assert_eq!(rules(&table()), []);
}

#[test]
fn the_schema_fixes_the_table_that_it_stands_for() {
    let fixed = CodeRegistry::read_schema(&value("schemas/reason_codes.schema.json")).unwrap();
    assert_eq!(fixed, CodeRegistry::read(&table()).unwrap());
    assert_eq!(fixed.to_json(), table());
    assert!(fixed.is_closed);
}

#[test]
fn a_code_added_under_a_closed_set_breaks_both_directions_and_under_an_open_one_neither() {
    let closed = value("schemas/reason_codes.schema.json");
    let mut added = closed.clone();
    let codes = added.pointer_mut("/properties/codes").unwrap();
    codes["properties"]["FLAKY"] = json!({"properties": {"class": {"const": "advisory"}}});
    codes["required"].as_array_mut().unwrap().push(json!("FLAKY"));
    let verdict = |old: &Value, new: &Value, direction| {
        let read = |value: &Value| Schema::from_value(value.clone(), Dialect::Draft07).unwrap();
        compat(&read(old), &read(new), direction)
    };
    for direction in [Direction::Backward, Direction::Forward, Direction::Full] {
        assert_eq!(verdict(&closed, &added, direction).verdict, Compatibility::Incompatible, "{direction:?}");
    }
    let report = verdict(&closed, &added, Direction::Backward);
    let named = report.findings.iter().find(|finding| finding.rule == ContractRule::CodeAdded).unwrap();
    assert_eq!(named.new, "/properties/codes/properties/FLAKY");
    assert_eq!(named.witness, Some(table()));

    let open = |mut schema: Value| {
        let codes = schema.pointer_mut("/properties/codes").unwrap().as_object_mut().unwrap();
        codes.remove("additionalProperties");
        codes.remove("required");
        schema
    };
    let report = verdict(&open(closed), &open(added), Direction::Backward);
    let named = report.findings.iter().find(|finding| finding.rule == ContractRule::CodeAdded).unwrap();
    assert_eq!((named.verdict, &named.witness), (Compatibility::Compatible, &None));
}
