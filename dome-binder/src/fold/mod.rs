//! The fold of one task line over its facts in total order (section 9).
//!
//! Lines do not see each other: each may be folded apart, on any thread or machine, and the parts
//! put together by [`crate::assemble`] (L-4).

pub(crate) mod guards;
mod lane;
mod line;
mod runs;
mod state;

pub use lane::Effect;
pub use line::{LineState, Step};
pub use state::{Applied, CapsuleState, FactRef, Remedies, RemedyState, Support};

use dome_core::{CodeTable, Sha256Hash, Signal, Status, WrapperPolicy};

use crate::ledger::{LineFact, LineFacts};
use crate::policy::Policy;
use crate::trigger::Triggers;

/// What a replay goes by, besides its facts.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The thresholds (M-94).
    pub policy: Policy,
    /// The reason codes and their classes (M-90).
    pub codes: CodeTable,
    /// The mode that overrides what facts declare (M-70).
    pub mode: Option<WrapperPolicy>,
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

/// What one task line comes to.
#[derive(Clone, Debug, Default)]
pub struct FoldedLine {
    /// How each of its facts was bound, in their order.
    pub bound: Vec<Bound>,
    /// Its capsules, before anything that other lines say (M-84) is added; by derived key.
    pub capsules: Vec<Box<CapsuleState>>,
    /// Facts of this line that applied a capsule, of this or another line (M-84).
    pub applied: Vec<Applied>,
    /// Whether some guard is at *no* in the lane of the line's last fact (M-96).
    pub guard_denied: bool,
}

/// Folds one task line (M-80 to M-83, M-96).
#[must_use]
pub fn fold(line: &LineFacts<'_>, rules: &Rules) -> FoldedLine {
    let mut state = LineState::default();
    let mut folded = FoldedLine { bound: Vec::with_capacity(line.facts.len()), ..FoldedLine::default() };
    for line_fact in &line.facts {
        let Step { bound, applied, .. } = state.push(line_fact, rules);
        folded.applied.extend(applied);
        folded.bound.push(bound);
    }
    folded.guard_denied = state.guard_denied();
    folded.capsules = state.into_capsules();
    folded
}

/// What M-84 needs to know of a fact that applied a capsule.
fn applied(line_fact: &LineFact<'_>, effects: &[Effect]) -> Option<Applied> {
    let fact = line_fact.fact;
    let capsule: Sha256Hash = fact.applied_capsule().copied()?;
    let spoke = |effect: &Effect| match effect {
        Effect::Resolved { key, .. } | Effect::Contradicted { key, .. } => *key == capsule,
        _ => false,
    };
    let gates = |status: Status| {
        let with = fact.gates.iter().filter(move |gate| gate.status == status);
        with.map(|gate| gate.gate_id.clone()).collect()
    };
    Some(Applied {
        order: fact.order(),
        capsule,
        spoke_already: effects.iter().any(spoke),
        succeeding: fact.is_succeeding(),
        failing: fact.is_failing(),
        denial: fact.signal == Signal::Denial,
        lists_gates: !fact.gates.is_empty(),
        passed: gates(Status::Pass),
        failed: gates(Status::Fail),
    })
}
