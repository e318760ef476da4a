//! OTLP in JSON: one envelope per span, and one per log record that is an error.
//! `docs/formats/otlp.md` has the mapping.

use dome_core::CodeClass::{self, Advisory, Repairable};
use dome_core::Signal;
use serde_json::Value;

use crate::codes::{coded, means};
use crate::finding::{Finding, FindingCode};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::json::{list, trimmed};
use crate::out::Out;
use crate::reading::FileReader;
use crate::record::{NAMELESS, OutcomeRecord, cut, identifier};
use crate::subject::SaidSubject;
use crate::when::When;

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "otlp",
    summary: "traces and logs of OpenTelemetry (OTLP in JSON)",
    endings: &[".json", ".jsonl", ".ndjson"],
    codes: CODES,
    sniff,
    converts: Converts::Each(convert),
};

const CODES: &[CodeMeaning] = &[
    means("LOG.ERROR", Repairable, "an error was logged, and names no type"),
    means("LOG.FATAL", Repairable, "a fatal error was logged, and names no type"),
    means("PIPELINE.ERROR", Advisory, "the pipeline or task could not be carried out as it should"),
    means("PIPELINE.FAILURE", Repairable, "the pipeline or task ran and failed"),
    means("PIPELINE.TIMEOUT", Repairable, "the pipeline or task did not end in its time"),
    means("SPAN.ERROR", Repairable, "the operation ended with an error, and names no type"),
    means("TEST.FAILED", Repairable, "the test ran and failed, and names no type of exception"),
    means("TEST_SUITE.ABORTED", Repairable, "the run of the test suite was broken off"),
    means("TEST_SUITE.FAILURE", Repairable, "the test suite ran and failed"),
    means("TEST_SUITE.TIMED_OUT", Repairable, "the test suite did not end in its time"),
];

fn sniff(head: &Head) -> bool {
    ["resourceSpans", "resourceLogs"]
        .iter()
        .any(|name| head.has_member(name) || head.has_member("result") && head.text().contains(&format!("\"{name}\"")))
}

const EXPECTED: &str = "OTLP in JSON, with `resourceSpans` or `resourceLogs`, as lines or objects";

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    reading.values(EXPECTED, &mut |place, value| {
        match value {
            Err(problem) => out.left_out(problem),
            // Gateways wrap what they stream.
            Ok(value) => match value.get("result").filter(|result| result.is_object()) {
                Some(result) => data(&format!("{place}/result"), result, out),
                None => data(place, &value, out),
            },
        }
        Ok(())
    })
}

fn data(place: &str, value: &Value, out: &mut Out<'_>) {
    if !["resourceSpans", "resourceLogs", "resourceMetrics"].iter().any(|name| value.get(name).is_some()) {
        return out.leave_out(place, FindingCode::WrongFormat, "neither spans nor log records", EXPECTED);
    }
    let spans = ("/resourceSpans", ["/scopeSpans", "/instrumentationLibrarySpans"], "/spans");
    let logs = ("/resourceLogs", ["/scopeLogs", "/instrumentationLibraryLogs"], "/logRecords");
    for (resources, scopes, items) in [spans, logs] {
        for (resource_number, resource) in list(value, resources).iter().enumerate() {
            for scopes in scopes {
                for (number, scope) in list(resource, scopes).iter().enumerate() {
                    let scope_place = format!("{place}{resources}/{resource_number}{scopes}/{number}{items}");
                    let found = OtlpScope::of(resource, scope);
                    for (number, item) in list(scope, items).iter().enumerate() {
                        let place = format!("{scope_place}/{number}");
                        let record = if items == "/spans" {
                            Some(span(&place, &found, item, out))
                        } else {
                            log(&place, &found, item, out)
                        };
                        record.into_iter().for_each(|record| out.push(&record));
                    }
                }
            }
        }
    }
}

struct OtlpScope<'v> {
    resource: &'v Value,
    name: Option<&'v str>,
    service: String,
    version: Option<String>,
}

impl<'v> OtlpScope<'v> {
    fn of(resource: &'v Value, scope: &'v Value) -> Self {
        let resource = resource.get("resource").unwrap_or(&Value::Null);
        let named = scope.get("scope").or_else(|| scope.get("instrumentationLibrary")).unwrap_or(&Value::Null);
        Self {
            resource,
            name: text(named, "name"),
            // The conventions' own name for a service that has none.
            service: attribute(resource, "service.name").unwrap_or_else(|| "unknown_service".to_owned()),
            version: attribute(resource, "service.version"),
        }
    }

    fn attribute(&self, item: &Value, key: &str) -> Option<String> {
        attribute(item, key).or_else(|| attribute(self.resource, key))
    }

