//! OTLP in JSON: one envelope a span, and one a log record that is an error.
//! `docs/formats/otlp.md` has the mapping.

mod attributes;
mod log;
mod scope;
mod span;

use dome_core::CodeClass::{Advisory, Repairable};
use serde_json::Value;

use crate::codes::means;
use crate::finding::{Finding, FindingCode};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::Reading;
use scope::Scope;

/// The room.
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

fn sniff(head: &Head<'_>) -> bool {
    ["resourceSpans", "resourceLogs"]
        .iter()
        .any(|name| head.has_member(name) || head.has_member("result") && head.text().contains(&format!("\"{name}\"")))
}

const EXPECTED: &str = "OTLP in JSON, with `resourceSpans` or `resourceLogs`, as lines or objects";

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
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
        let problem = out.at(place).found(FindingCode::WrongFormat, "neither spans nor log records", EXPECTED);
        return out.left_out(problem);
    }
    let spans = [("resourceSpans", &["scopeSpans", "instrumentationLibrarySpans"], "spans")];
    let logs = [("resourceLogs", &["scopeLogs", "instrumentationLibraryLogs"], "logRecords")];
    for (resources, scopes, items) in spans.into_iter().chain(logs) {
        for (resource_number, resource) in list(value, resources).iter().enumerate() {
            for scopes in *scopes {
                for (number, scope) in list(resource, scopes).iter().enumerate() {
                    let scope_place = format!("{place}/{resources}/{resource_number}/{scopes}/{number}/{items}");
                    let found = Scope::of(resource, scope);
                    for (number, item) in list(scope, items).iter().enumerate() {
                        let place = format!("{scope_place}/{number}");
                        if items == "spans" {
                            out.push(&span::record(&place, &found, item, out));
                        } else if let Some(record) = log::record(&place, &found, item, out) {
                            out.push(&record);
                        }
                    }
                }
            }
        }
    }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
