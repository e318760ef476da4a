//! CloudEvents and CDEvents, by the page of the format.
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use dome_adapters::{Conversion, ConvertOptions};
use dome_core::Status;
use serde_json::{Value, json};

use super::support::{Folder, codes, file, given, hostile, real_files, run, taken, tallied};

const PIPELINE: &[u8] = include_bytes!("../data/cloudevents/pipelinerun_finished.json");
const SUITE: &[u8] = include_bytes!("../data/cloudevents/testsuiterun_finished.json");
const SKIPPED: &[u8] = include_bytes!("../data/cloudevents/testcaserun_skipped.json");

fn event(kind: &str, id: &str, content: Value) -> Value {
    json!({"context": {"specversion": "0.5.0", "id": id, "source": "/ci", "type": format!("dev.cdevents.{kind}.0.2.0"),
        "timestamp": "2026-02-03T04:05:06Z"}, "subject": {"id": format!("s-{id}"), "content": content}})
}

fn convert(document: &Value) -> Conversion {
    run("cloudevents", &file(document.to_string()), &given())
}

#[test]
fn a_pipeline_that_failed_fails_in_its_own_run() {
    let done = run("cloudevents", &file(PIPELINE), &ConvertOptions::default());
    let envelope = &done.envelopes[0];
    assert_eq!((codes(&done.problems), envelope.run_id.as_str()), (vec![], "mySubject123"));
    let spec = &envelope.task_spec;
    assert_eq!((spec.target.kind.as_str(), spec.target.id.as_str()), ("pipeline", "myPipeline"));
    assert_eq!(spec.failure_reason_code.as_str(), "PIPELINE.FAILED");
    assert_eq!(envelope.message.as_deref(), Some("Something went wrong\nWith some more details"));
    assert_eq!(envelope.ts.to_string(), "2023-03-20T14:27:05.315384Z");
    assert_eq!(taken(PIPELINE), ["cloudevents"]);
}

#[test]
fn tests_and_suites_are_told_with_their_gates() {
    let suite = run("cloudevents", &file(SUITE), &given()).envelopes.remove(0);
    assert_eq!(
        (suite.task_spec.failure_reason_code.as_str(), suite.run_id.as_str()),
        ("TEST_SUITE.FAILED", "4c8cb7dd-3448-41de-8768-eec704e2829b")
    );
    assert_eq!(suite.labels.get("severity"), Some("critical"));
    let skipped = run("cloudevents", &file(SKIPPED), &given()).envelopes.remove(0);
    assert_eq!((skipped.signal.as_str(), skipped.gates[0].status), ("observation", Status::Skip));
    assert_eq!(skipped.run_id.as_str(), "run-1", "no chain, no pipeline: the user names the run");
}

#[test]
fn each_outcome_is_one_and_what_is_none_is_said() {
    let task = |id: &str, outcome: Value| {
        event("taskrun.finished", id, json!({"taskName": "build", "outcome": outcome, "pipelineRun": {"id": "p-1"}}))
    };
    let events = [
        task("a", json!("success")),
        task("b", json!("failure")),
        task("c", json!("error")),
        task("d", json!("cancel")),
        task("e", json!("odd")),
        task("f", Value::Null),
        task("a", json!("success")),
        event("taskrun.started", "g", json!({"taskName": "build"})),
        event("change.merged", "h", json!({})),
        json!({"specversion": "1.0", "type": "com.example", "source": "x", "id": "1", "data": {"outcome": "failure"}}),
        json!({"specversion": "1.0", "source": "x"}),
    ];
    let done = convert(&json!(events));
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure TASK.ERROR
    1 failure TASK.FAILED
    1 observation NONE
    1 success NONE
    ");
    assert_eq!(
        (codes(&done.problems), done.counts.repeated),
        (vec!["status_unknown", "outcome_missing", "record_malformed"], 1)
    );
    assert!(done.envelopes.iter().all(|envelope| envelope.run_id.as_str() == "p-1"));
}

#[test]
fn an_event_is_read_alike_inside_and_outside_of_a_cloud_event() {
    let inner = event(
        "testcaserun.finished",
        "a",
        json!({"outcome": "failure", "testCase": {"name": "login"}, "reason": "no host"}),
    );
    let outer = json!({"specversion": "1.0", "id": "a", "source": "/ci", "type": "dev.cdevents.testcaserun.finished.0.2.0",
        "time": "2026-02-03T04:05:06Z", "datacontenttype": "application/json", "data": inner});
    let [alone, carried] = [&inner, &outer].map(|event| convert(event).envelopes.remove(0));
    assert_eq!(
        (&alone.task_spec, &alone.event_id, alone.ts, &alone.labels, &alone.message),
        (&carried.task_spec, &carried.event_id, carried.ts, &carried.labels, &carried.message)
    );
    assert_eq!(carried.task_spec.target.id.as_str(), "login");
    let lines = format!("{inner}\n{outer}\n");
    let done = run("cloudevents", &file(lines), &given());
    assert_eq!((done.envelopes.len(), done.counts.repeated), (1, 1), "the same event twice");
    let mut encoded = outer;
    encoded["data"] = Value::Null;
    encoded["data_base64"] = json!("e30=");
    assert_eq!(codes(&convert(&encoded).problems), ["record_malformed"]);
}

#[test]
fn files_that_are_something_else_are_refused() {
    hostile::refuses_what_is_not_its_own("cloudevents", PIPELINE);
    hostile::survives("cloudevents", PIPELINE);
    hostile::survives("cloudevents", SKIPPED);
}

/// `grep -lE '"type": "dev.cdevents.(pipelinerun|taskrun|testcaserun|testsuiterun).(finished|skipped)'`
/// names four of them.
#[test]
fn real_events_come_to_what_was_counted_otherwise() {
    let Some(all) = real_files("cloudevents") else { return };
    let files: Folder = all.into_iter().filter(|(name, _)| name.ends_with(".json")).collect();
    let done = run("cloudevents", &files, &given());
    assert_eq!((files.len(), done.counts.records, codes(&done.problems)), (28, 5, vec!["record_malformed"]));
    assert_eq!(done.problems[0].input, "spec/cloudevents.schema.json", "a schema is no event");
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure PIPELINE.FAILED
    1 failure TEST_SUITE.FAILED
    1 observation NONE
    1 success NONE
    ");
    assert_eq!(codes(&done.notes), ["records_none"; 23]);
}
