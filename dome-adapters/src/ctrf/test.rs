//! One test of a report: one outcome, or one an attempt.

use serde_json::Value;

use super::context::Context;
use crate::finding::{At, Finding, FindingCode, quote};
use crate::members::Members;
use crate::report::{Case, Outcome};
use crate::when::{When, scaled};

/// The outcomes of a test in the order in which they came about.
pub(super) fn outcomes(mut members: Members<'_>, at: At<'_>, context: &Context) -> Result<Vec<Case>, Finding> {
    let name = members.text("name")?;
    let status = members.text("status")?;
    let mut case = Case::new(at.place, name, outcome(&status, at)?);
    let suite = suite(&mut members)?;
    let file = members.optional_text("filePath")?;
    case.class = suite.or_else(|| file.clone());
    case.event_id = members.optional_text("executionId")?;
    for (label, value) in
        [("file", file), ("test_type", members.optional_text("type")?), ("browser", members.optional_text("browser")?)]
    {
        case.labels.extend(value.map(|value| (label.to_owned(), value)));
    }
    context.onto(&mut case);
    let flaky = members.optional_flag("flaky")?.unwrap_or_default();
    let retries = members.optional_number("retries")?.and_then(|retries| scaled(&retries, 0));
    let attempts = members.optional_array("retryAttempts")?;
    timed(&mut case, &mut members, &context.when)?;
    let Some(last) = attempts.last() else {
        let tries = retries.and_then(|retries| u64::try_from(retries).ok()).filter(|retries| *retries > 0);
        case.attempt = tries.map(|retries| retries.saturating_add(1));
        case.flaky = flaky || (tries.is_some() && case.outcome == Outcome::Passed);
        return Ok(vec![case]);
    };
    // Reports list the last attempt beside the others, or leave it to the test itself.
    let listed = match retries {
        Some(retries) => attempts.len() as u128 > retries,
        None => last.get("status").and_then(Value::as_str) == Some(&status),
    };
    let mut outcomes = Vec::new();
    for (index, attempt) in attempts.iter().enumerate() {
        outcomes.push(attempted(attempt, at, index, &case)?);
    }
    if listed {
        outcomes.pop();
    }
    outcomes.push(case);
    let flaky = outcomes.last().is_some_and(|last| last.outcome == Outcome::Passed) && outcomes.len() > 1;
    for (number, case) in (1..).zip(&mut outcomes) {
        (case.attempt, case.flaky) = (Some(number), flaky);
    }
    Ok(outcomes)
}

/// An attempt with its own status, times and message.
fn attempted(attempt: &Value, at: At<'_>, index: usize, test: &Case) -> Result<Case, Finding> {
    let place = format!("{}/retryAttempts/{index}", at.place);
    let at = At { place: &place, ..at };
    let mut members = Members::of(at, attempt.clone(), "an attempt, as an object")?;
    let status = members.text("status")?;
    let mut case = Case { place: place.clone(), outcome: outcome(&status, at)?, ..test.clone() };
    case.event_id = members.optional_text("attemptId")?;
    (case.message, case.duration_ms) = (None, None);
    timed(&mut case, &mut members, &test.when)?;
    Ok(case)
}

/// Time, duration and message, which tests and attempts share.
fn timed(case: &mut Case, members: &mut Members<'_>, other: &When) -> Result<(), Finding> {
    let (start, stop) = (members.optional_number("start")?, members.optional_number("stop")?);
    case.when = stop.or(start).map(|time| When::of_unix_milliseconds(&time)).unwrap_or_default().or(other);
    let duration = members.optional_number("duration")?;
    case.duration_ms = duration.and_then(|duration| u64::try_from(scaled(&duration, 0)?).ok());
    case.message = members.optional_text("message")?;
    Ok(())
}

fn outcome(status: &str, at: At<'_>) -> Result<Outcome, Finding> {
    match status {
        "passed" => Ok(Outcome::Passed),
        "failed" => Ok(Outcome::Failed),
        "skipped" | "pending" | "other" => Ok(Outcome::Skipped),
        other => {
            let message = format!("the status is {}", quote(other));
            let expected = "`passed`, `failed`, `skipped`, `pending` or `other`";
            Err(at.found(FindingCode::StatusUnknown, message, expected))
        }
    }
}

/// The suites, the outermost first: an array, or, before version 1, a text.
fn suite(members: &mut Members<'_>) -> Result<Option<String>, Finding> {
    let text = members.optional_text_or_texts("suite")?.join(" > ");
    Ok((!text.is_empty()).then_some(text))
}
