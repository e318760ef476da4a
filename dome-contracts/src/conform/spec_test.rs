//! Tests that are made from the schemas and the manifest.

use std::collections::BTreeSet;

use schema_compat::{Dialect, Schema};
use serde_json::Value;

use super::assertion::{Assertion, Class, Refused};
use super::manifest::{Expect, Manifest};
use super::mutate::Words;
use super::run::Run;
use super::sample::{Judges, is_sendable};
use super::verdict::{Check, CheckName, Outcome, Part};

/// How many documents of each kind are tried of the input; half as many of the configuration.
const VALID_MAX: usize = 24;
const OTHERS_MAX: usize = 40;

/// One document that the tool was given, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SpecTest {
    /// The document.
    pub assertion: Assertion,
    /// What was said against the tool, and the smallest document that shows it.
    pub refused: Option<(Refused, Assertion)>,
}

impl Manifest {
    /// The documents to try, in order; the same manifest gives the same ones.
    #[must_use]
    pub fn assertions(&self) -> Vec<Assertion> {
        let Some(judges) = Judges::of(self) else { return Vec::new() };
        let success = |expect: &Expect| matches!(expect, Expect::Output { .. });
        let bases: Vec<_> = self.fixtures.iter().filter(|fixture| success(&fixture.expect)).collect();
        let Some(base) = bases.first().copied().or(self.fixtures.first()) else { return Vec::new() };
        let mut made = Made { seen: BTreeSet::new(), judges: &judges, found: Vec::new(), room: 0 };
        for (which, schema, limit) in [("input", &self.schemas.input, 1), ("config", &self.schemas.config, 2)] {
            let Ok(schema) = Schema::from_value(schema.clone(), Dialect::Draft202012) else { continue };
            let place = |value: Value| match which {
                "input" => (base.config.clone(), value),
                _ => (value, base.input.clone()),
            };
            let own = if which == "input" { &base.input } else { &base.config };
            made.room = VALID_MAX / limit;
            for value in schema.samples().into_iter().flatten() {
                let (config, input) = place(value);
                made.add(Class::Valid, format!("{which}: made from the schema"), config, input);
            }
            let words = Words::of(&schema);
            for class in [Class::Invalid, Class::Boundary, Class::UnknownMember] {
                made.room = OTHERS_MAX / limit;
                for (_, what, value) in words.near(own).into_iter().filter(|(of, ..)| *of == class) {
                    let (config, input) = place(value);
                    made.add(class, format!("{which} {what}"), config, input);
                }
            }
        }
        made.found
    }

    /// Every reason code that it declares.
    fn declared(&self) -> BTreeSet<&str> {
        let failures = self.failures.iter().map(|failure| failure.failure_reason_code.as_str());
        failures.chain(self.denials.iter().map(|denial| denial.as_str())).collect()
    }
}

struct Made<'j> {
    seen: BTreeSet<String>,
    judges: &'j Judges,
    found: Vec<Assertion>,
    room: usize,
}

impl Made<'_> {
    fn add(&mut self, class: Class, what: String, config: Value, input: Value) {
        let valid = self.judges.accept(&config, &input);
        // A change that the schemas do not mind shows that valid input is accepted.
        let class = if class == Class::Invalid && valid { Class::Valid } else { class };
        let assertion = Assertion { class, config, input, valid, what };
        if self.room == 0 || !is_sendable(&assertion.document()) || !self.seen.insert(assertion.document().to_string())
        {
            return;
        }
        self.room = self.room.saturating_sub(1);
        self.found.push(assertion);
    }
}

/// The sub-check: `reached` are the reason codes of all runs, of fixtures and of tests.
#[must_use]
pub fn spec_as_test(manifest: &Manifest, tests: &[SpecTest], reached: &BTreeSet<String>) -> Check {
    let mut parts: Vec<Part> = Class::ALL.iter().map(|class| of_class(*class, tests)).collect();
    let missing: Vec<String> = manifest
        .declared()
        .iter()
        .filter(|code| !reached.contains(**code))
        .map(|code| format!("nothing reaches `{code}`"))
        .collect();
    parts.push(Part::by("declared_failures_reachable", &missing));
    Check::of(CheckName::SpecAsTest, parts)
}

impl Run {
    /// The declared reason codes that the answer shows as what they are: a denial that is reported as a
    /// failure reaches neither.
    #[must_use]
    pub fn reason_codes(&self, manifest: &Manifest) -> Vec<String> {
        let Ok(answer) = self.answer() else { return Vec::new() };
        let failure = answer.failure_reason_code.filter(|code| manifest.declares_failure(code));
        let denial = answer.policy_reason_code.filter(|code| manifest.declares_denial(code));
        failure.into_iter().chain(denial).collect()
    }
}

fn of_class(class: Class, tests: &[SpecTest]) -> Part {
    let of: Vec<&SpecTest> = tests.iter().filter(|test| test.assertion.class == class).collect();
    if of.is_empty() {
        return Part::of(class.as_str(), Outcome::NotRun, "the schemas give no such document");
    }
    let told = |test: &&SpecTest| {
        let (refused, _) = test.refused.as_ref()?;
        Some(format!("{}: {}, {}", refused.drift, test.assertion.what, refused.message))
    };
    let smallest: BTreeSet<String> =
        of.iter().filter_map(|test| test.refused.as_ref().map(|(_, smallest)| smallest.text())).collect();
    let problems: Vec<String> = of.iter().filter_map(told).collect();
    Part {
        found: smallest.into_iter().take(super::verdict::FOUND_MAX).collect(),
        ..Part::by(class.as_str(), &problems)
    }
}
