//! What became of a key: which later keys the facts of an earlier capsule have.

use std::collections::BTreeMap;

use dome_core::Sha256Hash;
use serde::Serialize;

use super::Side;
use crate::replay::Replay;

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

/// What became of the key of every capsule, by earlier key: each resolves to the later ones.
#[must_use]
pub fn trace(earlier: &Replay, later: &Replay) -> Vec<Trace> {
    let after = Side::of(later);
    let mut traces: BTreeMap<Sha256Hash, (Trace, BTreeMap<Sha256Hash, Became>)> = BTreeMap::new();
    let facts = earlier.ledger.facts.iter().zip(&earlier.bound);
    for (fact, _) in facts.filter(|(_, bound)| bound.minted) {
        let key = fact.keys.derived;
        let (trace, becomes) = traces.entry(key).or_insert_with(|| {
            (Trace { becomes: Vec::new(), derived_key: key, fact_count: 0, gone_count: 0 }, BTreeMap::new())
        });
        trace.fact_count += 1;
        let Some((derived_key, minted)) = after.bound(&fact.keys.digest) else {
            trace.gone_count += 1;
            continue;
        };
        let became = becomes.entry(derived_key).or_insert(Became { derived_key, fact_count: 0, minted_count: 0 });
        became.fact_count += 1;
        became.minted_count += u64::from(minted);
    }
    let finish = |(mut trace, becomes): (Trace, BTreeMap<Sha256Hash, Became>)| {
        trace.becomes = becomes.into_values().collect();
        trace.becomes.sort_by(|a, b| b.fact_count.cmp(&a.fact_count).then(a.derived_key.cmp(&b.derived_key)));
        trace
    };
    traces.into_values().map(finish).collect()
}
