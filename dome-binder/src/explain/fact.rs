//! The story of one fact.

use dome_core::{Sha256Hash, TaskLine};
use serde::Serialize;

use super::change::Change;
use super::excerpt::Excerpt;
use super::ingredients::Ingredients;
use super::step::Step;
use super::told::{Tale, Told};
use crate::applied::Application;
use crate::fold::Rules;
use crate::ledger::{LineFacts, Position};

/// A fact: what it is, and what it did to every capsule. In canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FactStory {
    /// What is done.
    pub action_kind: String,
    /// The capsule that it applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_capsule: Option<Sha256Hash>,
    /// One failure, whatever the target and the scope (M-63).
    pub concept_key: Sha256Hash,
    /// One failure of one task line: its capsule's key (M-61).
    pub derived_key: Sha256Hash,
    /// What it did.
    pub fact: Step,
    /// Why it is grouped with others (M-50).
    pub fingerprint_hash: Sha256Hash,
    /// One outcome of one task in one run (M-60).
    pub idempotency_key: Sha256Hash,
    /// What its fingerprint was made of.
    pub ingredients: Ingredients,
    /// Its task line (M-62).
    pub line_key: Sha256Hash,
    /// How far the task reaches.
    pub scope: String,
    /// What is worked on.
    pub target_id: String,
    /// What kind of thing that is.
    pub target_kind: String,
}

/// Tells the story of the fact at `position` of its task line. `applied` is the excerpt of the
/// capsule that it applied ([`super::Part::excerpt`]), if some fact has that key.
#[must_use]
pub fn fact_story(
    position: Position,
    line: &LineFacts<'_>,
    applied: Option<&Excerpt<'_>>,
    rules: &Rules,
) -> Option<FactStory> {
    let fact = line.facts.iter().find(|fact| fact.position == position)?.fact;
    let mut step = Told::of(line, rules).step(line, position, rules)?;
    let applied_capsule = fact.applied_capsule().copied();
    if let Some(key) = applied_capsule {
        let judged = applied.and_then(|excerpt| Tale::of(excerpt, rules).applications(key).get(&position).copied());
        step.apply(key, Some(judged.unwrap_or(Application::Unknown)));
    }
    let TaskLine { scope, target_kind, target_id, action_kind } = &*fact.keys.task_line;
    Some(FactStory {
        action_kind: action_kind.to_string(),
        applied_capsule,
        concept_key: fact.keys.concept,
        derived_key: fact.keys.derived,
        fact: step,
        fingerprint_hash: fact.keys.fingerprint_hash,
        idempotency_key: fact.keys.idempotency,
        ingredients: Ingredients::of(fact),
        line_key: fact.keys.line,
        scope: scope.to_string(),
        target_id: target_id.to_string(),
        target_kind: target_kind.to_string(),
    })
}

impl Step {
    /// Adds what became of it as an application of `key`.
    pub(super) fn apply(&mut self, key: Sha256Hash, application: Option<Application>) {
        self.application = application;
        self.changes.extend(application.and_then(|application| Change::of_application(key, application)));
    }
}
