//! CloudEvents that carry outcomes: the CDEvents of pipelines, tasks and tests.
//! `docs/formats/cloudevents.md` has the mapping.

use std::collections::BTreeSet;

use dome_core::CodeClass::{Advisory, Repairable};
use dome_core::{Signal, Status};
use serde_json::Value;

use crate::codes::means;
use crate::finding::{Finding, FindingCode, FoundAt, quote};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::FileReader;
use crate::record::{NAMELESS, OutcomeRecord};
use crate::when::When;

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

fn sniff(head: &Head) -> bool {
    let plain = head.has_member("specversion") && head.has_member("source");
    let carried = head.has_member("context") && head.text().contains("\"dev.cdevents.");
    let batch = head.is_array() && head.text().contains("\"specversion\"");
    plain || carried || batch
}

const EXPECTED: &str = "CloudEvents or CDEvents, as an array, lines or one object";

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut seen = BTreeSet::new();
    reading.values(EXPECTED, &mut |place, value| {
        if let Err(problem) = value.and_then(|value| event(place, &value, &mut seen, out)) {
            out.left_out(problem);
        }
        Ok(())
    })
}

/// The events so far, by type, source and id.
type SeenEvents = BTreeSet<(FinishedKind, Option<String>, String)>;

/// One event. One that tells no outcome is passed over.
fn event(place: &str, value: &Value, seen: &mut SeenEvents, out: &mut Out<'_>) -> Result<(), Finding> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let at = out.at(place);
    let cloud = text("/specversion").is_some();
    let prefix = if cloud { "/data" } else { "" };
    let kind = text("/type").or_else(|| text("/context/type"));
    let (Some(kind), Some(id)) = (kind, text("/id").or_else(|| text("/context/id"))) else {
        return Err(at.found(FindingCode::RecordMalformed, "the event has no `type` or no `id`", EXPECTED));
    };
    let Some(kind) = FinishedKind::of(kind) else { return Ok(()) };
    if value.pointer(&format!("{prefix}/subject")).is_none() {
        let message = "the event of CDEvents has no `subject` in its data";
        return Err(at.found(FindingCode::RecordMalformed, message, "data in JSON, as the binding asks"));
    }
    let source = text("/source").or_else(|| text("/context/source"));
    // Ids are unique for their source, and some systems give one to all events of a run.
    if !seen.insert((kind, source.map(str::to_owned), id.to_owned())) {
        out.repeated();
        return Ok(());
    }
    let mut record = kind.record(place, value.pointer(prefix).unwrap_or(value), at)?;
    record.event_id = Some(format!("{}/{id}", kind.name()));
    record.when = When::said(["/time", "/context/timestamp", "/data/context/timestamp"].into_iter().find_map(text));
    record.label("source", source);
    out.push(&record);
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FinishedKind {
    Pipeline,
    Task,
    Suite,
    Test,
    Skipped,
}

impl FinishedKind {
    const ALL: [Self; 5] = [Self::Pipeline, Self::Task, Self::Suite, Self::Test, Self::Skipped];

    const fn name(self) -> &'static str {
        match self {
            Self::Pipeline => "pipelinerun.finished",
            Self::Task => "taskrun.finished",
            Self::Suite => "testsuiterun.finished",
            Self::Test => "testcaserun.finished",
            Self::Skipped => "testcaserun.skipped",
        }
    }

    fn of(kind: &str) -> Option<Self> {
        let kind = kind.strip_prefix("dev.cdevents.")?;
        let is = |version: &str| version.is_empty() || version.starts_with('.');
        Self::ALL.into_iter().find(|known| kind.strip_prefix(known.name()).is_some_and(is))
    }

    /// The target's kind, where its name stands, the action, and what its codes begin with.
    const fn about(self) -> (&'static str, [&'static str; 2], &'static str, &'static str) {
        match self {
            Self::Pipeline => ("pipeline", ["/pipelineName", "/pipeline/name"], "run", "PIPELINE"),
            Self::Task => ("task", ["/taskName", "/task/name"], "run", "TASK"),
            Self::Suite => ("test_suite", ["/testSuite/name", "/testSuite/id"], "test", "TEST_SUITE"),
            Self::Test | Self::Skipped => ("test", ["/testCase/name", "/testCase/id"], "test", "TEST"),
        }
    }

    fn record(self, place: &str, event: &Value, at: FoundAt<'_>) -> Result<OutcomeRecord, Finding> {
        let subject = |pointer: &str| text(event, &format!("/subject{pointer}"));
        let content = |pointer: &str| text(event, &format!("/subject/content{pointer}"));
        let (kind, names, action, word) = self.about();
        let name = names.iter().find_map(|name| content(name)).or_else(|| subject("/id")).unwrap_or(NAMELESS);
        let (signal, how) = self.ended(content("/outcome"), at)?;
        let status = match signal {
            Signal::Success => Status::Pass,
            Signal::Failure => Status::Fail,
            _ => Status::Skip,
        };
        let mut record = OutcomeRecord::new(place, signal, (kind, name), action);
        record.gates = vec![(action.to_owned(), status)];
        // The class is that of the list, where every one of these codes stands.
        record.code = how.map(|how| (format!("{word}.{how}"), Repairable));
        record.run_id = self.run(event).map(str::to_owned);
        record.message = content("/errors").or_else(|| content("/reason")).map(str::to_owned);
        record.label_all([
            ("environment", content("/environment/id")),
            ("outcome", content("/outcome")),
            ("severity", content("/severity")),
            ("subject", subject("/id")),
            ("suite_run", content("/testSuiteRun/id")),
            ("uri", content("/uri")),
        ]);
        Ok(record)
    }

    fn ended(self, outcome: Option<&str>, at: FoundAt<'_>) -> Result<(Signal, Option<&'static str>), Finding> {
        Ok(match outcome {
            _ if self == Self::Skipped => (Signal::Observation, None),
            Some("success" | "pass") => (Signal::Success, None),
            Some("failure" | "fail") => (Signal::Failure, Some("FAILED")),
            Some("error") => (Signal::Failure, Some("ERROR")),
            Some("cancel" | "canceled" | "cancelled" | "skipped") => (Signal::Observation, None),
            Some(other) => {
                let message = format!("the outcome {} is not one", quote(other));
                return Err(at.found(FindingCode::StatusUnknown, message, "`success`, `failure`, `error` or `cancel`"));
            }
            None => {
                return Err(at.found(FindingCode::OutcomeMissing, "it finished, and has no `outcome`", "an outcome"));
            }
        })
    }

    fn run(self, event: &Value) -> Option<&str> {
        let pipeline = if self == Self::Pipeline { text(event, "/subject/id") } else { None };
        pipeline.or_else(|| text(event, "/subject/content/pipelineRun/id")).or_else(|| text(event, "/context/chainId"))
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}
