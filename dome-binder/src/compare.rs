//! Two replays held against each other: facts added and gone, capsules changed, split, merged and
//! moved, verdicts gained and lost.
//!
//! Facts are the same when their digests are, so results of other binders, policies and modes can
//! be compared, whatever their keys.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use dome_core::{FailureReasonCode, Reader, Sha256Hash, Source, TargetId, choice};
use serde::Serialize;
use serde_json::Value;

use crate::capsule::Capsule;
use crate::eligibility::Verdict;
use crate::replay::Replay;
use crate::settle::Fact;

/// Members that say what a capsule is, not what it counts: another key is another matter.
const IDENTITY: [&str; 4] = ["concept_key", "derived_key", "fingerprint", "fingerprint_hash"];
const MESSAGE_CHARS: usize = 240;

/// What differs between two replays, its members in canonical order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Comparison {
    /// Capsules that hold the same group of facts, or have the same key, with other values.
    pub changed: Vec<Changed>,
    /// Digests of facts that only the later one has, sorted.
    pub facts_added: Vec<Sha256Hash>,
    /// Digests of facts that only the earlier one has, sorted.
    pub facts_gone: Vec<Sha256Hash>,
    /// Keys of capsules that nothing follows.
    pub gone: Vec<Sha256Hash>,
    /// Keys of capsules that follow nothing.
    pub new: Vec<Sha256Hash>,
    /// Facts that shared a capsule and no longer do, or the other way round; the largest first.
    pub regrouped: Vec<Regrouped>,
    /// Capsules that hold the same group of facts under another key.
    pub rekeyed_count: u64,
    /// One line that says it all.
    pub summary: String,
    /// Verdicts gained and lost.
    pub verdicts: Vec<VerdictChange>,
}

impl Comparison {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let lists = [self.facts_added.len(), self.facts_gone.len(), self.gone.len(), self.new.len()];
        self.changed.is_empty() && self.regrouped.is_empty() && self.rekeyed_count == 0 && lists == [0; 4]
    }
}

/// Compares an earlier replay with a later one.
///
/// ```
/// use dome_binder::{compare, replay, Policy, Recorder, Rules};
/// use dome_core::{BinderVersion, CodeTable, Source};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None, contracts: None };
/// let under = |binder| -> Result<_, dome_core::Rejection> {
///     let source = Source { line: 1, name: "a.jsonl".into() };
///     let record = Recorder::new(binder).record(dome_core::read(dome_core::EXAMPLE_LINE)?, source);
///     Ok(replay(vec![Box::new(record)], &rules, None))
/// };
/// let comparison = compare(&under(BinderVersion::V1)?, &under(BinderVersion::V2)?);
/// assert_eq!(comparison.summary, "1 capsule rekeyed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn compare(earlier: &Replay, later: &Replay) -> Comparison {
    let (before, after) = (ReplaySide::of(earlier), ReplaySide::of(later));
    let only = |one: &ReplaySide<'_>, other: &ReplaySide<'_>| -> Vec<Sha256Hash> {
        one.facts.keys().filter(|digest| !other.facts.contains_key(digest)).copied().collect()
    };
    let mut comparison =
        Comparison { facts_added: only(&after, &before), facts_gone: only(&before, &after), ..Comparison::default() };
    for group in groups(&before, &after) {
        group.sort_into(&mut comparison, &before, &after);
    }
    let keys = |group: &Regrouped| group.before.iter().map(|side| side.derived_key).collect::<Vec<_>>();
    comparison.regrouped.sort_by_cached_key(|group| (Reverse(group.fact_count), keys(group)));
    comparison.changed.sort_by_key(|changed| changed.derived_key);
    comparison.verdicts.sort_by_key(|change| change.derived_key);
    comparison.gone.sort_unstable();
    comparison.new.sort_unstable();
    comparison.summary = summary(&comparison);
    comparison
}

struct ReplaySide<'r> {
    replay: &'r Replay,
    capsules: BTreeMap<Sha256Hash, &'r Capsule>,
    /// The facts by digest, and whether each minted.
    facts: BTreeMap<Sha256Hash, (&'r Fact, bool)>,
}

