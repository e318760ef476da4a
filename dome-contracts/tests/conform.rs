//! The pure half of the gate: manifests read, tests made from schemas, answers judged.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use dome_contracts::conform::{
    Assertion, AssertionClass, Drift, RunEnding, RunObservation, SpecTest, ToolManifest, ToolRun, spec_as_test,
};
use dome_core::conformance::CheckOutcome;
use serde_json::{Value, json};

fn manifest() -> Value {
    json!({
        "manifest_version": "1", "tool": {"name": "t", "version": "1"}, "target_kinds": ["a"], "action_kinds": ["b"],
        "schema_version": "1", "entry": "t.py",
        "schemas": {
            "config": {"type": "object", "properties": {"deep": {"type": "boolean"}}, "additionalProperties": false},
            "input": {
                "type": "object", "required": ["n"], "additionalProperties": false,
                "properties": {"n": {"type": "integer", "minimum": 1, "maximum": 9}, "kind": {"enum": ["x", "y"]}},
            },
            "output": {"type": "integer"},
        },
        "side_effects": {"mode": "none"},
        "failures": [{"failure_reason_code": "BAD_INPUT", "on": "invalid_input"}, {"failure_reason_code": "TOO_DEEP"}],
        "denials": ["NOT_TODAY"],
        "fixtures": [{"name": "one", "config": {}, "input": {"n": 3, "kind": "x"}, "expect": {"output": 3}}],
    })
}

fn parsed(value: &Value) -> ToolManifest {
    ToolManifest::parse(value.to_string().as_bytes()).unwrap()
}

fn run(document: &Value) -> ToolRun {
    let stdout = document.to_string().into_bytes();
    ToolRun { ending: RunEnding::Exited(0), observation: RunObservation::default(), stderr: String::new(), stdout }
}

fn answer(status: &str, failure: &str, denial: Option<&str>, output: Option<Value>) -> ToolRun {
    let mut document = json!({"telemetry": {"status": status, "failure_reason_code": failure}});
    if let Some(denial) = denial {
        document["telemetry"]["policy_reason_code"] = denial.into();
    }
    if let Some(output) = output {
        document["output"] = output;
    }
    run(&document)
}

#[test]
fn every_problem_of_a_manifest_is_named_at_once() {
    let mut wrong = manifest();
    wrong["entry"] = json!("/t.py");
    wrong["files"] = json!(["other.py"]);
    wrong["workdir"] = json!("../up");
    wrong["side_effects"] = json!({"mode": "read_only", "allow_domains": ["a.org"]});
    wrong["failures"][1]["failure_reason_code"] = json!("NOT_TODAY");
    wrong["fixtures"][0]["expect"] = json!({"policy_reason_code": "NOT_DECLARED"});
    wrong["schemas"]["output"] = json!({"$ref": "#/$defs/gone"});
    let error = ToolManifest::parse(wrong.to_string().as_bytes()).unwrap_err();
    let places: Vec<&str> = error.problems.iter().map(|problem| problem.pointer.as_str()).collect();
    let expected = [
        "/entry",
        "/failures/1",
        "/files",
        "/fixtures/0/expect",
        "/schemas/output",
        "/side_effects/allow_domains",
        "/workdir",
    ];
    assert_eq!(places, expected, "{error}");
    for document in ["", "[]", r#"{"tool": 1, "tool": 2}"#] {
        assert!(ToolManifest::parse(document.as_bytes()).is_err(), "{document}");
    }
}

#[test]
fn m04_a_code_is_a_failure_or_a_denial() {
    let mut wrong = manifest();
    wrong["denials"] = json!(["TOO_DEEP"]);
    let error = ToolManifest::parse(wrong.to_string().as_bytes()).unwrap_err();
    assert!(error.problems.iter().any(|problem| problem.message.contains("the two never meet")), "{error}");
}

