//! Spans: operations, and the pipelines, tasks and tests among them.

use dome_core::CodeClass::{self, Advisory, Repairable};
use dome_core::Signal;
use serde_json::Value;

use super::attributes::{attribute, enumeration, integer, text};
use super::scope::Scope;
use crate::codes::coded;
use crate::out::Out;
use crate::record::Record;
use crate::when::When;

const STATUS: [&str; 3] = ["UNSET", "OK", "ERROR"];
const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const ERROR: u64 = 2;

/// What an attribute of the conventions says of the outcome: signal, and code where it failed.
type Outcome = (Signal, Option<&'static str>);

pub(super) fn record(place: &str, scope: &Scope<'_>, span: &Value, out: &Out<'_>) -> Record {
    let name = text(span, "name").unwrap_or_default();
    let status = span.get("status").unwrap_or(&Value::Null);
    let erred = enumeration(status.get("code"), "STATUS_CODE_", &STATUS) == Some(ERROR);
    let fine = enumeration(status.get("code"), "STATUS_CODE_", &STATUS) == Some(1);
    let (target, action, told) = about(scope, span, name);
    let (signal, plain) = match told {
        Some(told) => told,
        None if erred => (Signal::Failure, None),
        None if fine => (Signal::Success, None),
        None => (Signal::Observation, None),
    };
    let mut record = Record::new(place, signal, (target.0, &target.1), action);
    let exception = exception(span);
    if signal == Signal::Failure {
        record.code = Some(code(span, exception, plain));
        record.message = exception.and_then(|event| attribute(event, "exception.message"));
        record.message = record.message.or_else(|| text(status, "message").map(str::to_owned));
    }
    let times = ["startTimeUnixNano", "endTimeUnixNano"].map(|name| integer(span.get(name)).filter(|time| *time > 0));
    record.when = times.iter().rev().flatten().next().map_or(When::Unknown, |time| When::of_unix_nanoseconds(*time));
    let duration = times[0].zip(times[1]).and_then(|(start, end)| end.checked_sub(start));
    record.duration_ms = duration.map(|nanoseconds| nanoseconds / 1_000_000);
    scope.says(&mut record, span, out);
    let ids = text(span, "traceId").zip(text(span, "spanId"));
    record.event_id = ids.map(|(trace, span)| format!("{trace}/{span}"));
    let kind = enumeration(span.get("kind"), "SPAN_KIND_", &KINDS).and_then(|kind| usize::try_from(kind).ok());
    let kind = kind.and_then(|kind| KINDS.get(kind)).filter(|kind| **kind != "UNSPECIFIED");
    record.label("kind", kind.map(|kind| kind.to_ascii_lowercase()).as_deref());
    record.label("parent_span_id", text(span, "parentSpanId"));
    record
}

/// What the span is about, by the conventions for pipelines and tests, else its service and name.
fn about(scope: &Scope<'_>, span: &Value, name: &str) -> ((&'static str, String), &'static str, Option<Outcome>) {
    let of = |key: &str| scope.attribute(span, key);
    if let Some(test) = of("test.case.name") {
        let suite = of("test.suite.name").map_or_else(String::new, |suite| format!("{suite}::"));
        let told = attribute(span, "test.case.result.status").and_then(|status| test_case(&status));
        return (("test", format!("{suite}{test}")), "test", told);
    }
    if let Some((suite, status)) = attribute(span, "test.suite.name").zip(attribute(span, "test.suite.run.status")) {
        return (("test_suite", suite), "test", test_suite(&status));
    }
    let pipeline = of("cicd.pipeline.name");
    if let Some(task) = attribute(span, "cicd.pipeline.task.name") {
        let told = attribute(span, "cicd.pipeline.task.run.result").and_then(|result| pipeline_result(&result));
        return (("task", pipeline.map_or_else(|| task.clone(), |pipeline| format!("{pipeline}/{task}"))), "run", told);
    }
    if let Some((pipeline, result)) = pipeline.zip(attribute(span, "cicd.pipeline.result")) {
        return (("pipeline", pipeline), "run", pipeline_result(&result));
    }
    let id = if name.is_empty() { String::new() } else { format!("{}/{name}", scope.service) };
    (("operation", id), "run", None)
}

fn test_case(status: &str) -> Option<Outcome> {
    match status {
        "pass" => Some((Signal::Success, None)),
        "fail" => Some((Signal::Failure, Some("TEST.FAILED"))),
        _ => None,
    }
}

fn test_suite(status: &str) -> Option<Outcome> {
    Some(match status {
        "success" => (Signal::Success, None),
        "failure" => (Signal::Failure, Some("TEST_SUITE.FAILURE")),
        "aborted" => (Signal::Failure, Some("TEST_SUITE.ABORTED")),
        "timed_out" => (Signal::Failure, Some("TEST_SUITE.TIMED_OUT")),
        "skipped" | "in_progress" => (Signal::Observation, None),
        _ => return None,
    })
}

fn pipeline_result(result: &str) -> Option<Outcome> {
    Some(match result {
        "success" => (Signal::Success, None),
        "failure" => (Signal::Failure, Some("PIPELINE.FAILURE")),
        "error" => (Signal::Failure, Some("PIPELINE.ERROR")),
        "timeout" => (Signal::Failure, Some("PIPELINE.TIMEOUT")),
        "cancellation" | "skip" => (Signal::Observation, None),
        _ => return None,
    })
}

/// The last exception that the span recorded.
fn exception(span: &Value) -> Option<&Value> {
    let events = span.get("events").and_then(Value::as_array)?;
    events.iter().rev().find(|event| text(event, "name") == Some("exception"))
}

/// The type of the exception, else the type of the error, else the protocol's status, else what the
/// span is about.
fn code(span: &Value, exception: Option<&Value>, plain: Option<&'static str>) -> (String, CodeClass) {
    let of = |prefix: &str, name: Option<String>| coded(prefix, &name?);
    let status = |keys: [&str; 2]| keys.iter().find_map(|key| attribute(span, key));
    let code = of("EXCEPTION", exception.and_then(|event| attribute(event, "exception.type")))
        .or_else(|| of("ERROR", attribute(span, "error.type")))
        .or_else(|| plain.map(str::to_owned))
        .or_else(|| of("HTTP", status(["http.response.status_code", "http.status_code"])))
        .or_else(|| of("GRPC", status(["rpc.response.status_code", "rpc.grpc.status_code"])))
        .unwrap_or_else(|| "SPAN.ERROR".to_owned());
    let class = if code == "PIPELINE.ERROR" { Advisory } else { Repairable };
    (code, class)
}
