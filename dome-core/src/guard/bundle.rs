//! A bundle of guardrails as values.

use std::collections::BTreeSet;

use compact_str::CompactString;
use serde::Serialize;

use crate::choice::{Decision, choice};
use crate::id::GuardId;
use crate::problem::Rejection;
use crate::reason::PolicyReasonCode;

/// A bundle of guardrails, read by the pinned schema (M-100).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardrailsBundle {
    /// Which bundle.
    pub bundle_id: CompactString,
    /// Its version.
    pub version: CompactString,
    /// Evidence that every guard which applies asks for.
    pub required_evidence: BTreeSet<CompactString>,
    /// What is decided where something is not known.
    pub unknowns_policy: UnknownsPolicy,
    /// The guards, by their ids.
    pub guards: Vec<Guard>,
}

/// `unknowns_policy`: what is decided where something is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownsPolicy {
    /// For a state that no guard knows, or that the context leaves out.
    pub on_unknown_state: DenyDecision,
    /// For a transition that no guard names, and for a predicate without a result.
    pub on_unknown_transition: DenyDecision,
    /// Why.
    pub reason_code: PolicyReasonCode,
    /// How many unknowns are borne; 0 where the bundle does not say.
    pub max_unknowns: u64,
}

/// One guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Which guard; once in a bundle.
    pub guard_id: GuardId,
    /// Where it applies.
    pub applies_to: AppliesTo,
    /// What it decides when it fails: `DENY` or `STOP`.
    pub deny_decision: DenyDecision,
    /// Why.
    pub reason_code: PolicyReasonCode,
    /// Kinds of evidence that must be there.
    pub required_evidence: BTreeSet<CompactString>,
    /// The predicate that must be true.
    pub predicate_ref: Option<CompactString>,
    /// What an operator is told when it fails.
    pub feedback: Option<Feedback>,
}

/// `applies_to`: an absent or empty member restricts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliesTo {
    /// Kinds of artifacts.
    pub artifact_kinds: BTreeSet<CompactString>,
    /// Transitions by id, or as `FROM:TO`.
    pub transitions: BTreeSet<CompactString>,
    /// One transition by its states.
    pub transition: Option<TransitionPattern>,
    /// The states that the guard can judge.
    pub known_states: BTreeSet<CompactString>,
    /// Actions.
    pub actions: BTreeSet<CompactString>,
}

/// One transition by its states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitionPattern {
    /// The state before.
    pub from: CompactString,
    /// The state after.
    pub to: CompactString,
    /// The phase, if it is about one only.
    pub phase: Option<CompactString>,
}

choice! {
    /// `deny_decision`: a guard never allows by failing.
    DenyDecision {
        /// Not this.
        Deny = "DENY",
        /// Nothing more.
        Stop = "STOP",
    }
    /// `guard_kind` of a specification.
    GuardKind {
        /// It stops.
        Stop = "stop",
        /// About structure.
        Structural = "structural",
        /// It can be repaired.
        Repairable = "repairable",
        /// Advice.
        Advisory = "advisory",
    }
    /// `severity` of a guard's feedback.
    Severity {
        /// For information.
        Info = "info",
        /// A warning.
        Warn = "warn",
        /// An error.
        Error = "error",
        /// Critical.
        Critical = "critical",
    }
    /// `next_step` of a guard's feedback.
    NextStep {
        /// Try again.
        Retry = "retry",
        /// Go back.
        Rollback = "rollback",
        /// Ask somebody.
        Escalate = "escalate",
        /// Wait.
        Hold = "hold",
    }
}

impl From<DenyDecision> for Decision {
    fn from(denial: DenyDecision) -> Self {
        match denial {
            DenyDecision::Deny => Self::Deny,
            DenyDecision::Stop => Self::Stop,
        }
    }
}

/// What an operator is told when a guard fails, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Feedback {
    /// What can be done.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub actionable_hint: CompactString,
    /// The bundle's `confidence`, in parts per million, rounded down: no output holds a float (M-01).
    pub confidence_ppm: u64,
    /// The step to take.
    pub next_step: NextStep,
    /// What is wrong.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub operator_message: CompactString,
    /// How bad it is.
    pub severity: Severity,
    /// What the author of the guard does not know.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub unknowns: Vec<CompactString>,
}

impl GuardrailsBundle {
    /// Reads a bundle by the pinned schema (`guardrails_bundle`, v0.1).
    ///
    /// Beyond the schema, a bundle is held to what an envelope can record of it: guard ids are
    /// identifiers (M-03) that stand once, reason codes are policy codes (M-04), and arrays hold at
    /// most 1,024 entries.
    ///
    /// # Errors
    ///
    /// All that is wrong with the document (M-30), with the codes and pointers of [`crate::read`].
    pub fn parse(document: &[u8]) -> Result<Self, Rejection> {
        super::document::read(document, super::read::bundle)
    }
}
