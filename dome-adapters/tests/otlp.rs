//! OTLP in JSON, by the page of the format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use dome_adapters::{Conversion, ConvertOptions};
use serde_json::{Value, json};

use super::support::{Folder, codes, file, given, hostile, real_files, run, taken, tallied};

const TRACE: &[u8] = include_bytes!("../data/otlp/trace.json");
const LOGS: &[u8] = include_bytes!("../data/otlp/logs_apache_error.json");

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect()
}

fn span(id: &str, status: Value, pairs: &[(&str, &str)]) -> Value {
    json!({"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": id, "name": "GET /x", "kind": "SPAN_KIND_SERVER",
        "startTimeUnixNano": 1_544_712_660_000_000_000_u64, "endTimeUnixNano": "1544712661000000000",
        "status": {"code": status, "message": "m"}, "attributes": attributes(pairs)})
}

fn traces(spans: &[Value]) -> Value {
    json!({"resourceSpans": [{"resource": {"attributes": attributes(&[("service.name", "shop"), ("service.version", "3"), ("vcs.ref.head.name", "main")])},
        "scopeSpans": [{"scope": {"name": "lib"}, "spans": spans}]}]})
}

fn logs(records: &[Value]) -> Value {
    json!({"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": records}]}]})
}

fn convert(document: &Value) -> Conversion {
    run("otlp", &file(document.to_string()), &given())
}