    /// What every record has. A trace is the run where neither a pipeline's run nor the user names one.
    fn says(&self, record: &mut OutcomeRecord, item: &Value, out: &Out<'_>) {
        let trace = text(item, "traceId").filter(|id| id.bytes().any(|byte| byte != b'0'));
        let given = out.options.run_id.is_some();
        record.run_id = self
            .attribute(item, "cicd.pipeline.run.id")
            .or_else(|| trace.filter(|_| !given).map(str::to_ascii_lowercase));
        record.lane = self.attribute(item, "vcs.ref.head.name").as_deref().and_then(identifier);
        record.subject = SaidSubject {
            revision: self.attribute(item, "vcs.ref.head.revision"),
            repository: self.attribute(item, "vcs.repository.url.full"),
            job: self.attribute(item, "cicd.pipeline.task.name"),
            base_revision: self.attribute(item, "vcs.ref.base.revision"),
            dirty: None,
        };
        let version = self.version.clone().unwrap_or_else(|| "unknown".to_owned());
        record.tool = identifier(&self.service).map(|service| (service, version));
        let scope = self.name.map(|name| cut(name, 512));
        record.label_all([("scope", scope), ("trace_id", trace), ("span_id", text(item, "spanId"))]);
    }
}

const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

const SEVERITY_ERROR: u64 = 17;
const SEVERITY_FATAL: u64 = 21;

const STATUS: [&str; 3] = ["UNSET", "OK", "ERROR"];
const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

