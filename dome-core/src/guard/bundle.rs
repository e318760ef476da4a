//! The two documents: a bundle of guardrails, and the context that it is asked about.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Serialize, Serializer};

use crate::choice::{Decision, choice};
use crate::id::GuardId;
use crate::ingress::Check;
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
        crate::ingress::document(document, Check::guard_bundle)
    }
}

/// A transition context, version 1, in canonical order (M-100). What it leaves out exempts from
/// nothing: a guard is only passed over when the context says something else than it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuardContext {
    /// What is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", length(min = 1)))]
    pub action: Option<CompactString>,
    /// What kind of artifact it is done with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", length(min = 1)))]
    pub artifact_kind: Option<CompactString>,
    /// The version of this document.
    pub context_version: ContextVersion,
    /// The kinds of evidence that are there.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>", length(max = 1024)))]
    pub evidence_kinds: BTreeSet<CompactString>,
    /// The state before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", length(min = 1)))]
    pub from_state: Option<CompactString>,
    /// The phase that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", length(min = 1)))]
    pub phase: Option<CompactString>,
    /// What predicates came to, by the names that guards refer to; one that is not here is unknown.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, PredicateResult>", extend("maxProperties" = 1024)))]
    pub predicates: BTreeMap<CompactString, PredicateResult>,
    /// The state after.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", length(min = 1)))]
    pub to_state: Option<CompactString>,
    /// The transition's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", length(min = 1)))]
    pub transition_id: Option<CompactString>,
}

/// `context_version`: there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ContextVersion {
    /// Version 1.
    #[default]
    #[serde(rename = "1")]
    V1,
}

/// What a predicate came to: `true`, `false` or `"unknown"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PredicateResult {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody can say.
    Unknown,
}

impl Serialize for PredicateResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::True => serializer.serialize_bool(true),
            Self::False => serializer.serialize_bool(false),
            Self::Unknown => serializer.serialize_str("unknown"),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for PredicateResult {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PredicateResult".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"enum": [true, false, "unknown"]})
    }
}

impl GuardContext {
    /// Reads a context. `context_version` is required, all else may be left out.
    ///
    /// # Errors
    ///
    /// All that is wrong with the document (M-30), with the codes and pointers of [`crate::read`].
    pub fn parse(document: &[u8]) -> Result<Self, Rejection> {
        crate::ingress::document(document, Check::guard_context)
    }

    /// What a predicate came to; unknown where nothing is said.
    #[must_use]
    pub fn predicate(&self, name: &str) -> PredicateResult {
        self.predicates.get(name).copied().unwrap_or(PredicateResult::Unknown)
    }
}
