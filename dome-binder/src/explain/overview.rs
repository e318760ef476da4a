//! Task lines and concepts: which capsules they hold.

use dome_core::{FailureReasonCode, Sha256Hash, TargetId};
use serde::Serialize;

use super::capsule::guards_at_no;
use crate::capsule::{Capsule, CapsuleKind};
use crate::concept::Concept;
use crate::eligibility::Verdict;
use crate::ledger::LineFacts;

/// A capsule in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct Brief {
    pub contradiction_count: u64,
    pub derived_key: Sha256Hash,
    pub failure_reason_code: FailureReasonCode,
    pub resolved_count: u64,
    pub support_count: u64,
    pub target_id: TargetId,
    pub verdict: Verdict,
}

impl Brief {
    fn of(capsule: &Capsule) -> Self {
        Self {
            contradiction_count: capsule.contradiction_count,
            derived_key: capsule.derived_key,
            failure_reason_code: capsule.failure_reason_code.clone(),
            resolved_count: capsule.resolved_count,
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
    /// Its facts.
    pub facts: u64,
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
pub fn line_story(line: &LineFacts<'_>, capsules: &[Capsule]) -> Option<LineStory> {
    let first = line.facts.first()?.fact;
    let own = capsules.iter().filter(|capsule| capsule.line_key == first.keys.line);
    Some(LineStory {
        action_kind: first.keys.task_line.action_kind.to_string(),
        capsules: own.map(Brief::of).collect(),
        facts: line.facts.len() as u64,
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
pub fn concept_story(
    key: Sha256Hash,
    capsules: &[Capsule],
    concepts: &[Concept],
    policy: &crate::policy::Policy,
) -> ConceptStory {
    let own: Vec<&Capsule> = capsules.iter().filter(|capsule| capsule.concept_key == key).collect();
    let failures: Vec<_> = own.iter().filter(|capsule| capsule.kind == CapsuleKind::Failure).collect();
    let targets: std::collections::BTreeSet<_> = failures.iter().map(|capsule| &capsule.target_id).collect();
    let support = failures.iter().map(|capsule| capsule.support_count).sum();
    ConceptStory {
        capsules: own.iter().map(|capsule| Brief::of(capsule)).collect(),
        concept: concepts.iter().find(|concept| concept.concept_key == key).cloned(),
        key,
        needs: vec![
            Need {
                figure: "support_count",
                found: support,
                from: policy.concept_min_support,
                policy: "concept_min_support",
            },
            Need {
                figure: "target_count",
                found: targets.len() as u64,
                from: policy.concept_min_targets,
                policy: "concept_min_targets",
            },
        ],
    }
}
