//! What a tool says of each run: every member that it promises, and the two kinds of reason code apart.

use dome_core::{FailureReasonCode, PolicyReasonCode};
use serde_json::Value;

use super::answer::{Answer, Status};
use super::manifest::{Expect, Manifest, TelemetryMember};
use super::run::FixtureRun;
use super::verdict::{Check, CheckName, Part};

/// The sub-check: `run_id` and `task_id` are what every run was given.
#[must_use]
pub fn observability(manifest: &Manifest, runs: &[FixtureRun<'_>], run_id: &str, task_id: &str) -> Check {
    let (mut members, mut codes, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for FixtureRun { fixture, run } in runs {
        let told = |problem: String| format!("`{}`: {problem}", fixture.name);
        match run.answer() {
            Ok(answer) => {
                members.extend(telemetry(&answer, manifest, run_id, task_id).into_iter().map(told));
                codes.extend(reason_codes(&answer, manifest).into_iter().map(told));
                codes.extend(mixed(&answer, &fixture.expect).map(told));
            }
            Err(why) => answers.push(told(why.to_string())),
        }
    }
    let parts = [("answers", answers), ("telemetry", members), ("reason_codes_apart", codes)];
    Check::of(CheckName::Observability, parts.iter().map(|(name, problems)| Part::by(*name, problems)).collect())
}

/// What is missing or wrong in the telemetry.
fn telemetry(answer: &Answer, manifest: &Manifest, run_id: &str, task_id: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for member in TelemetryMember::ALL {
        let value = answer.telemetry.get(member.as_str()).filter(|value| !value.is_null());
        // Where it was allowed, there is no reason why not.
        let optional = member == TelemetryMember::PolicyReasonCode && answer.status != Status::Denial;
        match value {
            None if manifest.telemetry.required.contains(&member) && !optional => {
                problems.push(format!("`/telemetry/{}` is missing", member.as_str()));
            }
            None => {}
            Some(value) => problems.extend(wrong(member, value, run_id, task_id)),
        }
    }
    let known = |name: &String| TelemetryMember::ALL.iter().any(|member| member.as_str() == name);
    problems.extend(
        answer.telemetry.keys().filter(|name| !known(name)).map(|name| format!("`/telemetry/{name}` is not known")),
    );
    problems
}

fn wrong(member: TelemetryMember, value: &Value, run_id: &str, task_id: &str) -> Option<String> {
    let expected = match member {
        TelemetryMember::Attempts => {
            (value.as_u64().is_none_or(|count| count == 0)).then(|| "a count from 1".to_owned())
        }
        TelemetryMember::DurationMs => value.as_u64().is_none().then(|| "whole milliseconds".to_owned()),
        TelemetryMember::RunId => (value.as_str() != Some(run_id)).then(|| format!("`{run_id}`, as it was given")),
        TelemetryMember::TaskId => (value.as_str() != Some(task_id)).then(|| format!("`{task_id}`, as it was given")),
        TelemetryMember::Versions => {
            let versions = value.as_object().filter(|versions| !versions.is_empty());
            let sound = versions.is_some_and(|versions| versions.values().all(Value::is_string));
            (!sound).then(|| "versions by name, at least one".to_owned())
        }
        TelemetryMember::FailureReasonCode => {
            let sound = value.as_str().is_some_and(|code| code.parse::<FailureReasonCode>().is_ok());
            (!sound).then(|| "a reason code".to_owned())
        }
        TelemetryMember::PolicyReasonCode => {
            let sound = value.as_str().is_some_and(|code| code.parse::<PolicyReasonCode>().is_ok());
            (!sound).then(|| "a reason code; it is left out where nothing was denied".to_owned())
        }
        TelemetryMember::Status => None,
    };
    expected.map(|expected| format!("`/telemetry/{}`: expected {expected}, found {value}", member.as_str()))
}

/// What is wrong with the codes, by the status that the tool gives and by what its manifest declares.
pub(super) fn reason_codes(answer: &Answer, manifest: &Manifest) -> Vec<String> {
    let (failure, policy) = (answer.failure_reason_code.as_deref(), answer.policy_reason_code.as_deref());
    let status = answer.status.as_str();
    let mut problems = Vec::new();
    match answer.status {
        Status::Failure if failure.is_none() => problems.push("a failure without a `failure_reason_code`".to_owned()),
        Status::Denial if policy.is_none() => problems.push("a denial without a `policy_reason_code`".to_owned()),
        _ => {}
    }
    if let Some(code) = failure.filter(|_| answer.status != Status::Failure) {
        problems.push(format!("a {status} with the `failure_reason_code` `{code}`"));
    }
    if let Some(code) = policy.filter(|_| answer.status != Status::Denial) {
        problems.push(format!("a {status} with the `policy_reason_code` `{code}`"));
    }
    if let Some(code) = failure.filter(|code| !manifest.declares_failure(code)) {
        let denial = manifest.declares_denial(code);
        let why = if denial { "is a denial, reported as a failure" } else { "is not a declared failure" };
        problems.push(format!("`{code}` {why}"));
    }
    if let Some(code) = policy.filter(|code| !manifest.declares_denial(code)) {
        let failure = manifest.declares_failure(code);
        let why = if failure { "is a failure, reported as a denial" } else { "is not a declared denial" };
        problems.push(format!("`{code}` {why}"));
    }
    problems
}

/// A denial that came as a failure, or the other way round.
fn mixed(answer: &Answer, expect: &Expect) -> Option<String> {
    match (expect, answer.status) {
        (Expect::Denial { policy_reason_code: code }, Status::Failure) => {
            Some(format!("the denial `{code}` is reported as a failure"))
        }
        (Expect::Failure { failure_reason_code: code }, Status::Denial) => {
            Some(format!("the failure `{code}` is reported as a denial"))
        }
        _ => None,
    }
}
