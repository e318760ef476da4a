//! Whether schemas are sound, and fixtures and outputs fit them.

use dome_core::canonical;
use schema_compat::{Dialect, Schema};
use serde_json::Value;

use super::answer::{Answer, Status};
use super::manifest::{Expect, Fixture, Manifest, On};
use super::run::FixtureRun;
use super::sample::Judges;
use super::verdict::{Check, CheckName, Outcome, Part};

/// The sub-check.
#[must_use]
pub fn contract(manifest: &Manifest, runs: &[FixtureRun<'_>]) -> Check {
    let mut parts = soundness(manifest);
    let Some(judges) = Judges::of(manifest) else {
        parts.push(Part::of("fixtures", Outcome::NotRun, "a schema has no validator"));
        return Check::of(CheckName::Contract, parts);
    };
    let fixtures: Vec<String> =
        manifest.fixtures.iter().flat_map(|fixture| fixture_problems(fixture, manifest, &judges)).collect();
    parts.push(Part::by("fixtures", &fixtures));
    let outputs: Vec<String> = runs.iter().flat_map(|run| output_problems(run, &judges)).collect();
    parts.push(Part::by("outputs", &outputs));
    Check::of(CheckName::Contract, parts)
}

fn soundness(manifest: &Manifest) -> Vec<Part> {
    let (mut misspelt, mut satisfiable) = (Vec::new(), Vec::new());
    for (name, schema) in manifest.schemas.named() {
        match Schema::from_value(schema.clone(), Dialect::Draft202012) {
            Ok(schema) => {
                misspelt.extend(
                    schema
                        .misspelt()
                        .into_iter()
                        .map(|(at, known)| format!("{name}: `{at}`: unknown keyword, `{known}` was probably meant")),
                );
                satisfiable.push((name, schema.is_satisfiable()));
            }
            Err(why) => misspelt.push(format!("{name}: {why}")),
        }
    }
    let empty: Vec<String> = satisfiable
        .iter()
        .filter(|(_, found)| *found == Some(false))
        .map(|(name, _)| format!("{name}: nothing fits it"))
        .collect();
    let unknown: Vec<&str> = satisfiable.iter().filter(|(_, found)| found.is_none()).map(|(name, _)| *name).collect();
    let satisfiable = if empty.is_empty() && !unknown.is_empty() {
        Part::of("satisfiable", Outcome::NotRun, format!("not established of {}", unknown.join(", ")))
    } else {
        Part::by("satisfiable", &empty)
    };
    vec![Part::by("keywords", &misspelt), satisfiable]
}

/// Whether a fixture shows what a tool says of a document that its schemas refuse.
fn shows_refusal(fixture: &Fixture, manifest: &Manifest) -> bool {
    let Expect::Failure { failure_reason_code: code } = &fixture.expect else { return false };
    let of_code = |failure: &&super::manifest::DeclaredFailure| failure.failure_reason_code == *code;
    manifest.failures.iter().filter(of_code).any(|failure| failure.on == On::InvalidInput)
}

fn fixture_problems(fixture: &Fixture, manifest: &Manifest, judges: &Judges) -> Vec<String> {
    let name = &fixture.name;
    let mut problems: Vec<String> = judges.problems(&fixture.config, &fixture.input);
    if shows_refusal(fixture, manifest) {
        let fits = problems.is_empty();
        return if fits {
            vec![format!("`{name}`: expects a refusal, and its input fits the schema")]
        } else {
            Vec::new()
        };
    }
    if let Expect::Output { output } = &fixture.expect {
        problems.extend(judges.output(output).into_iter().map(|problem| format!("expected {problem}")));
    }
    problems.into_iter().map(|problem| format!("`{name}`: {problem}")).collect()
}

fn output_problems(run: &FixtureRun<'_>, judges: &Judges) -> Vec<String> {
    let name = &run.fixture.name;
    let problems = match run.run.answer() {
        Err(why) => vec![why.to_string()],
        Ok(answer) => {
            let invalid =
                answer.output.as_ref().filter(|_| answer.status == Status::Success).map(|output| judges.output(output));
            let mut problems = invalid.unwrap_or_default();
            problems.extend(unexpected(&run.fixture.expect, &answer));
            problems
        }
    };
    problems.into_iter().map(|problem| format!("`{name}`: {problem}")).collect()
}

/// How an answer is another one than a fixture expects.
fn unexpected(expect: &Expect, answer: &Answer) -> Option<String> {
    let (status, word, code) = match expect {
        Expect::Output { output } => {
            let same = answer.output.as_ref().is_some_and(|found| same(found, output));
            let told = answer.output.as_ref().map(short).unwrap_or_default();
            return (answer.status != Status::Success || !same)
                .then(|| format!("expected the output {}, found {} {told}", short(output), answer.status.as_str()));
        }
        Expect::Failure { failure_reason_code: code } => (Status::Failure, "failure", code.as_str()),
        Expect::Denial { policy_reason_code: code } => (Status::Denial, "denial", code.as_str()),
    };
    let (failure, denial) = (answer.failure_reason_code.as_deref(), answer.policy_reason_code.as_deref());
    let found = if status == Status::Failure { failure } else { denial };
    let told = failure.or(denial).unwrap_or("no code");
    let as_expected = answer.status == status && found == Some(code);
    (!as_expected).then(|| format!("expected the {word} `{code}`, found {} with {told}", answer.status.as_str()))
}

fn same(left: &Value, right: &Value) -> bool {
    match (canonical::to_vec(left), canonical::to_vec(right)) {
        (Ok(left), Ok(right)) => left == right,
        _ => left == right,
    }
}

/// A value as text of a bounded length.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 200 { text } else { text.chars().take(199).chain(['…']).collect() }
}