#[test]
fn a_status_is_read_as_number_text_and_name() {
    let spans = [
        json!(2),
        json!("2"),
        json!("STATUS_CODE_ERROR"),
        json!(1),
        json!("STATUS_CODE_OK"),
        json!(0),
        json!("STATUS_CODE_UNSET"),
        Value::Null,
    ];
    let spans: Vec<_> = spans.into_iter().enumerate().map(|(id, status)| span(&id.to_string(), status, &[])).collect();
    let done = convert(&traces(&spans));
    insta::assert_snapshot!(tallied(&done), @r"
    3 failure SPAN.ERROR
    3 observation NONE
    2 success NONE
    ");
    let envelope = &done.envelopes[0];
    assert_eq!((envelope.ts.to_string().as_str(), envelope.duration_ms), ("2018-12-13T14:51:01Z", Some(1_000)));
    assert_eq!(envelope.task_spec.target.id.as_str(), "shop/GET /x");
    assert_eq!((envelope.labels.get("kind"), envelope.lane.as_ref().unwrap().as_str()), (Some("server"), "main"));
    assert_eq!(envelope.message.as_deref(), Some("m"));
}

#[test]
fn an_error_is_named_by_exception_then_type_then_protocol() {
    let mut thrown = span("a", json!(2), &[("error.type", "timeout")]);
    thrown["events"] = json!([{"name": "exception", "attributes": attributes(&[("exception.type", "java.net.ConnectException"), ("exception.message", "refused")])}]);
    let spans = [
        thrown,
        span("b", json!(2), &[("error.type", "timeout"), ("http.response.status_code", "504")]),
        span("c", json!(2), &[("http.response.status_code", "504")]),
        span("d", json!(2), &[("rpc.grpc.status_code", "14")]),
    ];
    let done = convert(&traces(&spans));
    let found: Vec<_> = done.envelopes.iter().map(|envelope| envelope.task_spec.failure_reason_code.as_str()).collect();
    assert_eq!(found, ["EXCEPTION.JAVA_NET_CONNECT_EXCEPTION", "ERROR.TIMEOUT", "HTTP.504", "GRPC.14"]);
    assert_eq!(done.envelopes[0].message.as_deref(), Some("refused"));
}

#[test]
fn pipelines_tasks_and_tests_are_told_by_the_conventions() {
    let run_id = ("cicd.pipeline.run.id", "ci-7");
    let spans = [
        span("a", json!(0), &[run_id, ("cicd.pipeline.name", "p"), ("cicd.pipeline.result", "timeout")]),
        span(
            "b",
            json!(0),
            &[
                run_id,
                ("cicd.pipeline.name", "p"),
                ("cicd.pipeline.task.name", "t"),
                ("cicd.pipeline.task.run.result", "success"),
            ],
        ),
        span(
            "c",
            json!(0),
            &[run_id, ("test.suite.name", "s"), ("test.case.name", "c"), ("test.case.result.status", "fail")],
        ),
        span("d", json!(0), &[run_id, ("test.suite.name", "s"), ("test.suite.run.status", "aborted")]),
        span("e", json!(0), &[run_id, ("cicd.pipeline.name", "p"), ("cicd.pipeline.result", "cancellation")]),
    ];
    let done = convert(&traces(&spans));
    let told: Vec<_> = done
        .envelopes
        .iter()
        .map(|envelope| {
            let spec = &envelope.task_spec;
            format!("{} {} {} {}", envelope.run_id, spec.target.kind, spec.target.id, spec.failure_reason_code)
        })
        .collect();
    assert_eq!(
        told,
        [
            "ci-7 pipeline p PIPELINE.TIMEOUT",
            "ci-7 task p/t NONE",
            "ci-7 test s::c TEST.FAILED",
            "ci-7 test_suite s TEST_SUITE.ABORTED",
            "ci-7 pipeline p NONE"
        ]
    );
}

#[test]
fn a_trace_is_the_run_unless_another_is_named() {
    let document = traces(&[span("a", json!(2), &[])]).to_string();
    let own = run("otlp", &file(&*document), &ConvertOptions::default());
    assert_eq!(own.envelopes[0].run_id.as_str(), "5b8efff798038103d269b633813fc60c");
    assert_eq!(run("otlp", &file(&*document), &given()).envelopes[0].run_id.as_str(), "run-1");
    let done = run(
        "otlp",
        &file(logs(&[json!({"severityNumber": 17, "timeUnixNano": "1"})]).to_string()),
        &ConvertOptions::default(),
    );
    assert_eq!(codes(&done.problems), ["run_missing"]);
}

#[test]
fn logs_of_errors_are_failures_and_others_are_passed_over() {
    let log = |severity: Value, text: &str| json!({"timeUnixNano": "1544712660300000000", "severityNumber": severity, "severityText": text, "body": {"stringValue": "b"}});
    let mut thrown = log(json!(17), "");
    thrown["attributes"] = attributes(&[("exception.type", "ValueError"), ("exception.message", "bad")]);
    let records = [
        log(json!(10), "Information"),
        log(json!("SEVERITY_NUMBER_ERROR2"), ""),
        log(json!("21"), ""),
        log(json!("SEVERITY_NUMBER_WARN4"), ""),
        log(Value::Null, "error"),
        log(Value::Null, "oops"),
        thrown,
    ];
    let done = convert(&logs(&records));
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure EXCEPTION.VALUE_ERROR
    2 failure LOG.ERROR
    1 failure LOG.FATAL
    ");
    assert_eq!(done.envelopes[0].task_spec.target.id.as_str(), "unknown_service");
    assert_eq!((done.envelopes[0].message.as_deref(), done.envelopes[3].message.as_deref()), (Some("b"), Some("bad")));
}

#[test]
fn files_that_are_something_else_are_refused() {
    assert_eq!((taken(TRACE), taken(LOGS)), (vec!["otlp"], vec!["otlp"]));
    hostile::refuses_what_is_not_its_own("otlp", TRACE);
    hostile::survives("otlp", TRACE);
    hostile::survives("otlp", LOGS);
}

/// The counts were made by a few lines of Python over the same files.
#[test]
fn real_files_come_to_what_was_counted_otherwise() {
    let Some(files) = real_files("otlp") else { return };
    let done = run("otlp", &files, &ConvertOptions { run_id: Some("{name}".parse().unwrap()), ..given() });
    assert_eq!((files.len(), codes(&done.problems)), (26, vec!["wrong_format"; 3]));
    assert_eq!(
        (done.counts.records, done.envelopes.len(), done.counts.left_out),
        (72, 69, 3),
        "68 spans, one of 16 log records"
    );
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure LOG.ERROR
    1 failure SPAN.ERROR
    67 observation NONE
    ");
}

fn folder(files: &[(&str, Value)]) -> Folder {
    files.iter().map(|(name, document)| ((*name).to_owned(), document.to_string().into_bytes())).collect()
}

#[test]
fn lines_documents_and_wrapped_results_are_read_alike() {
    let document = traces(&[span("a", json!(2), &[])]);
    let lines = format!("{document}\n{}\n{{}}\n", traces(&[span("b", json!(1), &[])]));
    let done = run("otlp", &file(lines), &given());
    assert_eq!((done.envelopes.len(), codes(&done.problems)), (2, vec!["wrong_format"]));
    let wrapped = run("otlp", &folder(&[("w.json", json!({"result": document}))]), &given());
    assert_eq!(wrapped.envelopes.len(), 1);
    assert_eq!(
        codes(&run("otlp", &folder(&[("m.json", json!({"resourceMetrics": []}))]), &given()).notes),
        ["records_none"]
    );
}
