//! Which capsules of one replay follow which of the other: those that share facts, or a key.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use dome_core::{FailureReasonCode, Sha256Hash, TargetId};
use serde::Serialize;

use super::change::{changed, turn};
use super::example::{Example, Pair, example};
use super::{Comparison, Side};
use crate::capsule::Capsule;
use crate::eligibility::Verdict;

/// What became of a group of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Regrouping {
    /// One capsule became several.
    Split,
    /// Several capsules became one.
    Merged,
    /// Facts went from several capsules to several others.
    Moved,
}

impl Regrouping {
    /// The word as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Merged => "merged",
            Self::Moved => "moved",
        }
    }
}

/// One capsule of a regrouping, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupSide {
    /// Its derived key.
    pub derived_key: Sha256Hash,
    /// Facts of the group that mint it.
    pub fact_count: u64,
    /// What failed.
    pub failure_reason_code: FailureReasonCode,
    /// What its messages have in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub message_template: Option<CompactString>,
    /// On what.
    pub target_id: TargetId,
    /// What it may be used as.
    pub verdict: Verdict,
}

/// Facts that shared a capsule and no longer do, or the other way round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Regrouped {
    /// The capsules that they mint later, by key.
    pub after: Vec<GroupSide>,
    /// The capsules that they minted before, by key.
    pub before: Vec<GroupSide>,
    /// What became of the group.
    pub change: Regrouping,
    /// Two of them that were parted or brought together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Example>,
    /// How many facts it is about.
    pub fact_count: u64,
}

impl Regrouped {
    /// What they are told apart by.
    pub(super) fn keys(&self) -> Vec<Sha256Hash> {
        self.before.iter().map(|side| side.derived_key).collect()
    }
}

/// Capsules of both replays that belong together.
#[derive(Default)]
pub(super) struct Group {
    before: BTreeSet<Sha256Hash>,
    after: BTreeSet<Sha256Hash>,
    /// The facts that mint in both, in the order of the earlier replay: digest and both keys.
    facts: Vec<Pair>,
}

/// Puts capsules together that share a fact or a key.
pub(super) fn groups(before: &Side<'_>, after: &Side<'_>) -> Vec<Group> {
    let pairs: Vec<Pair> = pairs(before, after);
    let mut sets = Sets::default();
    // The later replay's capsules have their own numbers, whatever their keys.
    for key in before.capsules.keys() {
        sets.add((false, *key));
    }
    for key in after.capsules.keys() {
        sets.add((true, *key));
        if before.capsules.contains_key(key) {
            sets.join((false, *key), (true, *key));
        }
    }
    pairs.iter().for_each(|pair| sets.join((false, pair.before), (true, pair.after)));
    let mut groups: BTreeMap<Node, Group> = BTreeMap::new();
    for node in sets.nodes() {
        let group = groups.entry(sets.root(node)).or_default();
        let side = if node.0 { &mut group.after } else { &mut group.before };
        side.insert(node.1);
    }
    for pair in pairs {
        if let Some(group) = groups.get_mut(&sets.root((false, pair.before))) {
            group.facts.push(pair);
        }
    }
    groups.into_values().collect()
}

/// The facts that mint in both replays.
fn pairs(before: &Side<'_>, after: &Side<'_>) -> Vec<Pair> {
    let facts = before.replay.ledger.facts.iter().zip(&before.replay.bound);
    let minted = facts.filter(|(_, bound)| bound.minted);
    let pair = |digest: Sha256Hash, key: Sha256Hash| {
        let (later, minted) = after.bound(&digest)?;
        minted.then_some(Pair { digest, before: key, after: later })
    };
    minted.filter_map(|(fact, _)| pair(fact.keys.digest, fact.keys.derived)).collect()
}

/// A capsule: whether it is one of the later replay, and its key.
type Node = (bool, Sha256Hash);

/// Disjoint sets of capsules; the least node stands for its set.
#[derive(Default)]
struct Sets {
    above: BTreeMap<Node, Node>,
}

impl Sets {
    fn add(&mut self, node: Node) {
        self.above.insert(node, node);
    }

    fn nodes(&self) -> Vec<Node> {
        self.above.keys().copied().collect()
    }

    fn root(&mut self, node: Node) -> Node {
        let mut here = node;
        while let Some(above) = self.above.get(&here).copied().filter(|above| *above != here) {
            // Halving: every other node skips the one above it.
            let skipped = self.above.get(&above).copied().unwrap_or(above);
            self.above.insert(here, skipped);
            here = skipped;
        }
        here
    }

    fn join(&mut self, one: Node, other: Node) {
        let (one, other) = (self.root(one), self.root(other));
        self.above.insert(one.max(other), one.min(other));
    }
}

impl Group {
    /// Says what became of the group.
    pub(super) fn sort_into(self, comparison: &mut Comparison, before: &Side<'_>, after: &Side<'_>) {
        let change = match (self.before.len(), self.after.len()) {
            (_, 0) => return comparison.gone.extend(self.before),
            (0, _) => return comparison.new.extend(self.after),
            (1, 1) => return self.kept(comparison, before, after),
            (1, _) => Regrouping::Split,
            (_, 1) => Regrouping::Merged,
            _ => Regrouping::Moved,
        };
        for key in &self.after {
            let from = self.main_source(key).and_then(|key| before.capsules.get(&key));
            comparison.verdicts.extend(from.zip(after.capsules.get(key)).and_then(|(from, to)| turn(from, to)));
        }
        comparison.regrouped.push(Regrouped {
            after: sides(&self.after, after, self.facts.iter().map(|pair| pair.after)),
            before: sides(&self.before, before, self.facts.iter().map(|pair| pair.before)),
            change,
            example: example(change, &self.facts, before),
            fact_count: self.facts.len() as u64,
        });
    }

    fn kept(self, comparison: &mut Comparison, before: &Side<'_>, after: &Side<'_>) {
        let find = |keys: &BTreeSet<Sha256Hash>, side: &Side<'_>| {
            keys.first().and_then(|key| side.capsules.get(key).map(|capsule| Capsule::clone(capsule)))
        };
        let (Some(from), Some(to)) = (find(&self.before, before), find(&self.after, after)) else { return };
        comparison.rekeyed_count += u64::from(from.derived_key != to.derived_key);
        comparison.verdicts.extend(turn(&from, &to));
        comparison.changed.extend(changed(&from, &to));
    }

    /// The earlier capsule that gave a later one the most facts; the least key of equals.
    fn main_source(&self, after: &Sha256Hash) -> Option<Sha256Hash> {
        let mut given: BTreeMap<Sha256Hash, u64> = BTreeMap::new();
        for pair in self.facts.iter().filter(|pair| pair.after == *after) {
            *given.entry(pair.before).or_default() += 1;
        }
        given.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0))).map(|(key, _)| key)
    }
}

fn sides(keys: &BTreeSet<Sha256Hash>, side: &Side<'_>, minted: impl Iterator<Item = Sha256Hash>) -> Vec<GroupSide> {
    let mut counts: BTreeMap<Sha256Hash, u64> = BTreeMap::new();
    minted.for_each(|key| *counts.entry(key).or_default() += 1);
    let group_side = |key: &Sha256Hash| {
        let capsule = side.capsules.get(key)?;
        Some(GroupSide {
            derived_key: *key,
            fact_count: counts.get(key).copied().unwrap_or(0),
            failure_reason_code: capsule.failure_reason_code.clone(),
            message_template: capsule.fingerprint.message_template.clone(),
            target_id: capsule.target_id.clone(),
            verdict: capsule.verdict,
        })
    };
    keys.iter().filter_map(group_side).collect()
}