impl<'r> ReplaySide<'r> {
    fn of(replay: &'r Replay) -> Self {
        let capsules = replay.derived.capsules.iter().map(|capsule| (capsule.derived_key, capsule)).collect();
        let facts = replay.ledger.facts.iter().zip(&replay.bound);
        let facts = facts.map(|(fact, bound)| (fact.keys.digest, (fact, bound.minted))).collect();
        Self { replay, capsules, facts }
    }
}

/// A capsule with other values than before, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Changed {
    /// Its key before.
    pub before_key: Sha256Hash,
    /// The members that differ, by name.
    pub changes: Vec<MemberChange>,
    /// Its key.
    pub derived_key: Sha256Hash,
}

/// One member that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberChange {
    /// What it was; absent where it was absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// Its name.
    pub member: String,
    /// What it is; absent where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// Whether a verdict got better or worse (M-93).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VerdictTurn {
    /// It may be used for more than before.
    Gained,
    /// It may be used for less than before.
    Lost,
}

/// A verdict that is not what it was: that of the capsule which gave this one most of its facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerdictChange {
    /// The key before.
    pub before_key: Sha256Hash,
    /// The capsule's key.
    pub derived_key: Sha256Hash,
    /// What it was.
    pub from: Verdict,
    /// What it is.
    pub to: Verdict,
    /// Whether that is better.
    pub turn: VerdictTurn,
}

fn turn(from: &Capsule, to: &Capsule) -> Option<VerdictChange> {
    let turn = if to.verdict > from.verdict { VerdictTurn::Gained } else { VerdictTurn::Lost };
    (from.verdict != to.verdict).then_some(VerdictChange {
        before_key: from.derived_key,
        derived_key: to.derived_key,
        from: from.verdict,
        to: to.verdict,
        turn,
    })
}

fn changed(from: &Capsule, to: &Capsule) -> Option<Changed> {
    let members = |capsule| match serde_json::to_value(capsule) {
        Ok(Value::Object(members)) => members,
        other => unreachable!("a capsule is a JSON object: {other:?}"),
    };
    let (mut before, mut after) = (members(from), members(to));
    let names: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
    let changes = names.into_iter().filter(|name| !IDENTITY.contains(&name.as_str())).filter_map(|member| {
        let (from, to) = (before.remove(&member), after.remove(&member));
        (from != to).then_some(MemberChange { from, member, to })
    });
    let changes: Vec<_> = changes.collect();
    let (before_key, derived_key) = (from.derived_key, to.derived_key);
    (!changes.is_empty()).then_some(Changed { before_key, changes, derived_key })
}

choice! {
    /// What became of a group of facts.
    Regrouping {
        /// One capsule became several.
        Split = "split",
        /// Several capsules became one.
        Merged = "merged",
        /// Facts went from several capsules to several others.
        Moved = "moved",
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

/// One of two facts that show a regrouping, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExampleFact {
    /// The key of its capsule later.
    pub after_key: Sha256Hash,
    /// The key of its capsule before.
    pub before_key: Sha256Hash,
    /// Its digest.
    pub digest: Sha256Hash,
    /// The start of its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where it stood.
    pub source: Source,
}

/// Two facts that show a regrouping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Example {
    /// The first one in the order of the earlier replay.
    pub one: ExampleFact,
    /// The other one.
    pub other: ExampleFact,
}

#[derive(Default)]
struct Group {
    before: BTreeSet<Sha256Hash>,
    after: BTreeSet<Sha256Hash>,
    /// The facts that mint in both, in the order of the earlier replay: digest and both keys.
    facts: Vec<FactPair>,
}

/// A capsule: whether it is one of the later replay, and its key.
type CapsuleNode = (bool, Sha256Hash);

