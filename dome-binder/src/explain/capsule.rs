//! The story of a derived key.

use std::collections::BTreeSet;

use dome_core::{Sha256Hash, Timestamp};
use serde::Serialize;

use super::change::Counters;
use super::excerpt::Excerpt;
use super::ingredients::Ingredients;
use super::step::Step;
use super::threshold::{Threshold, thresholds};
use super::told::Tale;
use crate::capsule::Capsule;
use crate::fold::Rules;
use crate::fold::guards::Guards;
use crate::ledger::{LineFacts, Position};

/// A derived key: why its facts are one failure, what each did, and what that comes to. In
/// canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CapsuleStory {
    /// The capsule as its row has it; absent when no fact with this key minted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capsule: Option<Capsule>,
    /// What the changes of all facts below add up to.
    pub counters: Counters,
    /// The facts that have the key, changed its counters or applied it, in total order.
    pub facts: Vec<Step>,
    /// Failures of M-91: contradictions and refutations.
    pub failures: u64,
    /// The guards at *no* in the lane of its task line's last fact (M-96); the empty id is a
    /// denial that no guard explains.
    pub guards_at_no: Vec<String>,
    /// What the fingerprint of its first fact was made of.
    pub ingredients: Ingredients,
    /// The key itself.
    pub key: Sha256Hash,
    /// Facts of its task line, whatever they did.
    pub line_facts: u64,
    /// Successes of M-91: resolutions and confirmations.
    pub successes: u64,
    /// The holds of M-92, each with its numbers; none where there is no capsule.
    pub thresholds: Vec<Threshold>,
}

/// Tells the story of a derived key from the facts that matter to it.
///
/// `as_of` is the instant that staleness is measured at, as for [`crate::assemble`].
#[must_use]
pub fn capsule_story(key: Sha256Hash, excerpt: &Excerpt<'_>, rules: &Rules, as_of: Option<Timestamp>) -> CapsuleStory {
    let tale = Tale::of(excerpt, rules);
    let facts = steps(key, excerpt, &tale, rules);
    let counters = Counters::sum(facts.iter().flat_map(|step| &step.changes));
    let capsule = tale.capsule(key, rules, as_of);
    let holds = capsule.as_ref().map(|capsule| thresholds(capsule, &rules.policy, as_of));
    let first = excerpt.line.facts.iter().find(|fact| fact.fact.keys.derived == key);
    let ingredients = first.map(|first| Ingredients::of(first.fact));
    CapsuleStory {
        capsule,
        failures: counters.contradiction_count + counters.refuted_count,
        guards_at_no: guards_at_no(&excerpt.line),
        ingredients: ingredients.unwrap_or_default(),
        key,
        line_facts: excerpt.line.facts.len() as u64,
        successes: counters.resolved_count + counters.confirmed_count,
        thresholds: holds.unwrap_or_default(),
        facts,
        counters,
    }
}

/// The facts that matter to a key, each with the changes of that key's counters alone.
fn steps(key: Sha256Hash, excerpt: &Excerpt<'_>, tale: &Tale, rules: &Rules) -> Vec<Step> {
    let applications = tale.applications(key);
    let touched = tale.own.deeds.iter().filter(|(_, deed)| deed.changes.iter().any(|change| change.capsule == key));
    let mut positions: BTreeSet<Position> = touched.map(|(position, _)| *position).collect();
    positions.extend(applications.keys());
    positions.extend(excerpt.line.facts.iter().filter(|fact| fact.fact.keys.derived == key).map(|fact| fact.position));
    let step = |position: Position| {
        let mut step = tale.step(excerpt, position, rules)?;
        step.changes.retain(|change| change.capsule == key);
        step.apply(key, applications.get(&position).copied());
        Some(step)
    };
    positions.into_iter().filter_map(step).collect()
}

/// Which guards hold the line's capsules back (M-96).
pub(super) fn guards_at_no(line: &LineFacts<'_>) -> Vec<String> {
    let Some(last) = line.facts.last() else { return Vec::new() };
    let mut guards = Guards::default();
    let lane = line.facts.iter().filter(|fact| fact.fact.lane == last.fact.lane);
    lane.for_each(|fact| guards.observe(fact.fact));
    guards.at_no().map(str::to_owned).collect()
}
