//! CloudEvents that carry outcomes: the CDEvents of pipelines, tasks and tests.
//! `docs/formats/cloudevents.md` has the mapping.

mod outcome;

use std::collections::BTreeSet;

use dome_core::CodeClass::{Advisory, Repairable};
use serde_json::Value;

use crate::codes::means;
use crate::finding::{At, Finding, FindingCode};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::Reading;
use crate::when::When;
use outcome::Kind;

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "cloudevents",
    summary: "CloudEvents with the CDEvents of pipelines, tasks and tests",
    endings: &[".json", ".jsonl", ".ndjson"],
    codes: CODES,
    sniff,
    converts: Converts::Each(convert),
};

const CODES: &[CodeMeaning] = &[
    means("PIPELINE.ERROR", Advisory, "the pipeline could not be carried out as it should"),
    means("PIPELINE.FAILED", Repairable, "the pipeline ran and failed"),
    means("TASK.ERROR", Advisory, "the task could not be carried out as it should"),
    means("TASK.FAILED", Repairable, "the task ran and failed"),
    means("TEST.ERROR", Repairable, "the test could not be carried out as it should"),
    means("TEST.FAILED", Repairable, "the test ran and failed"),
    means("TEST_SUITE.ERROR", Repairable, "the test suite could not be carried out as it should"),
    means("TEST_SUITE.FAILED", Repairable, "the test suite ran and failed"),
];

fn sniff(head: &Head<'_>) -> bool {
    let plain = head.has_member("specversion") && head.has_member("source");
    let carried = head.has_member("context") && head.text().contains("\"dev.cdevents.");
    let batch = head.is_array() && head.text().contains("\"specversion\"");
    plain || carried || batch
}

const EXPECTED: &str = "CloudEvents or CDEvents, as an array, lines or one object";

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut seen = BTreeSet::new();
    reading.values(EXPECTED, &mut |place, value| {
        match value.and_then(|value| event(place, &value, &mut seen, out)) {
            Ok(()) => {}
            Err(problem) => out.left_out(problem),
        }
        Ok(())
    })
}

/// One event. One that tells no outcome is passed over.
fn event(place: &str, value: &Value, seen: &mut BTreeSet<String>, out: &mut Out<'_>) -> Result<(), Finding> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let at = At { input: &out.source().name, place };
    let cloud = text("/specversion").is_some();
    let prefix = if cloud { "/data" } else { "" };
    let kind = text("/type").or_else(|| text("/context/type"));
    let (Some(kind), Some(id)) = (kind, text("/id").or_else(|| text("/context/id"))) else {
        return Err(at.found(FindingCode::RecordMalformed, "the event has no `type` or no `id`", EXPECTED));
    };
    let Some(kind) = Kind::of(kind) else { return Ok(()) };
    if value.pointer(&format!("{prefix}/subject")).is_none() {
        let message = "the event of CDEvents has no `subject` in its data";
        return Err(at.found(FindingCode::RecordMalformed, message, "data in JSON, as the binding asks"));
    }
    let source = text("/source").or_else(|| text("/context/source")).unwrap_or_default();
    if !seen.insert(format!("{kind}\n{source}\n{id}")) {
        out.repeated();
        return Ok(());
    }
    let mut record = kind.record(place, value.pointer(prefix).unwrap_or(value), at)?;
    // Ids are unique for their source, and some systems give one to all events of a run.
    record.event_id = Some(format!("{kind}/{id}"));
    let when = text("/time").or_else(|| text("/context/timestamp"));
    record.when = when.or_else(|| text("/data/context/timestamp")).map_or(When::Unknown, When::of);
    record.label("source", Some(source));
    out.push(&record);
    Ok(())
}
