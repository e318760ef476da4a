//! SARIF, by the page of the format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use dome_adapters::{Conversion, ConvertOptions};
use dome_core::Status;
use serde_json::{Value, json};

use super::support::{Folder, codes, file, given, hostile, real_files, run, taken, tallied};

const SUPPRESSED: &[u8] = include_bytes!("../data/sarif/suppression_test.sarif");

fn log(results: Value, other: Value) -> Value {
    let rules =
        json!([{"id": "C1", "defaultConfiguration": {"level": "note"}, "messageStrings": {"d": {"text": "no {0}"}}}]);
    let mut run = json!({"tool": {"driver": {"name": "scan", "version": "2.1", "rules": rules}}, "results": results});
    for (name, value) in other.as_object().unwrap() {
        run[name] = value.clone();
    }
    json!({"$schema": "sarif-2.1.0.json", "version": "2.1.0", "runs": [run]})
}

fn at(file: &str, mut result: Value) -> Value {
    result["locations"] =
        json!([{"physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": 7}}}]);
    result
}

fn convert(document: &Value) -> Conversion {
    run("sarif", &file(document.to_string()), &given())
}

#[test]
fn a_result_fails_its_rule_on_its_file() {
    let found = at("src/a.c", json!({"ruleId": "C1", "message": {"id": "d", "arguments": ["x"]}, "guid": "g-1"}));
    let done = convert(&log(json!([found, {"message": {"text": "odd"}}]), json!({})));
    let [first, second] = [0, 1].map(|place| &done.envelopes[place]);
    let spec = &first.task_spec;
    assert_eq!((spec.target.kind.as_str(), spec.target.id.as_str()), ("file", "src/a.c"));
    assert_eq!((spec.failure_reason_code.as_str(), first.message.as_deref()), ("RULE.C1", Some("no x")));
    assert_eq!(
        (first.event_id.as_str(), first.labels.get("level").unwrap(), first.labels.get("line").unwrap()),
        ("g-1", "note", "7")
    );
    assert_eq!(done.codes["RULE.C1"].to_string(), "advisory", "the level of the rule");
    assert_eq!(second.task_spec.failure_reason_code.as_str(), "RESULT.UNNAMED");
    assert_eq!((second.task_spec.target.kind.as_str(), second.task_spec.target.id.as_str()), ("tool", "scan"));
}

#[test]
fn what_is_suppressed_neither_failed_nor_passed() {
    let states = |states: &[Option<&str>]| {
        let of = |state: &Option<&str>| {
            state.map_or(json!({"kind": "external"}), |state| json!({"kind": "external", "status": state}))
        };
        let suppressions: Vec<_> = states.iter().map(of).collect();
        let found = at("a.c", json!({"ruleId": "C1", "message": {"text": "m"}, "suppressions": suppressions}));
        let done = convert(&log(json!([found]), json!({})));
        let gates: Vec<_> = done.envelopes[0].gates.iter().map(|gate| gate.status).collect();
        (done.envelopes[0].signal.as_str(), gates)
    };
    assert_eq!(states(&[None]), ("observation", vec![Status::Skip]));
    assert_eq!(states(&[Some("accepted"), None]), ("observation", vec![Status::Skip]));
    for not_in_force in [&[][..], &[Some("rejected")], &[Some("accepted"), Some("underReview")]] {
        assert_eq!(states(not_in_force), ("failure", vec![Status::Fail]), "{not_in_force:?}");
    }
    let done = run("sarif", &file(SUPPRESSED), &given());
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure RULE.TST0004
    1 failure RULE.TST0005
    3 observation NONE
    ");
}

