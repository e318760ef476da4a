//! Stories: of a capsule, a fact, a task line and a concept.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::{FailureReasonCode, Sha256Hash, TargetId, TaskLine, Timestamp};
use serde::Serialize;

use super::find::Excerpt;
use super::ingredients::Ingredients;
use super::step::{FactStep, Following, ToldLine, told};
use crate::applied::{Application, AppliedCounts, judge};
use crate::capsule::{Capsule, CapsuleKind, finish};
use crate::concept::Concept;
use crate::eligibility::{Threshold, Verdict, thresholds};
use crate::fold::guards::Guards;
use crate::fold::{CapsuleStanding, CapsuleState, LineFigures, Rules};
use crate::ledger::{LineFacts, Position};
use crate::policy::Policy;
use crate::settle::FactOrder;

/// A derived key: why its facts are one failure, what each did, and what that comes to. In
/// canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CapsuleStory {
    /// The capsule as its row has it; absent when no fact with this key minted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capsule: Option<Capsule>,
    /// The facts that have the key, changed its counters or applied it, in total order.
    pub facts: Vec<FactStep>,
    /// The guards at *no* in the lane of its task line's last fact (M-96); the empty id is a
    /// denial that no guard explains.
    pub guards_at_no: Vec<String>,
    /// What the fingerprint of its first fact was made of.
    pub ingredients: Ingredients,
    /// The key itself.
    pub key: Sha256Hash,
    /// Facts of its task line, whatever they did.
    pub line_facts: u64,
    /// The holds of M-92, each with its numbers; none where there is no capsule.
    pub thresholds: Vec<Threshold>,
}

/// Tells the story of a derived key from the facts that matter to it.
///
/// `as_of` is the instant that staleness is measured at, as for [`crate::assemble`].
#[must_use]
pub fn capsule_story(excerpt: &Excerpt<'_>, rules: &Rules, as_of: Option<Timestamp>) -> CapsuleStory {
    let (key, first) = (excerpt.key, excerpt.first);
    let tale = Tale::of(excerpt, rules);
    let capsule = tale.capsule.as_ref().map(|state| {
        let mut counts = AppliedCounts::default();
        tale.applications.values().for_each(|application| counts.add(*application));
        finish(state, counts, tale.line, rules, as_of)
    });
    let own = excerpt.line.facts.iter().filter(|fact| fact.fact.keys.derived == key);
    let own: BTreeSet<FactOrder> = own.map(|fact| fact.fact.order()).collect();
    let facts: Vec<FactStep> = tale
        .steps
        .into_iter()
        .filter_map(|(order, mut step)| {
            let application = tale.applications.get(&order).copied();
            step.effects.retain(|effect| effect.capsule == key);
            let matters = application.is_some() || !step.effects.is_empty() || own.contains(&order);
            step.apply(key, application);
            matters.then_some(step)
        })
        .collect();
    let holds = |capsule: &Capsule| thresholds(&capsule.figures(), &rules.policy, as_of).to_vec();
    CapsuleStory {
        thresholds: capsule.as_ref().map_or_else(Vec::new, holds),
        capsule,
        guards_at_no: guards_at_no(&excerpt.line),
        ingredients: Ingredients::of(first),
        key,
        line_facts: excerpt.line.facts.len() as u64,
        facts,
    }
}

struct Tale {
    steps: BTreeMap<FactOrder, FactStep>,
    /// How each application of the key ended (M-84).
    applications: BTreeMap<FactOrder, Application>,
    /// The capsule, if some fact minted it.
    capsule: Option<Box<CapsuleState>>,
    line: LineFigures,
}

impl Tale {
    fn of(excerpt: &Excerpt<'_>, rules: &Rules) -> Self {
        let following = Following::Capsule(excerpt.key);
        let ToldLine { state, mut steps, mut applied } = told(&excerpt.line, rules, following);
        for line in &excerpt.others {
            let other = told(line, rules, following);
            steps.extend(other.steps);
            applied.extend(other.applied);
        }
        applied.retain(|fact| fact.capsule == excerpt.key);
        let line = state.figures();
        let capsule = state.into_capsules(rules).into_iter().find(|state| state.keys.derived == excerpt.key);
        let mut applications = BTreeMap::new();
        judge(applied, capsule.as_deref(), &mut |fact, application| {
            applications.insert(fact.order.clone(), application);
        });
        Self { steps, applications, capsule, line }
    }
}

/// The guards at *no* in the lane of the line's last fact (M-96).
fn guards_at_no(line: &LineFacts<'_>) -> Vec<String> {
    let Some(last) = line.facts.last() else { return Vec::new() };
    let mut guards = Guards::default();
    let lane = line.facts.iter().filter(|fact| fact.fact.tested.lane == last.fact.tested.lane);
    lane.for_each(|fact| guards.observe(fact.fact));
    guards.at_no().map(str::to_owned).collect()
}

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
    pub fact: FactStep,
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