#[test]
fn schemas_give_documents_of_every_class_the_same_every_time() {
    let manifest = parsed(&manifest());
    let made = manifest.assertions();
    assert_eq!(made, manifest.assertions());
    for &class in AssertionClass::ALL {
        assert!(made.iter().any(|assertion| assertion.class == class), "{class:?}");
    }
    let find = |input: Value| made.iter().find(|assertion| assertion.input == input && assertion.config == json!({}));
    for (n, valid) in [(0, false), (1, true), (9, true), (10, false)] {
        assert_eq!(find(json!({"n": n, "kind": "x"})).map(|found| found.valid), Some(valid), "{n}");
    }
    assert_eq!(find(json!({"kind": "x"})).map(|found| found.valid), Some(false), "a member that is required");
    let unknown = find(json!({"n": 3, "kind": "x", "dome_unknown_member": 1})).unwrap();
    assert_eq!((unknown.class, unknown.valid), (AssertionClass::UnknownMember, false));
    let texts: BTreeSet<String> = made.iter().map(Assertion::text).collect();
    assert_eq!(texts.len(), made.len(), "no document twice");
}

#[test]
fn a_tool_is_held_to_its_schemas_and_its_codes() {
    let manifest = parsed(&manifest());
    let made = manifest.assertions();
    let valid = made.iter().find(|assertion| assertion.valid).unwrap();
    let invalid = made.iter().find(|assertion| !assertion.valid).unwrap();
    let drift = |assertion: &Assertion, run: &ToolRun| assertion.judge(run, &manifest).map(|refused| refused.drift);
    let output = || Some(json!(3));
    for (run, of_valid, of_invalid) in [
        (answer("success", "NONE", None, output()), None, Some(Drift::InvalidAccepted)),
        (answer("failure", "BAD_INPUT", None, None), Some(Drift::ValidRefused), None),
        (answer("failure", "TOO_DEEP", None, None), None, Some(Drift::InvalidUnnamed)),
        (answer("denial", "NONE", Some("NOT_TODAY"), None), None, Some(Drift::InvalidUnnamed)),
        (answer("failure", "OTHER", None, None), Some(Drift::ReasonCode), Some(Drift::ReasonCode)),
        (answer("failure", "NOT_TODAY", None, None), Some(Drift::ReasonCode), Some(Drift::ReasonCode)),
        (answer("success", "TOO_DEEP", None, output()), Some(Drift::ReasonCode), Some(Drift::ReasonCode)),
        (answer("success", "NONE", None, None), Some(Drift::NoAnswer), Some(Drift::NoAnswer)),
        (run(&json!({"output": 3})), Some(Drift::NoAnswer), Some(Drift::NoAnswer)),
    ] {
        let told = String::from_utf8_lossy(&run.stdout).into_owned();
        assert_eq!((drift(valid, &run), drift(invalid, &run)), (of_valid, of_invalid), "{told}");
    }
    assert_eq!(drift(valid, &answer("success", "NONE", None, Some(json!("3")))), Some(Drift::OutputInvalid));
    let mut late = answer("success", "NONE", None, output());
    late.ending = RunEnding::TimedOut;
    assert_eq!(drift(valid, &late), Some(Drift::NoAnswer));
}

#[test]
fn a_code_that_nothing_reaches_fails_and_a_denial_reported_as_a_failure_reaches_nothing() {
    let manifest = parsed(&manifest());
    let mixed = answer("failure", "NOT_TODAY", None, None);
    assert_eq!(mixed.reason_codes(&manifest), Vec::<String>::new());
    let right = answer("denial", "NONE", Some("NOT_TODAY"), None);
    assert_eq!(right.reason_codes(&manifest), ["NOT_TODAY"]);
    let tests: Vec<SpecTest> =
        manifest.assertions().into_iter().map(|assertion| SpecTest { assertion, refused: None }).collect();
    let reached = ["BAD_INPUT", "NOT_TODAY"].map(str::to_owned).into();
    let check = spec_as_test(&manifest, &tests, &reached);
    let failed: Vec<_> = check.parts.iter().filter(|part| part.outcome == CheckOutcome::Fail).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].why.as_deref(), Some("nothing reaches `TOO_DEEP`"));
}
