//! What is asked about: a transition, with the evidence and the predicates that there are.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Serialize, Serializer};

use crate::ingress::check::Check;
use crate::ingress::names::Names;
use crate::json::{Kind, Value};
use crate::limits::ARRAY;
use crate::problem::{ProblemCode, Rejection};
use crate::text::quote;

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
        super::document::read(document, Check::guard_context)
    }

    /// What a predicate came to; unknown where nothing is said.
    #[must_use]
    pub fn predicate(&self, name: &str) -> PredicateResult {
        self.predicates.get(name).copied().unwrap_or(PredicateResult::Unknown)
    }
}

impl Check {
    fn guard_context(&mut self, at: Value<'_>) -> Option<GuardContext> {
        let names = const {
            &Names::new([
                "action",
                "artifact_kind",
                "context_version",
                "evidence_kinds",
                "from_state",
                "phase",
                "predicates",
                "to_state",
                "transition_id",
            ])
        };
        let [action, kind, version, evidence, from, phase, predicates, to, id] = self.object(at, names)?;
        let version = self.required(at, "context_version", version, |check, at| {
            check.constant(at, ProblemCode::UnsupportedVersion, "1")
        });
        let [action, artifact_kind, from_state, phase, to_state, transition_id] =
            [action, kind, from, phase, to, id].map(|slot| self.optional(slot, Self::filled));
        let evidence_kinds = self.optional(evidence, Self::text_set);
        let predicates = self.optional(predicates, Self::predicates);
        version?;
        Some(GuardContext {
            action: action?,
            artifact_kind: artifact_kind?,
            context_version: ContextVersion::V1,
            evidence_kinds: evidence_kinds?.unwrap_or_default(),
            from_state: from_state?,
            phase: phase?,
            predicates: predicates?.unwrap_or_default(),
            to_state: to_state?,
            transition_id: transition_id?,
        })
    }

    fn predicates(&mut self, at: Value<'_>) -> Option<BTreeMap<CompactString, PredicateResult>> {
        if at.kind() != Kind::Object {
            self.report(ProblemCode::WrongType, at, format_args!("expected an object, found {}", at.kind().name()));
            return None;
        }
        if at.len() > ARRAY {
            let message = format!("expected at most {ARRAY} members, found {}", at.len());
            self.report(ProblemCode::OutOfRange, at, message);
            return None;
        }
        let read: Vec<_> = at.members().map(|(key, value)| (key.text(), self.predicate_result(value))).collect();
        read.into_iter().map(|(key, result)| Some((key?.into(), result?))).collect()
    }

    fn predicate_result(&mut self, at: Value<'_>) -> Option<PredicateResult> {
        let result = match (at.kind(), at.written(), at.text()) {
            (Kind::Boolean, "true", _) => Some(PredicateResult::True),
            (Kind::Boolean, ..) => Some(PredicateResult::False),
            (.., Some("unknown")) => Some(PredicateResult::Unknown),
            _ => None,
        };
        if result.is_none() {
            let found = quote(at.text().unwrap_or(at.written()));
            let message = format!("expected true, false or `unknown`, found {found}");
            self.report(ProblemCode::ValueNotAllowed, at, message);
        }
        result
    }
}
