//! What a finished pipeline, task, suite or test comes to.

use std::fmt;

use dome_core::{CodeClass, Signal, Status};
use serde_json::Value;

use super::FORMAT;
use crate::finding::{At, Finding, FindingCode, quote};
use crate::record::Record;

/// An event that tells an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Pipeline,
    Task,
    Suite,
    Test,
    Skipped,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pipeline => "pipelinerun.finished",
            Self::Task => "taskrun.finished",
            Self::Suite => "testsuiterun.finished",
            Self::Test => "testcaserun.finished",
            Self::Skipped => "testcaserun.skipped",
        })
    }
}

impl Kind {
    /// By the event's type, whatever its version.
    pub(super) fn of(kind: &str) -> Option<Self> {
        let mut words = kind.strip_prefix("dev.cdevents.")?.split('.');
        Some(match (words.next()?, words.next()?) {
            ("pipelinerun", "finished") => Self::Pipeline,
            ("taskrun", "finished") => Self::Task,
            ("testsuiterun", "finished") => Self::Suite,
            ("testcaserun", "finished") => Self::Test,
            ("testcaserun", "skipped") => Self::Skipped,
            _ => return None,
        })
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

    pub(super) fn record(self, place: &str, event: &Value, at: At<'_>) -> Result<Record, Finding> {
        let subject = |pointer: &str| text(event, &format!("/subject{pointer}"));
        let content = |pointer: &str| text(event, &format!("/subject/content{pointer}"));
        let (kind, names, action, word) = self.about();
        let name = names.iter().find_map(|name| content(name)).or_else(|| subject("/id")).unwrap_or_default();
        let (signal, status, code) = self.ended(content("/outcome"), word, at)?;
        let mut record = Record::new(place, signal, (kind, name), action);
        record.gates = status.map(|status| (action.to_owned(), status)).into_iter().collect();
        record.code = code;
        record.run_id = self.run(event).map(str::to_owned);
        record.message = content("/errors").or_else(|| content("/reason")).map(str::to_owned);
        for (label, value) in [
            ("environment", content("/environment/id")),
            ("outcome", content("/outcome")),
            ("severity", content("/severity")),
            ("subject", subject("/id")),
            ("suite_run", content("/testSuiteRun/id")),
            ("uri", content("/uri")),
        ] {
            record.label(label, value);
        }
        Ok(record)
    }

    fn ended(self, outcome: Option<&str>, word: &str, at: At<'_>) -> Result<Ended, Finding> {
        let failed = |how: &str| {
            let code = format!("{word}.{how}");
            let class = FORMAT.codes.iter().find(|known| known.code == code).map(|known| known.class);
            (Signal::Failure, Some(Status::Fail), Some((code, class.unwrap_or(CodeClass::Repairable))))
        };
        Ok(match outcome {
            _ if self == Self::Skipped => (Signal::Observation, Some(Status::Skip), None),
            Some("success" | "pass") => (Signal::Success, Some(Status::Pass), None),
            Some("failure" | "fail") => failed("FAILED"),
            Some("error") => failed("ERROR"),
            Some("cancel" | "canceled" | "cancelled" | "skipped") => (Signal::Observation, Some(Status::Skip), None),
            Some(other) => {
                let message = format!("the outcome {} is not one", quote(other));
                return Err(at.found(FindingCode::StatusUnknown, message, "`success`, `failure`, `error` or `cancel`"));
            }
            None => {
                return Err(at.found(FindingCode::OutcomeMissing, "it finished, and has no `outcome`", "an outcome"));
            }
        })
    }

    /// The run of the pipeline that it belongs to, else the chain of events.
    fn run(self, event: &Value) -> Option<&str> {
        let pipeline = if self == Self::Pipeline { text(event, "/subject/id") } else { None };
        pipeline.or_else(|| text(event, "/subject/content/pipelineRun/id")).or_else(|| text(event, "/context/chainId"))
    }
}

/// The signal, the gate's status and the failure code.
type Ended = (Signal, Option<Status>, Option<(String, CodeClass)>);

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}