/// Puts capsules together that share a fact or a key, in the order of their least.
fn groups(before: &ReplaySide<'_>, after: &ReplaySide<'_>) -> Vec<Group> {
    let pairs = pairs(before, after);
    let mut links: BTreeMap<CapsuleNode, BTreeSet<CapsuleNode>> = BTreeMap::new();
    links.extend(before.capsules.keys().map(|key| ((false, *key), BTreeSet::new())));
    links.extend(after.capsules.keys().map(|key| ((true, *key), BTreeSet::new())));
    let same = after.capsules.keys().filter(|key| before.capsules.contains_key(key)).map(|key| (*key, *key));
    for (from, to) in same.chain(pairs.iter().map(|pair| (pair.before, pair.after))) {
        links.entry((false, from)).or_default().insert((true, to));
        links.entry((true, to)).or_default().insert((false, from));
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of: BTreeMap<CapsuleNode, usize> = BTreeMap::new();
    for first in links.keys() {
        let (mut group, mut waiting) = (Group::default(), vec![first]);
        while let Some(node) = waiting.pop() {
            if group_of.contains_key(node) {
                continue;
            }
            group_of.insert(*node, groups.len());
            let side = if node.0 { &mut group.after } else { &mut group.before };
            side.insert(node.1);
            waiting.extend(links.get(node).into_iter().flatten());
        }
        if !group.before.is_empty() || !group.after.is_empty() {
            groups.push(group);
        }
    }
    for pair in pairs {
        let group = group_of.get(&(false, pair.before)).and_then(|group| groups.get_mut(*group));
        group.into_iter().for_each(|group| group.facts.push(pair));
    }
    groups
}

fn pairs(before: &ReplaySide<'_>, after: &ReplaySide<'_>) -> Vec<FactPair> {
    let facts = before.replay.ledger.facts.iter().zip(&before.replay.bound);
    let minted = facts.filter(|(_, bound)| bound.minted);
    let pair = |fact: &Fact| {
        let (later, minted) = after.facts.get(&fact.keys.digest)?;
        minted.then_some(FactPair { digest: fact.keys.digest, before: fact.keys.derived, after: later.keys.derived })
    };
    minted.filter_map(|(fact, _)| pair(fact)).collect()
}

impl Group {
    fn sort_into(self, comparison: &mut Comparison, before: &ReplaySide<'_>, after: &ReplaySide<'_>) {
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

    fn kept(self, comparison: &mut Comparison, before: &ReplaySide<'_>, after: &ReplaySide<'_>) {
        let from = self.before.first().and_then(|key| before.capsules.get(key));
        let to = self.after.first().and_then(|key| after.capsules.get(key));
        let (Some(from), Some(to)) = (from, to) else { return };
        comparison.rekeyed_count += u64::from(from.derived_key != to.derived_key);
        comparison.verdicts.extend(turn(from, to));
        comparison.changed.extend(changed(from, to));
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

fn sides(
    keys: &BTreeSet<Sha256Hash>,
    side: &ReplaySide<'_>,
    minted: impl Iterator<Item = Sha256Hash>,
) -> Vec<GroupSide> {
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

#[derive(Clone, Copy, Debug)]
struct FactPair {
    digest: Sha256Hash,
    before: Sha256Hash,
    after: Sha256Hash,
}

/// The first two facts that were parted; where none were, the first two that were brought together.
fn example(change: Regrouping, facts: &[FactPair], before: &ReplaySide<'_>) -> Option<Example> {
    let parted = || unlike(facts, |pair| pair.before, |pair| pair.after);
    let joined = || unlike(facts, |pair| pair.after, |pair| pair.before);
    let (one, other) = match change {
        Regrouping::Split | Regrouping::Moved => parted().or_else(joined),
        Regrouping::Merged => joined().or_else(parted),
    }?;
    Some(Example { one: shown(one, before)?, other: shown(other, before)? })
}

fn unlike(
    facts: &[FactPair],
    alike: fn(&FactPair) -> Sha256Hash,
    differ: fn(&FactPair) -> Sha256Hash,
) -> Option<(&FactPair, &FactPair)> {
    let mut first: BTreeMap<Sha256Hash, &FactPair> = BTreeMap::new();
    facts.iter().find_map(|pair| {
        let one = *first.entry(alike(pair)).or_insert(pair);
        (differ(one) != differ(pair)).then_some((one, pair))
    })
}

fn shown(pair: &FactPair, before: &ReplaySide<'_>) -> Option<ExampleFact> {
    let (fact, _) = before.facts.get(&pair.digest)?;
    let envelope = fact.canonical.held().and_then(|bytes| Reader::new().any_length().read(bytes).ok());
    let message = envelope.and_then(|envelope| envelope.message);
    Some(ExampleFact {
        after_key: pair.after,
        before_key: pair.before,
        digest: pair.digest,
        message: message.map(|message| message.chars().take(MESSAGE_CHARS).collect()),
        source: fact.source.clone(),
    })
}

/// The comparison in one line, fit for a commit message; what did not happen is not named.
fn summary(comparison: &Comparison) -> String {
    let turned = |turn: VerdictTurn| comparison.verdicts.iter().filter(|change| change.turn == turn).count() as u64;
    let mut counts = vec![
        ("fact", comparison.facts_added.len() as u64, "added".to_owned()),
        ("fact", comparison.facts_gone.len() as u64, "gone".to_owned()),
        ("capsule", comparison.new.len() as u64, "new".to_owned()),
        ("capsule", comparison.gone.len() as u64, "gone".to_owned()),
        ("capsule", comparison.changed.len() as u64, "changed".to_owned()),
    ];
    counts.extend(Regrouping::ALL.iter().map(|change| {
        let groups = || comparison.regrouped.iter().filter(|group| group.change == *change);
        let after: usize = groups().map(|group| group.after.len()).sum();
        ("capsule", groups().map(|group| group.before.len() as u64).sum(), format!("{change} into {after}"))
    }));
    counts.push(("capsule", comparison.rekeyed_count, "rekeyed".to_owned()));
    counts.push(("verdict", turned(VerdictTurn::Gained), "gained".to_owned()));
    counts.push(("verdict", turned(VerdictTurn::Lost), "lost".to_owned()));
    let (mut said, mut last) = (String::new(), "");
    for (noun, count, what) in counts.into_iter().filter(|(_, count, _)| *count > 0) {
        let plural = if count == 1 { "" } else { "s" };
        said += &match (noun == last, said.is_empty()) {
            (true, _) => format!(", {count} {what}"),
            (false, true) => format!("{count} {noun}{plural} {what}"),
            (false, false) => format!("; {count} {noun}{plural} {what}"),
        };
        last = noun;
    }
    if said.is_empty() { "no difference".to_owned() } else { said }
}

/// One later key of an earlier capsule's facts, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Became {
    /// The later key.
    pub derived_key: Sha256Hash,
    /// Facts that went from the one to the other.
    pub fact_count: u64,
    /// Those among them that mint later.
    pub minted_count: u64,
}

/// What became of an earlier capsule's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Trace {
    /// The later keys, the one with the most facts first.
    pub becomes: Vec<Became>,
    /// The earlier key.
    pub derived_key: Sha256Hash,
    /// Facts that minted it.
    pub fact_count: u64,
    /// Those among them that are no longer there.
    pub gone_count: u64,
}

/// The later keys of the facts of every capsule, by earlier key.
#[must_use]
pub fn trace(earlier: &Replay, later: &Replay) -> Vec<Trace> {
    let after = ReplaySide::of(later);
    let mut traces: BTreeMap<Sha256Hash, (Trace, BTreeMap<Sha256Hash, Became>)> = BTreeMap::new();
    let facts = earlier.ledger.facts.iter().zip(&earlier.bound);
    for (fact, _) in facts.filter(|(_, bound)| bound.minted) {
        let key = fact.keys.derived;
        let (trace, becomes) = traces.entry(key).or_insert_with(|| {
            (Trace { becomes: Vec::new(), derived_key: key, fact_count: 0, gone_count: 0 }, BTreeMap::new())
        });
        trace.fact_count += 1;
        let Some((later, minted)) = after.facts.get(&fact.keys.digest) else {
            trace.gone_count += 1;
            continue;
        };
        let derived_key = later.keys.derived;
        let became = becomes.entry(derived_key).or_insert(Became { derived_key, fact_count: 0, minted_count: 0 });
        became.fact_count += 1;
        became.minted_count += u64::from(*minted);
    }
    let finish = |(mut trace, becomes): (Trace, BTreeMap<Sha256Hash, Became>)| {
        trace.becomes = becomes.into_values().collect();
        trace.becomes.sort_by(|a, b| b.fact_count.cmp(&a.fact_count).then(a.derived_key.cmp(&b.derived_key)));
        trace
    };
    traces.into_values().map(finish).collect()
}
