//! Reports of pytest-json-report. `docs/formats/pytest-json.md` has the mapping.

use serde_json::{Map, Value};

use crate::finding::{Finding, FindingCode, FoundAt, quote};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::json::{ObjectMembers, text_in};
use crate::out::Out;
use crate::reading::FileReader;
use crate::report::{TestCase, TestOutcome};
use crate::when::{When, scaled};

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "pytest-json",
    summary: "reports of the pytest plugin pytest-json-report (`.report.json`)",
    endings: &[".json"],
    codes: crate::report::CODES,
    sniff: |head: &Head| ["created", "exitcode", "root"].iter().all(|name| head.has_member(name)),
    converts: Converts::Each(convert),
};

/// Names under which CI systems say the commit; pytest-metadata puts them into the report.
const COMMITS: [&str; 3] = ["GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"];
const BRANCHES: [&str; 3] = ["GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "GIT_BRANCH"];
const STAGES: [&str; 3] = ["setup", "call", "teardown"];

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let document = reading.json("a report of pytest-json-report")?;
    let list = |name: &str| document.get(name).and_then(Value::as_array);
    let (tests, collectors) = (list("tests"), list("collectors"));
    let known = document.get("exitcode").is_some() && document.get("created").is_some();
    if !known || (tests.is_none() && collectors.is_none() && document.get("summary").is_none()) {
        let expected = "an object with `created`, `exitcode` and `tests`";
        return Err(reading.found(FindingCode::WrongFormat, "not a report of pytest-json-report", expected));
    }
    let shared = shared(&document);
    for (index, entry) in collectors.into_iter().flatten().enumerate() {
        let case = collected(entry, out.at(&format!("/collectors/{index}")), &shared).transpose();
        case.into_iter().for_each(|case| out.take(case.map(TestCase::record)));
    }
    for (index, entry) in tests.into_iter().flatten().enumerate() {
        let case = run(entry, out.at(&format!("/tests/{index}")), &shared);
        out.take(case.map(TestCase::record));
    }
    Ok(())
}

fn shared(document: &Value) -> TestCase {
    let empty = Map::new();
    let environment = document.get("environment").and_then(Value::as_object).unwrap_or(&empty);
    let first = |names: &[&str]| names.iter().find_map(|name| text_in(environment, name)).map(str::to_owned);
    let version =
        environment.get("Packages").and_then(Value::as_object).and_then(|packages| text_in(packages, "pytest"));
    let created = document.get("created").and_then(Value::as_number);
    let mut case = TestCase::new("", "", TestOutcome::Passed);
    case.record.when = created.map_or(When::Unknown, |time| When::of_unix(&time.to_string(), When::SECONDS));
    case.record.tool = version.map(|version| ("pytest".to_owned(), version.to_owned()));
    case.record.lane = first(&BRANCHES);
    case.record.commit = first(&COMMITS);
    case.record.versions.extend(first(&["Python"]).map(|version| ("python".to_owned(), version)));
    case
}

fn run(entry: &Value, at: FoundAt<'_>, shared: &TestCase) -> Result<TestCase, Finding> {
    let mut members = ObjectMembers::of(at, entry, "an object")?;
    let name = members.text("nodeid")?;
    let said = members.text("outcome")?;
    let mut case = TestCase { name, outcome: outcome(&said, at)?, ..shared.clone() };
    case.record.place = at.place.to_owned();
    if matches!(&*said, "xfailed" | "xpassed" | "rerun") {
        case.record.label("outcome", Some(&said));
    }
    let mut nanoseconds = None;
    for stage in STAGES {
        let object = members.optional_object(stage)?;
        let duration = object.get("duration").and_then(Value::as_number);
        if let Some(duration) = duration.and_then(|duration| scaled(&duration.to_string(), 9)) {
            nanoseconds = Some(nanoseconds.map_or(duration, |sum: u128| sum.saturating_add(duration)));
        }
        if text_in(&object, "outcome") == Some("failed") && !case.record.labels.contains_key("stage") {
            case.record.label("stage", Some(stage));
            (case.kind, case.record.message) = (kind(&object), message(&object));
        }
    }
    case.record.duration_ms = nanoseconds.and_then(|sum| u64::try_from(sum / 1_000_000).ok());
    Ok(case)
}

/// A collector that failed: a file that could not be read as tests.
fn collected(entry: &Value, at: FoundAt<'_>, shared: &TestCase) -> Result<Option<TestCase>, Finding> {
    let mut members = ObjectMembers::of(at, entry, "an object")?;
    let nodeid = members.text("nodeid")?;
    if members.text("outcome")? != "failed" {
        return Ok(None);
    }
    let name = if nodeid.is_empty() { ".".to_owned() } else { nodeid };
    let mut case = TestCase { name, outcome: TestOutcome::Errored, ..shared.clone() };
    case.record.place = at.place.to_owned();
    case.record.label("stage", Some("collect"));
    case.record.message = members.optional_text("longrepr")?;
    Ok(Some(case))
}

fn outcome(said: &str, at: FoundAt<'_>) -> Result<TestOutcome, Finding> {
    match said {
        "passed" | "xpassed" => Ok(TestOutcome::Passed),
        "failed" | "rerun" => Ok(TestOutcome::Failed),
        "error" => Ok(TestOutcome::Errored),
        "skipped" | "xfailed" => Ok(TestOutcome::Skipped),
        other => {
            let expected = "`passed`, `failed`, `error`, `skipped`, `xfailed`, `xpassed` or `rerun`";
            Err(at.found(FindingCode::StatusUnknown, format!("the outcome is {}", quote(other)), expected))
        }
    }
}

/// The type of the exception: what pytest writes at the innermost place of the traceback.
fn kind(stage: &Map<String, Value>) -> Option<String> {
    let innermost = stage.get("traceback").and_then(Value::as_array).and_then(|places| places.last())?;
    innermost.as_object().and_then(|place| text_in(place, "message")).map(str::to_owned)
}

fn message(stage: &Map<String, Value>) -> Option<String> {
    let crash = stage.get("crash").and_then(Value::as_object).and_then(|crash| text_in(crash, "message"));
    crash.or_else(|| text_in(stage, "longrepr")).map(str::to_owned)
}
