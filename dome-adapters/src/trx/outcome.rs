//! From a result to its outcome.

use super::read::{RawResult, Run};
use crate::finding::{Finding, FindingCode, quote};
use crate::out::Out;
use crate::report::{Case, Outcome};
use crate::when::{When, clock_milliseconds};

/// Pushes the results of a run in their order.
pub(super) fn push(run: Run, out: &mut Out<'_>) {
    for (index, raw) in run.results.iter().enumerate() {
        let place = format!("result {}", index + 1);
        match outcome(raw, &place, out) {
            Ok(outcome) => out.push(&case(&run, raw, place, outcome).record()),
            Err(problem) => out.left_out(problem),
        }
    }
}

/// The outcomes of vstest. What is under way or undecided is not an outcome.
fn outcome(raw: &RawResult, place: &str, out: &Out<'_>) -> Result<Outcome, Finding> {
    let expected = "`Passed`, `Failed`, `Error`, `Timeout`, `Aborted`, `NotExecuted` or another one that is final";
    let Some(said) = raw.element.get("outcome") else {
        return Err(out.at(place).found(FindingCode::OutcomeMissing, "the result has no `outcome`", expected));
    };
    match said {
        "Passed" | "PassedButRunAborted" => Ok(Outcome::Passed),
        "Failed" => Ok(Outcome::Failed),
        "Error" | "NotRunnable" => Ok(Outcome::Errored),
        "Timeout" => Ok(Outcome::TimedOut),
        "Aborted" | "Disconnected" => Ok(Outcome::Aborted),
        "NotExecuted" | "Inconclusive" => Ok(Outcome::Skipped),
        other => {
            Err(out.at(place).found(FindingCode::StatusUnknown, format!("the outcome is {}", quote(other)), expected))
        }
    }
}

fn case(run: &Run, raw: &RawResult, place: String, outcome: Outcome) -> Case {
    let element = &raw.element;
    let mut case = Case::new(place, element.get("testName").unwrap_or_default(), outcome);
    case.class = element.get("testId").and_then(|id| run.classes.get(id)).cloned();
    case.message = (!raw.message.trim().is_empty()).then(|| raw.message.clone());
    let ended = element.get("endTime").or_else(|| element.get("startTime"));
    case.when = ended.or(run.when.as_deref()).map(When::of).unwrap_or_default();
    case.duration_ms = element.get("duration").and_then(clock_milliseconds);
    case.run_id.clone_from(&run.id);
    case.event_id = element.get("executionId").map(str::to_owned);
    if let Some(host) = element.get("computerName") {
        case.labels.insert("hostname".to_owned(), host.to_owned());
    }
    case
}
