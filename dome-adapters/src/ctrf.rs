//! CTRF, the Common Test Report Format. `docs/formats/ctrf.md` has the mapping.

use serde_json::{Map, Value};

use crate::finding::{Finding, FindingCode, FoundAt, quote};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::json::{ObjectMembers, text_in};
use crate::out::Out;
use crate::reading::FileReader;
use crate::report::{AttemptsSaid, TestCase, TestOutcome};
use crate::subject::SaidSubject;
use crate::when::{When, scaled};

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "ctrf",
    summary: "CTRF reports (`reportFormat` `CTRF`)",
    endings: &[".json"],
    codes: crate::report::CODES,
    sniff,
    converts: Converts::Each(convert),
};

/// By its name for itself, or, before there was one, by a tool, a summary and tests.
fn sniff(head: &Head) -> bool {
    let old = ["\"tool\"", "\"summary\"", "\"tests\"", "\"pending\""].iter().all(|member| head.text().contains(member));
    (head.has_member("reportFormat") && head.text().contains("\"CTRF\"")) || (head.has_member("results") && old)
}

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let document = reading.json("a CTRF report")?;
    let Some(Value::Array(tests)) = document.pointer("/results/tests") else {
        return Err(reading.found(FindingCode::WrongFormat, "not a CTRF report", "an object with `results.tests`"));
    };
    let (shared, ended) = (shared(&document), ended(&document));
    for (index, test) in tests.iter().enumerate() {
        let place = format!("/results/tests/{index}");
        match outcomes(test, out.at(&place), &shared, &ended) {
            Ok((outcomes, lost)) => {
                if let Some(lost) = lost {
                    out.note(FindingCode::AttemptsLost, &place, lost);
                }
                outcomes.into_iter().for_each(|case| out.test(case));
            }
            Err(problem) => out.left_out(problem),
        }
    }
    Ok(())
}

fn shared(document: &Value) -> TestCase {
    let empty = Map::new();
    let object = |pointer: &str| document.pointer(pointer).and_then(Value::as_object).unwrap_or(&empty);
    let (root, environment, tool) = (object(""), object("/results/environment"), object("/results/tool"));
    let own = |object: &Map<String, Value>, name: &str| text_in(object, name).map(str::to_owned);
    let mut case = TestCase::new("", "", TestOutcome::Passed);
    case.record.run_id = own(root, "runId").or_else(|| own(environment, "buildId"));
    case.record.lane = own(environment, "branchName");
    case.record.subject = SaidSubject {
        repository: own(environment, "repositoryUrl").or_else(|| own(environment, "repositoryName")),
        ..SaidSubject::at(own(environment, "commit"))
    };
    let version = own(tool, "version").unwrap_or_else(|| "unknown".to_owned());
    case.record.tool = own(tool, "name").map(|name| (name, version));
    case.record.env.extend(own(environment, "osPlatform").map(|os| ("os".to_owned(), os)));
    case
}

fn ended(document: &Value) -> When {
    let stop = document.pointer("/results/summary/stop").and_then(Value::as_number).map(ToString::to_string);
    match stop.filter(|stop| stop != "0") {
        Some(stop) => When::of_unix(&stop, When::MILLISECONDS),
        None => When::said(document.get("timestamp").and_then(Value::as_str)),
    }
}

/// The outcomes of a test in the order in which they came about, one or one per attempt, and which attempts are missing.
fn outcomes(
    test: &Value,
    at: FoundAt<'_>,
    shared: &TestCase,
    ended: &When,
) -> Result<(Vec<TestCase>, Option<String>), Finding> {
    let mut members = ObjectMembers::of(at, test, "a test, as an object")?;
    let name = members.text("name")?;
    let status = members.text("status")?;
    let mut case = TestCase { name, outcome: outcome(&status, at)?, ..shared.clone() };
    case.record.place = at.place.to_owned();
    // The suites, the outermost first: an array, or, before version 1, a text.
    let suite = members.optional_text_or_texts("suite")?.join(" > ");
    let file = members.optional_text("filePath")?;
    case.class = Some(suite).filter(|suite| !suite.is_empty()).or_else(|| file.clone());
    case.record.event_id = members.optional_text("executionId")?;
    for (label, value) in
        [("file", file), ("test_type", members.optional_text("type")?), ("browser", members.optional_text("browser")?)]
    {
        case.record.labels.extend(value.map(|value| (label.to_owned(), value)));
    }
    let flaky = members.optional_flag("flaky")? == Some(true);
    let retries = members.optional_number("retries")?.and_then(|retries| scaled(&retries, 0));
    let attempts = members.optional_array("retryAttempts")?;
    let mut attempts: Vec<_> = attempts.iter().enumerate().collect();
    attempts.sort_by_key(|(_, attempt)| attempt.get("attempt").and_then(Value::as_u64));
    timed(&mut case, &mut members, ended)?;
    // Reports list the last attempt beside the others, or leave it to the test itself.
    let listed = attempts.last().is_some_and(|(_, last)| match retries {
        Some(retries) => attempts.len() as u128 > retries,
        None => last.get("status").and_then(Value::as_str) == Some(&status),
    });
    let mut outcomes = Vec::new();
    for (index, attempt) in attempts {
        outcomes.push(attempted(attempt, at, index, &case)?);
    }
    if listed {
        outcomes.pop();
    }
    outcomes.push(case);
    let number = retries.and_then(|retries| u64::try_from(retries).ok()).map(|retries| retries.saturating_add(1));
    let lost = AttemptsSaid { number, flaky }.number(&mut outcomes);
    Ok((outcomes, lost))
}

fn attempted(attempt: &Value, at: FoundAt<'_>, index: usize, test: &TestCase) -> Result<TestCase, Finding> {
    let place = format!("{}/retryAttempts/{index}", at.place);
    let at = FoundAt { place: &place, ..at };
    let mut members = ObjectMembers::of(at, attempt, "an attempt, as an object")?;
    let status = members.text("status")?;
    let mut case = TestCase { outcome: outcome(&status, at)?, ..test.clone() };
    case.record.place.clone_from(&place);
    case.record.event_id = members.optional_text("attemptId")?;
    (case.record.message, case.record.duration_ms) = (None, None);
    timed(&mut case, &mut members, &test.record.when)?;
    Ok(case)
}

fn timed(case: &mut TestCase, members: &mut ObjectMembers<'_>, other: &When) -> Result<(), Finding> {
    let (start, stop) = (members.optional_number("start")?, members.optional_number("stop")?);
    let own = stop.or(start).map(|time| When::of_unix(&time, When::MILLISECONDS));
    case.record.when = own.unwrap_or_else(|| other.clone());
    let duration = members.optional_number("duration")?;
    case.record.duration_ms = duration.and_then(|duration| u64::try_from(scaled(&duration, 0)?).ok());
    case.record.message = members.optional_text("message")?;
    Ok(())
}

fn outcome(status: &str, at: FoundAt<'_>) -> Result<TestOutcome, Finding> {
    match status {
        "passed" => Ok(TestOutcome::Passed),
        "failed" => Ok(TestOutcome::Failed),
        "skipped" | "pending" | "other" => Ok(TestOutcome::Skipped),
        other => {
            let expected = "`passed`, `failed`, `skipped`, `pending` or `other`";
            Err(at.found(FindingCode::StatusUnknown, format!("the status is {}", quote(other)), expected))
        }
    }
}
