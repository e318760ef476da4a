//! What each pattern is bound to: its steps as TaskSpecs, and the codes that they can give (data in
//! `docs/patterns`).

use std::collections::BTreeMap;

use compact_str::CompactString;
use dome_core::json::{Tape, TextProblem, read};
use dome_core::{
    ActionKind, CodeClass, CodeEntry, CodeTable, FailureReasonCode, PolicyReasonCode, Scope, TargetId, TargetKind,
    TaskLine,
};
use serde::Deserialize;

/// A pattern's binding, as its document in `docs/patterns` says it.
///
/// ```
/// use dome_patterns::Pattern;
/// let pattern = Pattern::secure_map_reduce()?;
/// let line = pattern.step("map")?.line("trial-7".parse()?);
/// assert_eq!((line.target_kind.as_str(), line.action_kind.as_str()), ("map_item", "map"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// Which pattern.
    pub pattern: CompactString,
    /// The version of its document.
    pub pattern_version: CompactString,
    /// Its steps by their names.
    pub steps: BTreeMap<CompactString, Step>,
}

/// One step of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How far the step reaches.
    pub scope: Scope,
    /// What kind of thing it works on.
    pub target_kind: TargetKind,
    /// What it does.
    pub action_kind: ActionKind,
    /// What can go wrong.
    pub failure_reason_codes: BTreeMap<FailureReasonCode, CodeMeaning>,
    /// What can be denied.
    pub policy_reason_codes: BTreeMap<PolicyReasonCode, CodeMeaning>,
}

/// What a code means.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeMeaning {
    /// Its class.
    pub class: CodeClass,
    /// One line.
    pub meaning: String,
}

/// Why a document is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// It is not JSON as dome reads it.
    #[error("not a pattern: {0}")]
    Text(#[from] TextProblem),
    /// It is not the document that is expected.
    #[error("not a pattern: {0}")]
    Document(String),
    /// It is about another pattern, or of another version.
    #[error("expected the pattern `{expected}`, version 1")]
    Other {
        /// The pattern that is expected.
        expected: &'static str,
    },
    /// It has no step of this name.
    #[error("the pattern has no step `{0}`")]
    Step(String),
}

impl Pattern {
    /// The document of secure map-reduce.
    pub const SECURE_MAP_REDUCE: &str = include_str!("../../docs/patterns/secure-map-reduce.json");
    /// The document of the memory layers.
    pub const MEMORY_LAYERS: &str = include_str!("../../docs/patterns/memory-layers.json");

    /// The binding of secure map-reduce: steps `map` and `reduce`.
    ///
    /// # Errors
    ///
    /// None for the document that ships; see [`Pattern::parse`].
    pub fn secure_map_reduce() -> Result<Self, PatternError> {
        Self::named("secure_map_reduce", Self::SECURE_MAP_REDUCE)
    }

    /// The binding of the memory layers: steps `write`, `promote` and `revalidate`.
    ///
    /// # Errors
    ///
    /// None for the document that ships; see [`Pattern::parse`].
    pub fn memory_layers() -> Result<Self, PatternError> {
        Self::named("memory_layers", Self::MEMORY_LAYERS)
    }

    fn named(expected: &'static str, document: &str) -> Result<Self, PatternError> {
        let pattern = Self::parse(document)?;
        let right = pattern.pattern == expected && pattern.pattern_version == "1";
        if right { Ok(pattern) } else { Err(PatternError::Other { expected }) }
    }

    /// Reads a binding, for who binds a pattern to kinds of their own.
    ///
    /// # Errors
    ///
    /// [`PatternError::Text`] when it is not JSON as dome reads it, [`PatternError::Document`] when it
    /// has another shape, or a kind or a code is none (M-03, M-04).
    pub fn parse(document: &str) -> Result<Self, PatternError> {
        read(document, &mut Tape::default())?;
        serde_json::from_str(document).map_err(|why| PatternError::Document(why.to_string()))
    }

    /// One step.
    ///
    /// # Errors
    ///
    /// [`PatternError::Step`] when the pattern has none of this name.
    pub fn step(&self, name: &str) -> Result<&Step, PatternError> {
        self.steps.get(name).ok_or_else(|| PatternError::Step(name.to_owned()))
    }

    /// The codes of all steps as a table that `dome replay --reason-codes` takes (M-90).
    #[must_use]
    pub fn code_table(&self) -> CodeTable {
        let entry = |text: &str, meaning: &CodeMeaning| (text.into(), CodeEntry { class: meaning.class });
        let codes = self.steps.values().flat_map(|step| {
            let failures = step.failure_reason_codes.iter().map(move |(code, meaning)| entry(code.as_str(), meaning));
            failures.chain(step.policy_reason_codes.iter().map(move |(code, meaning)| entry(code.as_str(), meaning)))
        });
        let restart = |class: CodeClass| match class {
            CodeClass::Stop => "STOP",
            CodeClass::Structural => "REITERATE_FROM_LAST_GOOD",
            CodeClass::Repairable | CodeClass::Advisory => "REITERATE_FROM_CANDIDATE",
        };
        let precedence = [CodeClass::Stop, CodeClass::Structural, CodeClass::Repairable, CodeClass::Advisory];
        CodeTable {
            classes_precedence: precedence.to_vec(),
            codes: codes.collect(),
            restart_mode_by_class: precedence.into_iter().map(|class| (class, restart(class).into())).collect(),
            schema_version: "0.1".into(),
            version: "0.1".into(),
        }
    }
}

impl Step {
    /// The task line of this step on one target (M-20).
    #[must_use]
    pub fn line(&self, target_id: TargetId) -> TaskLine {
        TaskLine {
            scope: self.scope,
            target_kind: self.target_kind.clone(),
            target_id,
            action_kind: self.action_kind.clone(),
        }
    }
}
