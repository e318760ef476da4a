//! The layers of a memory: what a run said, what was derived, what an owner promoted. Only the owner's grants side effects.

use std::fmt;

use dome_core::{Sha256Hash, Timestamp, choice};
use serde::{Deserialize, Serialize};

use super::Prior;
use crate::eligibility::Verdict;
use crate::remedy::RemedyRecord;

choice! {
    /// What stands behind a prior, the weakest first.
    Layer {
        /// One run said so, and no other.
        Run = "run",
        /// It was derived from several runs.
        Derived = "derived",
        /// An owner promoted it: who that is, when and why is named beside it.
        Owner = "owner",
    }
}

/// Who says something of a store, when and why; in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OwnersWord {
    /// Who.
    pub by: String,
    /// When, by the clock of the machine that it was said on.
    pub ts: Timestamp,
    /// Why.
    pub why: String,
}

impl fmt::Display for OwnersWord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {}: {}", self.by, self.ts, self.why)
    }
}

/// An owner's word for a prior: as long as its first remedy is this one, that may have side effects where it is
/// prescribed. Nothing that holds it back is lifted. In canonical order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Promotion {
    /// The derived key of a capsule, or a concept key.
    pub key: Sha256Hash,
    /// Whose word it is.
    pub promoted: OwnersWord,
    /// The identity of the remedy that it is for: the first one when it was promoted.
    pub remedy: Sha256Hash,
    /// Who took it back; it is kept, and grants nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retracted: Option<OwnersWord>,
}

impl Promotion {
    /// Whether it is for what is known under a key, with these remedies.
    #[must_use]
    pub fn is_for(&self, key: Sha256Hash, remedies: &[RemedyRecord]) -> bool {
        self.retracted.is_none()
            && self.key == key
            && remedies.first().is_some_and(|first| first.identity == self.remedy)
    }
}

impl Layer {
    /// The layer of what so many runs stand behind, under an owner's word or without one.
    pub(super) const fn of(run_count: u64, promoted: Option<&OwnersWord>) -> Self {
        match (promoted, run_count) {
            (Some(_), _) => Self::Owner,
            (None, 0 | 1) => Self::Run,
            (None, _) => Self::Derived,
        }
    }
}

impl Prior {
    /// Whether following it may change something beyond the task's own work: it is prescribed, and an owner promoted it.
    pub(super) fn grants(verdict: Verdict, layer: Layer) -> bool {
        verdict == Verdict::Prescriptive && layer == Layer::Owner
    }
}
