//! What an envelope is built of: each part with what it must have.

use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;

use crate::choice::{Decision, SideEffectsMode, Status};
use crate::envelope::{Evidence, GuardEval, Remedy, Tool};
use crate::hash::Sha256Hash;
use crate::id::{GuardId, RemedyKind, StateId, ToolName};
use crate::path::EvidencePath;
use crate::reason::{FailureReasonCode, PolicyReasonCode, ReasonCodeError};
use crate::spec::{SideEffects, Transition};

/// The code of a failure: a [`FailureReasonCode`] other than `NONE` (M-11).
///
/// ```
/// use dome_core::{ReasonCodeError, build::FailedCode};
/// assert!(FailedCode::new("TESTS_FAILED").is_ok());
/// assert_eq!(FailedCode::new("NONE"), Err(ReasonCodeError::NothingFailed));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCode(FailureReasonCode);

impl FailedCode {
    /// Takes `text` as the code of a failure.
    ///
    /// # Errors
    ///
    /// When `text` breaks M-04, or is `NONE`.
    pub fn new(text: impl AsRef<str>) -> Result<Self, ReasonCodeError> {
        FailureReasonCode::new(text)?.try_into()
    }
}

impl FailedCode {
    /// A code that stands in a program; see [`FailureReasonCode::constant`].
    ///
    /// # Panics
    ///
    /// When it is called at run time with a text that breaks M-04 or is `NONE`.
    #[must_use]
    pub const fn constant(text: &'static str) -> Self {
        Self(FailureReasonCode::constant(text))
    }
}

impl TryFrom<FailureReasonCode> for FailedCode {
    type Error = ReasonCodeError;

    fn try_from(code: FailureReasonCode) -> Result<Self, ReasonCodeError> {
        if code.is_none() { Err(ReasonCodeError::NothingFailed) } else { Ok(Self(code)) }
    }
}

impl From<FailedCode> for FailureReasonCode {
    fn from(code: FailedCode) -> Self {
        code.0
    }
}

impl FromStr for FailedCode {
    type Err = ReasonCodeError;

    fn from_str(text: &str) -> Result<Self, ReasonCodeError> {
        Self::new(text)
    }
}

impl fmt::Display for FailedCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl Evidence {
    /// Evidence that can be found at a path or URI.
    #[must_use]
    pub const fn at(path: EvidencePath) -> Self {
        Self { bytes: None, path: Some(path), sha256: None }
    }

    /// Evidence with this content.
    #[must_use]
    pub const fn of(sha256: Sha256Hash) -> Self {
        Self { bytes: None, path: None, sha256: Some(sha256) }
    }

    /// With the digest of its content.
    #[must_use]
    pub fn with_sha256(self, sha256: Sha256Hash) -> Self {
        Self { sha256: Some(sha256), ..self }
    }

    /// With its size in bytes.
    #[must_use]
    pub fn with_bytes(self, bytes: u64) -> Self {
        Self { bytes: Some(bytes), ..self }
    }
}

impl Remedy {
    /// A remedy that can be found at a path or URI.
    #[must_use]
    pub const fn at(kind: RemedyKind, reference: EvidencePath) -> Self {
        Self { kind, reference: Some(reference), sha256: None, summary: None }
    }

    /// A remedy with this content.
    #[must_use]
    pub const fn of(kind: RemedyKind, sha256: Sha256Hash) -> Self {
        Self { kind, reference: None, sha256: Some(sha256), summary: None }
    }

    /// With a sentence for people: 1 to 280 bytes, no control characters.
    #[must_use]
    pub fn with_summary(self, summary: impl AsRef<str>) -> Self {
        Self { summary: Some(CompactString::from(summary.as_ref())), ..self }
    }
}

impl Tool {
    /// A tool with its name and version.
    #[must_use]
    pub fn new(name: ToolName, version: impl AsRef<str>) -> Self {
        Self { config_sha256: None, name, version: CompactString::from(version.as_ref()) }
    }

    /// With the digest of its configuration.
    #[must_use]
    pub fn with_config(self, sha256: Sha256Hash) -> Self {
        Self { config_sha256: Some(sha256), ..self }
    }
}

impl GuardEval {
    /// A guard that was asked, and how that ended.
    #[must_use]
    pub const fn new(guard_id: GuardId, status: Status) -> Self {
        Self { decision: None, evidence_refs: Vec::new(), guard_id, reason_codes: Vec::new(), status }
    }

    /// With what it decided, and why.
    #[must_use]
    pub fn decided(self, decision: Decision, why: impl IntoIterator<Item = PolicyReasonCode>) -> Self {
        Self { decision: Some(decision), reason_codes: why.into_iter().collect(), ..self }
    }

    /// With something that it looked at.
    #[must_use]
    pub fn seen(mut self, evidence: impl AsRef<str>) -> Self {
        self.evidence_refs.push(CompactString::from(evidence.as_ref()));
        self
    }
}

impl SideEffects {
    /// What a task may touch, without lists.
    #[must_use]
    pub const fn new(mode: SideEffectsMode) -> Self {
        Self { allow_commands: None, allow_domains: None, allow_paths: None, mode }
    }
}

impl Transition {
    /// From one state to another.
    #[must_use]
    pub const fn new(from_state: StateId, to_state: StateId) -> Self {
        Self { from_state, to_state, transition_id: None }
    }
}