#[test]
fn a_result_that_is_gone_is_a_success_unless_its_rule_still_fails_there() {
    let of = |file, state: &str| at(file, json!({"ruleId": "C1", "message": {"text": "m"}, "baselineState": state}));
    let done = convert(&log(
        json!([of("a.c", "absent"), of("b.c", "absent"), of("b.c", "unchanged"), of("c.c", "new")]),
        json!({}),
    ));
    let signals: Vec<_> = done.envelopes.iter().map(|envelope| envelope.signal.as_str()).collect();
    assert_eq!(signals, ["success", "observation", "failure", "failure"]);
    assert_eq!((done.envelopes[0].gates[0].gate_id.as_str(), done.envelopes[0].gates[0].status), ("C1", Status::Pass));
    let kinds = ["pass", "open", "review", "notApplicable", "informational"];
    let results: Vec<_> =
        kinds.iter().map(|kind| json!({"ruleId": kind, "kind": kind, "message": {"text": "m"}})).collect();
    insta::assert_snapshot!(tallied(&convert(&log(json!(results), json!({})))), @r"
    4 observation NONE
    1 success NONE
    ");
}

#[test]
fn the_tool_itself_fails_by_its_exception_and_says_run_time_branch_and_commit() {
    let error = json!({"level": "error", "descriptor": {"id": "CTN9999"}, "exception": {"kind": "Engine.RuleFailureException"}, "message": {"text": "boom"}, "timeUtc": "2016-07-16T14:18:43Z"});
    let warning = json!({"level": "warning", "descriptor": {"id": "CTN1"}, "message": {"text": "m"}});
    let invocation = |successful: bool, notifications: Value| {
        json!([{"executionSuccessful": successful, "exitCode": 3,
        "endTimeUtc": "2016-07-16T14:19:01Z", "toolExecutionNotifications": notifications}])
    };
    let other = |invocations: Value| {
        json!({"invocations": invocations, "automationDetails": {"id": "nightly/2018-10-08"},
        "versionControlProvenance": [{"repositoryUri": "https://github.com/acme/app.git", "revisionId": "5da53fbb2a0aaa12d648b73984acc9aac2e11c2a", "branch": "main"}]})
    };
    let own = ConvertOptions::default();
    let done = run("sarif", &file(log(json!([]), other(invocation(true, json!([error, warning])))).to_string()), &own);
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure TOOL.ENGINE_RULE_FAILURE_EXCEPTION
    1 observation NONE
    ");
    let first = &done.envelopes[0];
    assert_eq!((first.run_id.as_str(), first.ts.to_string().as_str()), ("nightly/2018-10-08", "2016-07-16T14:18:43Z"));
    assert_eq!(first.lane.as_ref().unwrap().as_str(), "main");
    let done = run("sarif", &file(log(json!([]), other(invocation(false, json!([])))).to_string()), &own);
    assert_eq!(done.envelopes[0].task_spec.failure_reason_code.as_str(), "TOOL.EXECUTION_FAILED");
    assert_eq!(done.envelopes[0].labels.get("exit_code").unwrap(), "3");
    let done = run("sarif", &file(log(json!([]), other(invocation(true, json!([])))).to_string()), &own);
    let (subject, remedy) = (done.envelopes[0].subject.as_ref().unwrap(), &done.envelopes[0].remedy);
    let repository = subject.repository.as_ref().unwrap().as_str();
    assert_eq!(
        (subject.revision.as_str(), repository),
        ("5da53fbb2a0aaa12d648b73984acc9aac2e11c2a", "github.com/acme/app")
    );
    assert_eq!(*remedy, None);
    // An id that ends in a slash names a category and no run.
    let category = log(json!([{"message": {"text": "m"}}]), json!({"automationDetails": {"id": "nightly/"}}));
    assert_eq!(codes(&run("sarif", &file(category.to_string()), &own).problems), ["run_missing"]);
}

#[test]
fn other_versions_and_files_that_are_something_else_are_refused() {
    for document in
        [json!({"version": "2.0.0", "runs": []}), json!({"runs": []}), json!({"version": "2.1.0", "runs": 1})]
    {
        assert_eq!(codes(&convert(&document).problems), ["wrong_format"], "{document}");
    }
    assert_eq!(codes(&convert(&json!({"version": "2.1.0", "runs": null})).notes), ["records_none"]);
    assert_eq!(taken(SUPPRESSED), ["sarif"]);
    hostile::refuses_what_is_not_its_own("sarif", SUPPRESSED);
    hostile::survives("sarif", SUPPRESSED);
}

/// The counts were made by a few lines of Python over the same files.
#[test]
fn real_logs_come_to_what_was_counted_otherwise() {
    let Some(all) = real_files("sarif") else { return };
    let logs: Folder = all.into_iter().filter(|(name, _)| name.ends_with(".sarif")).collect();
    let done = run("sarif", &logs, &ConvertOptions { run_id: Some("{name}".parse().unwrap()), ..given() });
    let signals = |wanted: &str| done.envelopes.iter().filter(|envelope| envelope.signal.as_str() == wanted).count();
    assert_eq!((logs.len(), codes(&done.problems)), (104, vec!["wrong_format"; 6]));
    assert_eq!((done.counts.records, done.envelopes.len()), (1_192, 1_192));
    assert_eq!(["failure", "success", "observation"].map(signals), [1_137, 44, 11]);
}

#[test]
fn bad_logs_do_no_harm() {
    let Some(all) = real_files("bad") else { return };
    let logs: Folder =
        all.into_iter().filter(|(name, _)| name.contains("sarif") || name.contains("JSONTestSuite")).collect();
    assert!(logs.len() > 100);
    for file in logs {
        let (name, done) = (file.0.clone(), run("sarif", &vec![file], &given()));
        assert!(!done.envelopes.is_empty() || done.problems.len() + done.notes.len() > 0, "{name}");
    }
}
