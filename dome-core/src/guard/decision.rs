//! What guards decided, and why.

use std::fmt;

use compact_str::CompactString;
use serde::Serialize;

use super::bundle::Feedback;
use crate::choice::Decision;
use crate::envelope::GuardEval;
use crate::id::GuardId;
use crate::reason::PolicyReasonCode;

/// What a bundle decides on a context, in canonical order (M-100).
///
/// Every entry of `guard_evals` has the pinned shape and can stand in an envelope as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuardDecision {
    /// Which bundle.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub bundle_id: CompactString,
    /// Its version.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub bundle_version: CompactString,
    /// Why a guard did not pass, by guard, kind and name.
    pub causes: Vec<Cause>,
    /// `STOP` if one guard says so, else `DENY` if one says so, else `ALLOW`.
    pub decision: Decision,
    /// What the guards that fail for a known cause have to tell an operator, by guard: the sentences
    /// are about that cause, not about what nobody knows.
    pub feedback: Vec<GuardFeedback>,
    /// The version of this document.
    pub format_version: &'static str,
    /// Every guard's evaluation, by guard.
    pub guard_evals: Vec<GuardEval>,
    /// How many unknowns the bundle bears; one more denies.
    pub max_unknowns: u64,
    /// The codes of all that deny: a set, sorted.
    pub reason_codes: Vec<PolicyReasonCode>,
    /// What is not known: a set, sorted; there even where `max_unknowns` bears it.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub unknowns: Vec<CompactString>,
}

/// Why one guard did not pass, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cause {
    /// Which guard.
    pub guard_id: GuardId,
    /// What it is.
    pub kind: CauseKind,
    /// Of what: a kind of evidence, a predicate, a state, a transition, or a member of the context.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub name: CompactString,
}

/// Why a guard did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CauseKind {
    /// Required evidence is not there.
    EvidenceMissing,
    /// A predicate is false.
    PredicateFalse,
    /// A predicate has no result.
    PredicateUnknown,
    /// A state that the guard does not know, or that the context leaves out.
    StateUnknown,
    /// A transition that no guard names.
    TransitionUnknown,
    /// It does not apply: the context says another artifact kind, action, transition or phase.
    NotApplicable,
}

impl CauseKind {
    /// Whether it denies for a known cause, rather than for want of knowledge.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self, Self::EvidenceMissing | Self::PredicateFalse)
    }

    /// Whether it is something that is not known.
    #[must_use]
    pub const fn is_unknown(self) -> bool {
        matches!(self, Self::PredicateUnknown | Self::StateUnknown | Self::TransitionUnknown)
    }
}

/// What a guard that fails has to tell an operator, as its bundle says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuardFeedback {
    /// What it says.
    pub feedback: Feedback,
    /// Which guard.
    pub guard_id: GuardId,
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            CauseKind::EvidenceMissing => write!(formatter, "the evidence `{name}` is missing"),
            CauseKind::PredicateFalse => write!(formatter, "the predicate `{name}` is false"),
            CauseKind::PredicateUnknown => write!(formatter, "the predicate `{name}` has no result"),
            CauseKind::StateUnknown => write!(formatter, "the state `{name}` is not known"),
            CauseKind::TransitionUnknown => write!(formatter, "the transition `{name}` is not known"),
            CauseKind::NotApplicable => write!(formatter, "it does not apply to this {name}"),
        }
    }
}

impl GuardDecision {
    /// Whether a guard denies for a cause that is known: `guard_denied` of M-92.
    #[must_use]
    pub fn denies_for_known_cause(&self) -> bool {
        self.causes.iter().any(|cause| cause.kind.is_known())
    }

    /// Whether the unknowns policy denies: `guard_unknown` of M-92.
    #[must_use]
    pub fn denies_by_unknowns(&self) -> bool {
        self.unknowns.len() as u64 > self.max_unknowns
    }
}
