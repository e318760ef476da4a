//! Reports of pytest-json-report. `docs/formats/pytest-json.md` has the mapping.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::ci::{CiLookup, CiRun, CiSystem};
use crate::finding::{Finding, FindingCode, FoundAt, quote};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::json::{ObjectMembers, text_in};
use crate::out::Out;
use crate::reading::FileReader;
use crate::report::{TestCase, TestOutcome};
use crate::subject::SaidSubject;
use crate::when::{When, scaled};

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "pytest-json",
    summary: "reports of the pytest plugin pytest-json-report (`.report.json`)",
    endings: &[".json"],
    codes: crate::report::CODES,
    sniff: |head: &Head| ["created", "exitcode", "root"].iter().all(|name| head.has_member(name)),
    converts: Converts::Each(convert),
};

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
    let mut tries = Tries::of(tests.into_iter().flatten());
    for (index, entry) in tests.into_iter().flatten().enumerate() {
        let place = format!("/tests/{index}");
        match run(entry, out.at(&place), &shared) {
            Ok((mut case, lost)) => {
                tries.number(&mut case);
                if lost {
                    let message = "the test was tried again, and the report holds the last attempt alone";
                    out.note(FindingCode::AttemptsLost, &place, message);
                }
                out.test(case);
            }
            Err(problem) => out.left_out(problem),
        }
    }
    Ok(())
}

/// How often each test stands in the report: names are unique, so what stands there again was tried again.
struct Tries(BTreeMap<String, (u64, u64)>);

impl Tries {
    fn of<'v>(entries: impl Iterator<Item = &'v Value>) -> Self {
        let mut tries = BTreeMap::new();
        for name in entries.filter_map(|entry| entry.get("nodeid")?.as_str()) {
            tries.entry(name.to_owned()).or_insert((0, 0)).1 += 1;
        }
        Self(tries)
    }

    fn number(&mut self, case: &mut TestCase) {
        if let Some((attempt, all)) = self.0.get_mut(&case.name).filter(|(_, all)| *all > 1) {
            *attempt += 1;
            case.record.attempts = Some(*attempt);
            case.flaky |= attempt == all && case.outcome == TestOutcome::Passed;
        }
    }
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
    (case.record.subject, case.record.lane) = tested(&|name| first(&[name]));
    case.record.versions.extend(first(&["Python"]).map(|version| ("python".to_owned(), version)));
    case
}

/// What was tested, and in which lane: pytest-metadata puts variables of the CI system into the report.
fn tested(look: CiLookup<'_>) -> (SaidSubject, Option<String>) {
    let runs: Vec<_> = CiSystem::ALL.iter().map(|system| system.read(look, None)).collect();
    let lane = runs.iter().find_map(|run| run.lane.as_ref()).map(ToString::to_string);
    let Some(run) = runs.into_iter().find(|run| run.revision.is_some()) else {
        return (SaidSubject::default(), lane);
    };
    let CiRun { revision, repository, job, base_revision, lane: own, .. } = run;
    let [revision, base_revision] = [revision, base_revision].map(|one| one.map(|one| one.to_string()));
    let (repository, job) = (repository.map(|one| one.to_string()), job.map(|one| one.to_string()));
    (SaidSubject { revision, repository, job, base_revision, dirty: None }, own.map(|own| own.to_string()).or(lane))
}

/// A test, and whether attempts at it are missing.
fn run(entry: &Value, at: FoundAt<'_>, shared: &TestCase) -> Result<(TestCase, bool), Finding> {
    let mut members = ObjectMembers::of(at, entry, "an object")?;
    let name = members.text("nodeid")?;
    let said = members.text("outcome")?;
    let mut case = TestCase { name, outcome: outcome(&said, at)?, ..shared.clone() };
    case.record.place = at.place.to_owned();
    if matches!(&*said, "xfailed" | "xpassed" | "rerun") {
        case.record.label("outcome", Some(&said));
    }
    let (mut nanoseconds, mut passed) = (None, false);
    for stage in STAGES {
        let object = members.optional_object(stage)?;
        let duration = object.get("duration").and_then(Value::as_number);
        if let Some(duration) = duration.and_then(|duration| scaled(&duration.to_string(), 9)) {
            nanoseconds = Some(nanoseconds.map_or(duration, |sum: u128| sum.saturating_add(duration)));
        }
        passed |= text_in(&object, "outcome") == Some("passed");
        if text_in(&object, "outcome") == Some("failed") && !case.record.labels.contains_key("stage") {
            case.record.label("stage", Some(stage));
            (case.kind, case.record.message) = (kind(&object), message(&object));
        }
    }
    case.record.duration_ms = nanoseconds.and_then(|sum| u64::try_from(sum / 1_000_000).ok());
    // The plugin keeps one entry per test: the word of an attempt that was tried again, the stages of the last one.
    let lost = said == "rerun" && passed && !STAGES.iter().any(|stage| is_other(entry, stage));
    if lost {
        (case.outcome, case.flaky) = (TestOutcome::Passed, true);
    }
    Ok((case, lost))
}

/// Whether a stage ended, and did not pass.
fn is_other(entry: &Value, stage: &str) -> bool {
    let outcome = entry.get(stage).and_then(|stage| stage.get("outcome"));
    outcome.is_some_and(|outcome| outcome.as_str() != Some("passed"))
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
