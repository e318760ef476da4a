//! What is said of one sub-check, and of each part of it.

use serde::{Deserialize, Serialize};

/// How a part or a sub-check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It was not looked at; why is said.
    NotRun,
    /// What is promised is not enforced here: never a pass.
    Unenforced,
    /// It does not hold.
    Fail,
}

impl Outcome {
    /// The word as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::NotRun => "not_run",
            Self::Unenforced => "unenforced",
            Self::Fail => "fail",
        }
    }
}

/// The sub-checks of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// Schemas are sound, fixtures and outputs fit them.
    Contract,
    /// Documents survive a round trip in canonical bytes.
    CanonicalSerialisation,
    /// The same input gives the same output.
    Determinism,
    /// It touches what it declares, and nothing else.
    SideEffects,
    /// It says what became of each run.
    Observability,
    /// It does what its schemas say.
    SpecAsTest,
}

impl CheckName {
    /// Every sub-check, in the order of a report.
    pub const ALL: [Self; 6] = [
        Self::Contract,
        Self::CanonicalSerialisation,
        Self::Determinism,
        Self::SideEffects,
        Self::Observability,
        Self::SpecAsTest,
    ];

    /// The name as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::CanonicalSerialisation => "canonical_serialisation",
            Self::Determinism => "determinism",
            Self::SideEffects => "side_effects",
            Self::Observability => "observability",
            Self::SpecAsTest => "spec_as_test",
        }
    }
}

/// One part of a sub-check, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What the manifest declares of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared: Vec<String>,
    /// What keeps it within that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enforced_by: Vec<String>,
    /// What was found: effects, outputs that differ, documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
    /// Its name.
    pub name: String,
    /// How it came out.
    pub outcome: Outcome,
    /// Why; always there but for a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Part {
    /// A part that holds.
    #[must_use]
    pub fn pass(name: impl Into<String>) -> Self {
        let (declared, enforced_by, found) = (Vec::new(), Vec::new(), Vec::new());
        Self { declared, enforced_by, found, name: name.into(), outcome: Outcome::Pass, why: None }
    }

    /// A part that came out otherwise.
    #[must_use]
    pub fn of(name: impl Into<String>, outcome: Outcome, why: impl Into<String>) -> Self {
        Self { outcome, why: Some(why.into()), ..Self::pass(name) }
    }

    /// A pass where there are no problems, a failure that names them otherwise.
    #[must_use]
    pub fn by(name: impl Into<String>, problems: &[String]) -> Self {
        if problems.is_empty() {
            return Self::pass(name);
        }
        let more = problems.len().saturating_sub(FOUND_MAX);
        let mut why = problems.iter().take(FOUND_MAX).cloned().collect::<Vec<_>>().join("; ");
        if more > 0 {
            why.push_str(&format!("; and {more} more"));
        }
        Self::of(name, Outcome::Fail, why)
    }
}

/// How many problems or effects a part names.
pub(super) const FOUND_MAX: usize = 8;

/// One sub-check, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Which one.
    pub name: CheckName,
    /// The worst of its parts; a part that was not run does not count beside one that passed.
    pub outcome: Outcome,
    /// Its parts.
    pub parts: Vec<Part>,
}

impl Check {
    /// The sub-check that comes of its parts.
    ///
    /// ```
    /// use dome_contracts::conform::{Check, CheckName, Outcome, Part};
    /// let not_run = Part::of("clock", Outcome::NotRun, "no faketime here");
    /// let check = Check::of(CheckName::Determinism, vec![Part::pass("repeat"), not_run.clone()]);
    /// assert_eq!(check.outcome, Outcome::Pass);
    /// assert_eq!(Check::of(CheckName::Determinism, vec![not_run]).outcome, Outcome::NotRun);
    /// ```
    #[must_use]
    pub fn of(name: CheckName, parts: Vec<Part>) -> Self {
        let outcome = fold(&parts);
        Self { name, outcome, parts }
    }

    /// Whether the outcome is the one that the parts give.
    pub(super) fn is_folded(&self) -> bool {
        self.outcome == fold(&self.parts)
    }
}

fn fold(parts: &[Part]) -> Outcome {
    let worst = parts.iter().map(|part| part.outcome).max().unwrap_or(Outcome::NotRun);
    let some_passed = parts.iter().any(|part| part.outcome == Outcome::Pass);
    if worst == Outcome::NotRun && some_passed { Outcome::Pass } else { worst }
}