/// What an attribute of the conventions says of the outcome: signal, and code where it failed.
type SpanOutcome = (Signal, Option<&'static str>);

const TEST_CASE: [(&str, SpanOutcome); 2] =
    [("pass", (Signal::Success, None)), ("fail", (Signal::Failure, Some("TEST.FAILED")))];
const TEST_SUITE: [(&str, SpanOutcome); 6] = [
    ("success", (Signal::Success, None)),
    ("failure", (Signal::Failure, Some("TEST_SUITE.FAILURE"))),
    ("aborted", (Signal::Failure, Some("TEST_SUITE.ABORTED"))),
    ("timed_out", (Signal::Failure, Some("TEST_SUITE.TIMED_OUT"))),
    ("skipped", (Signal::Observation, None)),
    ("in_progress", (Signal::Observation, None)),
];
const PIPELINE: [(&str, SpanOutcome); 6] = [
    ("success", (Signal::Success, None)),
    ("failure", (Signal::Failure, Some("PIPELINE.FAILURE"))),
    ("error", (Signal::Failure, Some("PIPELINE.ERROR"))),
    ("timeout", (Signal::Failure, Some("PIPELINE.TIMEOUT"))),
    ("cancellation", (Signal::Observation, None)),
    ("skip", (Signal::Observation, None)),
];

fn span(place: &str, scope: &OtlpScope<'_>, span: &Value, out: &Out<'_>) -> OutcomeRecord {
    let status = span.get("status").unwrap_or(&Value::Null);
    let (target, action, told) = about(scope, span);
    let (signal, plain) = told.unwrap_or(match enumeration(status.get("code"), "STATUS_CODE_", &STATUS) {
        Some(1) => (Signal::Success, None),
        Some(2) => (Signal::Failure, None),
        _ => (Signal::Observation, None),
    });
    let mut record = OutcomeRecord::new(place, signal, (target.0, &target.1), action);
    if signal == Signal::Failure {
        let exception = exception(span);
        record.code = Some(code(span, exception, plain));
        record.message = exception.and_then(|event| attribute(event, "exception.message"));
        record.message = record.message.or_else(|| text(status, "message").map(str::to_owned));
    }
    let (start, end) = (time(span, "startTimeUnixNano"), time(span, "endTimeUnixNano"));
    record.when = instant(end.or(start));
    let duration = start.zip(end).and_then(|(start, end)| end.checked_sub(start));
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
fn about(scope: &OtlpScope<'_>, span: &Value) -> ((&'static str, String), &'static str, Option<SpanOutcome>) {
    let of = |key: &str| scope.attribute(span, key);
    let told = |said: &str, words: &[(&str, SpanOutcome)]| {
        words.iter().find(|(word, _)| *word == said).map(|(_, outcome)| *outcome)
    };
    if let Some(test) = of("test.case.name") {
        let test = of("test.suite.name").map_or_else(|| test.clone(), |suite| format!("{suite}::{test}"));
        let outcome = attribute(span, "test.case.result.status").and_then(|status| told(&status, &TEST_CASE));
        return (("test", test), "test", outcome);
    }
    if let Some((suite, status)) = attribute(span, "test.suite.name").zip(attribute(span, "test.suite.run.status")) {
        return (("test_suite", suite), "test", told(&status, &TEST_SUITE));
    }
    let pipeline = of("cicd.pipeline.name");
    if let Some(task) = attribute(span, "cicd.pipeline.task.name") {
        let task = pipeline.map_or_else(|| task.clone(), |pipeline| format!("{pipeline}/{task}"));
        let outcome = attribute(span, "cicd.pipeline.task.run.result").and_then(|result| told(&result, &PIPELINE));
        return (("task", task), "run", outcome);
    }
    if let Some((pipeline, result)) = pipeline.zip(attribute(span, "cicd.pipeline.result")) {
        return (("pipeline", pipeline), "run", told(&result, &PIPELINE));
    }
    let operation = text(span, "name").map(|name| format!("{}/{name}", scope.service));
    (("operation", operation.unwrap_or_else(|| NAMELESS.to_owned())), "run", None)
}

fn exception(span: &Value) -> Option<&Value> {
    let events = span.get("events").and_then(Value::as_array)?;
    events.iter().rev().find(|event| text(event, "name") == Some("exception"))
}

fn code(span: &Value, exception: Option<&Value>, plain: Option<&'static str>) -> (String, CodeClass) {
    let of = |prefix: &str, name: Option<String>| coded(prefix, &name?);
    let status = |keys: [&str; 2]| keys.iter().find_map(|key| attribute(span, key));
    let code = of("EXCEPTION", exception.and_then(|event| attribute(event, "exception.type")))
        .or_else(|| of("ERROR", attribute(span, "error.type")))
        .or_else(|| plain.map(str::to_owned))
        .or_else(|| of("HTTP", status(["http.response.status_code", "http.status_code"])))
        .or_else(|| of("GRPC", status(["rpc.response.status_code", "rpc.grpc.status_code"])))
        .unwrap_or_else(|| "SPAN.ERROR".to_owned());
    (code, Repairable)
}

/// The record of an error; `None` for everything below it.
fn log(place: &str, scope: &OtlpScope<'_>, log: &Value, out: &Out<'_>) -> Option<OutcomeRecord> {
    let severity = severity(log).filter(|severity| *severity >= SEVERITY_ERROR)?;
    let target = scope.service.clone();
    let mut record = OutcomeRecord::new(place, Signal::Failure, ("service", &target), "run");
    let named = |prefix: &str, key: &str| coded(prefix, &attribute(log, key)?);
    let code = named("EXCEPTION", "exception.type").or_else(|| named("ERROR", "error.type"));
    let plain = if severity >= SEVERITY_FATAL { "LOG.FATAL" } else { "LOG.ERROR" };
    record.code = Some((code.unwrap_or_else(|| plain.to_owned()), Repairable));
    let body = log.pointer("/body/stringValue").and_then(Value::as_str).map(str::to_owned);
    record.message = attribute(log, "exception.message").or(body);
    record.when = instant(["timeUnixNano", "observedTimeUnixNano"].iter().find_map(|name| time(log, name)));
    scope.says(&mut record, log, out);
    record.label_all([("severity", text(log, "severityText")), ("event_name", text(log, "eventName"))]);
    Some(record)
}

/// The severity's number: itself, its name, or, where there is none, the text where that is such a name.
fn severity(log: &Value) -> Option<u64> {
    let steps = |level: &str| ["", "2", "3", "4"].map(|step| format!("{level}{step}"));
    let names: Vec<_> = ["UNSPECIFIED".to_owned()].into_iter().chain(LEVELS.into_iter().flat_map(steps)).collect();
    let number = enumeration(log.get("severityNumber"), "SEVERITY_NUMBER_", &names).filter(|number| *number > 0);
    number.or_else(|| place_of(&text(log, "severityText")?.to_ascii_uppercase(), &names))
}

fn attribute(holder: &Value, key: &str) -> Option<String> {
    let attributes = holder.get("attributes").and_then(Value::as_array)?;
    let named = attributes.iter().find(|one| one.get("key").and_then(Value::as_str) == Some(key))?;
    let value = named.get("value")?.as_object()?.values().next()?;
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn integer(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

/// A point in time in nanoseconds; zero says nothing.
fn time(value: &Value, name: &str) -> Option<u64> {
    integer(value.get(name)).filter(|time| *time > 0)
}

fn instant(nanoseconds: Option<u64>) -> When {
    nanoseconds.map_or(When::Unknown, |time| When::of_unix(&time.to_string(), When::NANOSECONDS))
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(trimmed)
}

/// An enumeration, by its number (as a number or as a text) or its name without `prefix`.
fn enumeration(value: Option<&Value>, prefix: &str, names: &[impl AsRef<str>]) -> Option<u64> {
    integer(value).or_else(|| place_of(value?.as_str()?.strip_prefix(prefix)?, names))
}

fn place_of(name: &str, names: &[impl AsRef<str>]) -> Option<u64> {
    names.iter().position(|known| known.as_ref() == name).and_then(|place| u64::try_from(place).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_names_are_one() {
        let of = |value: Value| enumeration(Some(&value), "STATUS_CODE_", &["UNSET", "OK", "ERROR"]);
        assert_eq!([of(json!(2)), of(json!("2")), of(json!("STATUS_CODE_ERROR"))], [Some(2); 3]);
        assert_eq!([of(json!("ERROR")), of(json!(-1)), of(json!(1.5)), of(json!(null))], [None; 4]);
        let holder = json!({"attributes": [{"key": "a", "value": {"intValue": "5"}}, {"key": "b", "value": {"arrayValue": {}}}]});
        assert_eq!((attribute(&holder, "a").as_deref(), attribute(&holder, "b")), (Some("5"), None));
    }
}
