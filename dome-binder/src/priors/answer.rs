//! The answer: which priors, how many, in which order.

use std::collections::BTreeSet;

use dome_core::guard::GuardDecision;
use dome_core::{Sha256Hash, TaskLine, Timestamp};
use serde::Serialize;

use super::memory::Memory;
use super::prior::{Prior, Tier};
use super::query::{Asked, MAX_LIMIT, PriorsQuery, Rollout};
use crate::capsule::Capsule;
use crate::concept::Concept;
use crate::eligibility::Verdict;

/// The answer to a query, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Priors {
    /// The instant that staleness was measured at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// The version of this document.
    pub format_version: &'static str,
    /// What guards said of the transition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardDecision>,
    /// How many priors there are beyond the limit.
    pub left_off: u64,
    /// The priors, the best first.
    pub priors: Vec<Prior>,
    /// The question.
    pub query: Asked,
    /// How far dome may go.
    pub rollout: Rollout,
}

/// Answers a query (section 10).
///
/// Under [`Rollout::Shadow`] this is what would have been answered: [`Priors::shown`] is what is.
#[must_use]
pub fn priors(memory: &Memory<'_>, query: &PriorsQuery) -> Priors {
    let exact: Vec<&Capsule> = memory.capsules.iter().filter(|capsule| is_exact(capsule, query)).collect();
    let sought = Sought::by(query, &exact);
    let elsewhere = memory.capsules.iter().filter(|capsule| is_elsewhere(capsule, query, &sought));
    let concepts = memory.concepts.iter().filter(|concept| is_of_kind(concept, query, &sought));
    let mut priors: Vec<Prior> = exact
        .iter()
        .map(|capsule| Prior::of_capsule(capsule, Tier::Exact, memory, query))
        .chain(elsewhere.map(|capsule| Prior::of_capsule(capsule, Tier::Elsewhere, memory, query)))
        .chain(concepts.map(|concept| Prior::of_concept(concept, memory)))
        .collect();
    priors.sort_by_cached_key(Prior::rank);
    let limit = query.limit.min(MAX_LIMIT);
    let left_off = priors.len().saturating_sub(limit) as u64;
    priors.truncate(limit);
    Priors {
        as_of: memory.as_of,
        format_version: "1",
        guard: query.guard.clone(),
        left_off,
        priors,
        query: Asked::of(query),
        rollout: query.rollout,
    }
}

impl Priors {
    /// What the rollout mode lets a planner see: under [`Rollout::Shadow`], nothing.
    #[must_use]
    pub fn shown(&self) -> Self {
        match self.rollout {
            Rollout::Shadow => Self { guard: None, left_off: 0, priors: Vec::new(), ..self.clone() },
            _ => self.clone(),
        }
    }

    /// The prior to follow, if the mode lets one be followed.
    #[must_use]
    pub fn to_follow(&self) -> Option<&Prior> {
        self.priors.iter().find(|prior| prior.verdict == Verdict::Prescriptive)
    }
}

fn line_of(capsule: &Capsule) -> TaskLine {
    TaskLine {
        scope: capsule.scope,
        target_kind: capsule.target_kind.clone(),
        target_id: capsule.target_id.clone(),
        action_kind: capsule.action_kind.clone(),
    }
}

/// Whether the failure is the one that is asked for, if one is.
fn is_asked(code: &dome_core::FailureReasonCode, query: &PriorsQuery) -> bool {
    query.failure_reason_code.as_ref().is_none_or(|asked| asked == code)
}

fn is_exact(capsule: &Capsule, query: &PriorsQuery) -> bool {
    line_of(capsule) == query.line && is_asked(&capsule.failure_reason_code, query)
}

/// Which failures are looked for beyond the task line.
enum Sought {
    /// Those with this fingerprint.
    Fingerprint(Sha256Hash),
    /// Those of the line's own capsules, by concept key (M-63).
    OfTheLine(BTreeSet<Sha256Hash>),
}

impl Sought {
    fn by(query: &PriorsQuery, exact: &[&Capsule]) -> Self {
        let of_the_line = || exact.iter().map(|capsule| capsule.concept_key).collect();
        query.fingerprint_hash.map_or_else(|| Self::OfTheLine(of_the_line()), Self::Fingerprint)
    }

    fn has(&self, fingerprint: Sha256Hash, concept: Sha256Hash) -> bool {
        match self {
            Self::Fingerprint(sought) => *sought == fingerprint,
            Self::OfTheLine(sought) => sought.contains(&concept),
        }
    }

    /// Whether nothing is known of the line that could be looked for.
    fn is_open(&self) -> bool {
        matches!(self, Self::OfTheLine(sought) if sought.is_empty())
    }
}

/// The same action on the same kind of target failing in the same way, in another task line.
fn is_elsewhere(capsule: &Capsule, query: &PriorsQuery, sought: &Sought) -> bool {
    line_of(capsule) != query.line
        && capsule.target_kind == query.line.target_kind
        && capsule.action_kind == query.line.action_kind
        && sought.has(capsule.fingerprint_hash, capsule.concept_key)
        && is_asked(&capsule.failure_reason_code, query)
}

/// A concept of the line's own failures; where nothing is known of the line, of its kind.
fn is_of_kind(concept: &Concept, query: &PriorsQuery, sought: &Sought) -> bool {
    concept.target_kind == query.line.target_kind
        && concept.action_kind == query.line.action_kind
        && (sought.is_open() || sought.has(concept.fingerprint_hash, concept.concept_key))
        && is_asked(&concept.failure_reason_code, query)
}
