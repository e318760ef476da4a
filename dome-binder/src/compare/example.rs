//! Two facts that show a regrouping: they were parted, or brought together.

use std::collections::BTreeMap;

use dome_core::{Reader, Sha256Hash, Source};
use serde::Serialize;

use super::Side;
use super::regroup::Regrouping;

/// Characters of a message that an example shows.
const MESSAGE_CHARS: usize = 240;

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

/// A fact that mints in both replays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) digest: Sha256Hash,
    pub(super) before: Sha256Hash,
    pub(super) after: Sha256Hash,
}

/// The first two facts that were parted; where none were, the first two that were brought together.
pub(super) fn example(change: Regrouping, facts: &[Pair], before: &Side<'_>) -> Option<Example> {
    let parted = || unlike(facts, |pair| pair.before, |pair| pair.after);
    let joined = || unlike(facts, |pair| pair.after, |pair| pair.before);
    let (one, other) = match change {
        Regrouping::Split | Regrouping::Moved => parted().or_else(joined),
        Regrouping::Merged => joined().or_else(parted),
    }?;
    Some(Example { one: shown(one, before)?, other: shown(other, before)? })
}

/// The first two facts that are alike in one key and not in the other.
fn unlike(facts: &[Pair], alike: fn(&Pair) -> Sha256Hash, differ: fn(&Pair) -> Sha256Hash) -> Option<(&Pair, &Pair)> {
    let mut first: BTreeMap<Sha256Hash, &Pair> = BTreeMap::new();
    facts.iter().find_map(|pair| {
        let one = *first.entry(alike(pair)).or_insert(pair);
        (differ(one) != differ(pair)).then_some((one, pair))
    })
}

fn shown(pair: &Pair, before: &Side<'_>) -> Option<ExampleFact> {
    let fact = before.fact(&pair.digest)?;
    let canonical = fact.canonical.held().unwrap_or_default();
    let message = Reader::new().any_length().read(canonical).ok().and_then(|envelope| envelope.message);
    Some(ExampleFact {
        after_key: pair.after,
        before_key: pair.before,
        digest: pair.digest,
        message: message.map(|message| message.chars().take(MESSAGE_CHARS).collect()),
        source: fact.source.clone(),
    })
}