/// Tells the story of the fact at `position`, a fact of `line`; `None` when the line does not have it. `applied` is the
/// excerpt of the capsule that it applied, if some fact has that key.
#[must_use]
pub fn fact_story(
    position: Position,
    line: &LineFacts<'_>,
    applied: Option<&Excerpt<'_>>,
    rules: &Rules,
) -> Option<FactStory> {
    let fact = line.facts.iter().find(|fact| fact.position == position)?.fact;
    let mut step = told(line, rules, Following::Fact(position)).steps.remove(&fact.order())?;
    let applied_capsule = fact.applied_capsule().copied();
    if let Some(key) = applied_capsule {
        let judged = applied.map(|excerpt| Tale::of(excerpt, rules).applications);
        let application = judged.as_ref().and_then(|judged| judged.get(&fact.order()));
        step.apply(key, Some(application.copied().unwrap_or(Application::Unknown)));
    }
    let TaskLine { scope, target_kind, target_id, action_kind } = &fact.keys.task_line;
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

/// A capsule in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct Brief {
    pub derived_key: Sha256Hash,
    pub execution_count: u64,
    pub failure_count: u64,
    pub failure_reason_code: FailureReasonCode,
    pub held_count: u64,
    pub resolved_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<CapsuleStanding>,
    pub support_count: u64,
    pub target_id: TargetId,
    pub verdict: Verdict,
}

impl Brief {
    fn of(capsule: &Capsule) -> Self {
        Self {
            derived_key: capsule.derived_key,
            execution_count: capsule.execution_count,
            failure_count: capsule.failure_count,
            failure_reason_code: capsule.failure_reason_code.clone(),
            held_count: capsule.held_count,
            resolved_count: capsule.resolved_count,
            state: capsule.state,
            support_count: capsule.support_count,
            target_id: capsule.target_id.clone(),
            verdict: capsule.verdict,
        }
    }
}

/// A task line, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LineStory {
    /// What is done.
    pub action_kind: String,
    /// Its capsules, by key.
    pub capsules: Vec<Brief>,
    /// Its facts in total order, each with what it did to every capsule: what their counts are counts of.
    pub facts: Vec<FactStep>,
    /// The guards at *no* in the lane of its last fact (M-96).
    pub guards_at_no: Vec<String>,
    /// Its key (M-62).
    pub key: Sha256Hash,
    /// How far the task reaches.
    pub scope: String,
    /// What is worked on.
    pub target_id: String,
    /// What kind of thing that is.
    pub target_kind: String,
}

/// Tells the story of a task line; `None` when it has no fact. `capsules` may hold others too.
#[must_use]
pub fn line_story(line: &LineFacts<'_>, capsules: &[Capsule], rules: &Rules) -> Option<LineStory> {
    let first = line.facts.first()?.fact;
    let own = capsules.iter().filter(|capsule| capsule.line_key == first.keys.line);
    Some(LineStory {
        action_kind: first.keys.task_line.action_kind.to_string(),
        capsules: own.map(Brief::of).collect(),
        facts: told(line, rules, Following::Line).steps.into_values().collect(),
        guards_at_no: guards_at_no(line),
        key: first.keys.line,
        scope: first.keys.task_line.scope.to_string(),
        target_id: first.keys.task_line.target_id.to_string(),
        target_kind: first.keys.task_line.target_kind.to_string(),
    })
}

/// A concept key, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConceptStory {
    /// The capsules with this key, whatever their kind, by key.
    pub capsules: Vec<Brief>,
    /// The concept as its row has it; absent when it is not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concept: Option<Concept>,
    /// The key (M-63).
    pub key: Sha256Hash,
    /// What a concept needs to be listed (M-95): each with its numbers.
    pub needs: Vec<Need>,
}

/// What a concept needs to be listed (M-95).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Need {
    /// What is looked at.
    pub figure: &'static str,
    /// What was found.
    pub found: u64,
    /// From how much it is listed.
    pub from: u64,
    /// The threshold of the policy that this is.
    pub policy: &'static str,
}

/// Tells the story of a concept key; `capsules` may hold others too.
#[must_use]
pub fn concept_story(key: Sha256Hash, capsules: &[Capsule], concepts: &[Concept], policy: &Policy) -> ConceptStory {
    let own: Vec<&Capsule> = capsules.iter().filter(|capsule| capsule.concept_key == key).collect();
    let failures: Vec<_> = own.iter().filter(|capsule| capsule.kind == CapsuleKind::Failure).collect();
    let targets: BTreeSet<_> = failures.iter().map(|capsule| &capsule.target_id).collect();
    let support = failures.iter().map(|capsule| capsule.support_count).sum();
    let need = |figure, found, policy, from| Need { figure, found, from, policy };
    ConceptStory {
        capsules: own.iter().map(|capsule| Brief::of(capsule)).collect(),
        concept: concepts.iter().find(|concept| concept.concept_key == key).cloned(),
        key,
        needs: vec![
            need("support_count", support, "concept_min_support", policy.concept_min_support),
            need("target_count", targets.len() as u64, "concept_min_targets", policy.concept_min_targets),
        ],
    }
}
