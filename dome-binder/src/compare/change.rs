//! What changed in a capsule: member by member, and its verdict.

use dome_core::Sha256Hash;
use serde::Serialize;
use serde_json::Value;

use crate::capsule::Capsule;
use crate::eligibility::Verdict;

/// Members that say what a capsule is, not what it counts: another key is another matter.
const IDENTITY: [&str; 4] = ["concept_key", "derived_key", "fingerprint", "fingerprint_hash"];

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

/// The turn of a verdict, if there is one.
pub(super) fn turn(from: &Capsule, to: &Capsule) -> Option<VerdictChange> {
    let turn = if to.verdict > from.verdict { VerdictTurn::Gained } else { VerdictTurn::Lost };
    (from.verdict != to.verdict).then_some(VerdictChange {
        before_key: from.derived_key,
        derived_key: to.derived_key,
        from: from.verdict,
        to: to.verdict,
        turn,
    })
}

/// What changed, if anything did.
pub(super) fn changed(from: &Capsule, to: &Capsule) -> Option<Changed> {
    let [Ok(Value::Object(mut before)), Ok(Value::Object(mut after))] = [from, to].map(serde_json::to_value) else {
        return None;
    };
    let mut names: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    let changes = names.into_iter().filter(|name| !IDENTITY.contains(&name.as_str())).filter_map(|member| {
        let (from, to) = (before.remove(&member), after.remove(&member));
        (from != to).then_some(MemberChange { from, member, to })
    });
    let changes: Vec<_> = changes.collect();
    let (before_key, derived_key) = (from.derived_key, to.derived_key);
    (!changes.is_empty()).then_some(Changed { before_key, changes, derived_key })
}
