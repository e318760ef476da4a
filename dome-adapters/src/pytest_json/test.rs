//! One test with its stages, or one collector that failed.

use serde_json::{Map, Value};

use super::context::Context;
use crate::finding::{At, Finding, FindingCode, quote};
use crate::members::{Members, text_in};
use crate::report::{Case, Outcome};
use crate::when::scaled;

/// The stages of a test, in order.
const STAGES: [&str; 3] = ["setup", "call", "teardown"];

/// The outcome of a test.
pub(super) fn run(mut members: Members<'_>, at: At<'_>, context: &Context) -> Result<Case, Finding> {
    let nodeid = members.text("nodeid")?;
    let said = members.text("outcome")?;
    let mut case = Case::new(at.place, nodeid, outcome(&said, at)?);
    context.onto(&mut case);
    if matches!(&*said, "xfailed" | "xpassed" | "rerun") {
        case.labels.insert("outcome".to_owned(), said);
    }
    let mut nanoseconds = None;
    for stage in STAGES {
        let object = members.optional_object(stage)?;
        let duration = object.get("duration").and_then(Value::as_number);
        if let Some(duration) = duration.and_then(|duration| scaled(&duration.to_string(), 9)) {
            nanoseconds = Some(duration.saturating_add(nanoseconds.unwrap_or_default()));
        }
        if text_in(&object, "outcome") == Some("failed") && !case.labels.contains_key("stage") {
            case.labels.insert("stage".to_owned(), stage.to_owned());
            (case.kind, case.message) = (kind(&object), message(&object));
        }
    }
    case.duration_ms = nanoseconds.and_then(|sum| u64::try_from(sum / 1_000_000).ok());
    Ok(case)
}

/// A collector that failed: a file that could not be read as tests.
pub(super) fn collected(mut members: Members<'_>, at: At<'_>, context: &Context) -> Result<Option<Case>, Finding> {
    let nodeid = members.text("nodeid")?;
    if members.text("outcome")? != "failed" {
        return Ok(None);
    }
    let name = if nodeid.is_empty() { ".".to_owned() } else { nodeid };
    let mut case = Case::new(at.place, name, Outcome::Errored);
    context.onto(&mut case);
    case.labels.insert("stage".to_owned(), "collect".to_owned());
    case.message = members.optional_text("longrepr")?;
    Ok(Some(case))
}

fn outcome(said: &str, at: At<'_>) -> Result<Outcome, Finding> {
    match said {
        "passed" | "xpassed" => Ok(Outcome::Passed),
        "failed" | "rerun" => Ok(Outcome::Failed),
        "error" => Ok(Outcome::Errored),
        "skipped" | "xfailed" => Ok(Outcome::Skipped),
        other => {
            let message = format!("the outcome is {}", quote(other));
            let expected = "`passed`, `failed`, `error`, `skipped`, `xfailed`, `xpassed` or `rerun`";
            Err(at.found(FindingCode::StatusUnknown, message, expected))
        }
    }
}

/// The type of the exception: what pytest writes at the innermost place of the traceback.
fn kind(stage: &Map<String, Value>) -> Option<String> {
    let innermost = stage.get("traceback").and_then(Value::as_array).and_then(|places| places.last())?;
    innermost.get("message").and_then(Value::as_str).filter(|kind| !kind.is_empty()).map(str::to_owned)
}

/// What the exception says; without a crash, the report of the stage as a text.
fn message(stage: &Map<String, Value>) -> Option<String> {
    let crash = stage.get("crash").and_then(Value::as_object).and_then(|crash| text_in(crash, "message"));
    crash.or_else(|| text_in(stage, "longrepr")).map(str::to_owned)
}
