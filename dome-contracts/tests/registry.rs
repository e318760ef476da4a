//! The rules of the reason-code registry, on the pinned table.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

use dome_contracts::compat::{CodeRegistry, ContractRule};
use serde_json::{Value, json};
use xtrlv2_fixtures::V0_1;

fn table() -> Value {
    serde_json::from_slice(V0_1.artifact("reason_codes.json").unwrap().bytes).unwrap()
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
fn a_table_is_read_whole_and_written_as_it_was() {
    assert_eq!(CodeRegistry::read(&table()).unwrap().to_json(), table());
    for member in ["schema_version", "version", "classes_precedence", "codes", "restart_mode_by_class"] {
        let mut cut = table();
        cut.as_object_mut().unwrap().remove(member);
        assert_eq!(CodeRegistry::read(&cut), None, "{member}");
    }
}
