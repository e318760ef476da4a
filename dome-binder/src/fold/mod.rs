//! The fold of one task line over its facts in total order (section 9).
//!
//! Lines do not see each other: each may be folded apart, on any thread or machine, and the parts
//! put together by [`crate::assemble`] (L-4).

mod effect;
mod executions;
pub(crate) mod guards;
mod key;
mod line;
mod numbers;
mod proof;
mod state;
mod trials;

pub use effect::{Effect, Happened};
pub use line::{LineState, Step};
pub use proof::proof;
pub use state::{CapsuleStanding, CapsuleState, FactRef, FailureCounts, RowFigures, StandingIn, Support};
pub use trials::{Remedies, RemedyState, RunIn, RunSets, Trials};
pub(crate) use trials::{TrialCounts, UnitedTrials};

use dome_core::{CodeTable, Sha256Hash, WrapperPolicy};
use serde::{Deserialize, Serialize};

use crate::ledger::LineFacts;
use crate::policy::Policy;
use crate::settle::FactOrder;
use crate::trigger::Triggers;

/// What a replay goes by, besides its facts.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The thresholds (M-94).
    pub policy: Policy,
    /// The reason codes and their classes (M-97).
    pub codes: CodeTable,
    /// The mode that overrides what facts declare (M-70).
    pub mode: Option<WrapperPolicy>,
    /// The pinned contracts that the codes begin with; `None` where the table is the caller's own. Nothing is derived by
    /// it: a manifest names it.
    pub contracts: Option<PinnedContracts>,
}

/// Which contracts of another repository are gone by, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PinnedContracts {
    /// The commit of the repository, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// SHA-256 over the files but examples: a line `path sha256` for each, sorted.
    pub digest: Sha256Hash,
    /// SHA-256 of the lock's canonical bytes; absent of those that are compiled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_digest: Option<Sha256Hash>,
    /// The repository that owns them.
    pub owner: String,
    /// The version that the owner gave them.
    pub version: String,
}

impl Rules {
    /// The mode that a fact is bound under: the override, else its own policy (M-70).
    #[must_use]
    pub fn mode_of(&self, declared: WrapperPolicy) -> WrapperPolicy {
        self.mode.unwrap_or(declared)
    }
}

/// How a fact was bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// Whether it minted (M-70).
    pub minted: bool,
    /// The triggers that fired, whatever the mode (M-71).
    pub triggers: Triggers,
}

/// What a task line says of all its capsules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineFigures {
    /// Facts that are failing or succeeding (M-75).
    pub execution_count: u64,
    /// Whether some guard is at *no* in the lane of the line's last fact (M-96).
    pub guard_denied: bool,
}

/// A fact that applied a capsule, with what M-84 asks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its place in the total order.
    pub order: FactOrder,
    /// The derived key that it applied.
    pub capsule: Sha256Hash,
    /// Whether it resolved or contradicted that capsule, or joined its reruns, and so was counted already.
    pub spoke_already: bool,
    /// Concept keys of the capsules that it resolved.
    pub resolved: Vec<Sha256Hash>,
    /// Its concept key, if it is a failure of its capsule.
    pub failed: Option<Sha256Hash>,
    /// Whether it was denied, and did not fail.
    pub denied: bool,
}

/// The result of folding one task line.
#[derive(Clone, Debug, Default)]
pub struct FoldedLine {
    /// How each of its facts was bound, in their order.
    pub bound: Vec<Bound>,
    /// Its capsules, before anything that other lines say (M-84) is added; by derived key.
    pub capsules: Vec<Box<CapsuleState>>,
    /// Facts of this line that applied a capsule, of this or another line (M-84).
    pub applied: Vec<Applied>,
    /// What the line says of all of them.
    pub figures: LineFigures,
}

/// Folds one task line (section 9, M-96).
#[must_use]
pub fn fold(line: &LineFacts<'_>, rules: &Rules) -> FoldedLine {
    let mut state = LineState::default();
    let mut folded = FoldedLine { bound: Vec::with_capacity(line.facts.len()), ..FoldedLine::default() };
    for line_fact in &line.facts {
        let Step { bound, applied, .. } = state.push(line_fact, rules);
        folded.applied.extend(applied);
        folded.bound.push(bound);
    }
    folded.figures = state.figures();
    folded.capsules = state.into_capsules(rules);
    folded
}
