//! Building an envelope from code (section 2): what the types allow is right, the rest is checked.
//!
//! A [`Draft`] is begun by the constructor of its signal, which asks for what that signal needs: a
//! failure for a [`FailedCode`], which is never `NONE`; a denial for a [`PolicyReasonCode`]; each
//! for a first piece of evidence. A success takes a remedy and no gate that failed; a failure takes
//! the remedy that was tried in vain.
//! Limits and uniqueness are left to [`Draft::build`], which names every problem as [`crate::read`]
//! does.
//!
//! ```
//! use dome_core::build::{Draft, FailedCode, Origin};
//! use dome_core::{Evidence, EvidencePath, Scope, Tool, WrapperPolicy, read};
//!
//! let origin = Origin {
//!     event_id: "e1".parse()?,
//!     sequence: 1,
//!     run_id: "nightly-7".parse()?,
//!     task_id: "unit".parse()?,
//!     group_id: "try-1".parse()?,
//!     ts: "2026-02-15T03:04:05Z".parse()?,
//!     wrapper_policy: WrapperPolicy::Strict,
//! };
//! let work = dome_core::TaskLine {
//!     scope: Scope::Task,
//!     target_kind: "repo".parse()?,
//!     target_id: "acme/app".parse()?,
//!     action_kind: "test".parse()?,
//! };
//! let log = Evidence::at(EvidencePath::new("runs/7/log.txt")?);
//! let envelope = Draft::failure(origin, work, FailedCode::new("TESTS_FAILED")?, log)
//!     .failed("unit".parse()?)
//!     .tool(Tool::new("pytest".parse()?, "8.3.2"))
//!     .message("assert 1 == 2")
//!     .build()?;
//! assert_eq!(read(envelope.to_line().as_bytes())?, envelope);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a signal does not have does not compile:
//!
//! ```compile_fail,E0599
//! # fn f(draft: dome_core::build::Draft<dome_core::build::Success>, gate: dome_core::GateId) {
//! draft.failed(gate); // a success has no failed gate
//! # }
//! ```
//!
//! ```compile_fail,E0599
//! # fn f(draft: dome_core::build::Draft<dome_core::build::Denial>, remedy: dome_core::Remedy) {
//! draft.remedy(remedy); // what was denied was not mended, and nothing was tried
//! # }
//! ```

use std::marker::PhantomData;

use compact_str::CompactString;

use crate::choice::{Decision, Signal, Status, WrapperPolicy};
use crate::envelope::{
    Action, Envelope, EnvelopeVersion, Evidence, Gate, GuardEval, Remedy, SideEffects, Subject, Target, TaskLine,
    TaskSpec, Tool, Transition,
};
use crate::hash::Sha256Hash;
use crate::id::{EventId, EvidencePath, GateId, GroupId, GuardId, Lane, RemedyKind, RunId, TaskId, ToolName};
use crate::ingress::read;
use crate::map::StringMap;
use crate::problem::Rejection;
use crate::reason::{FailureReasonCode, PolicyReasonCode, ReasonCodeError};
use crate::time::Timestamp;

/// A signal as a type.
pub trait SignalType: sealed::Sealed {
    /// The word that it stands for.
    const SIGNAL: Signal;
}

/// A signal beside which a gate may have failed: all but a success.
pub trait MayFail: SignalType {}

/// A signal beside which a remedy may stand: a success or a failure.
pub trait MayBeMended: SignalType {}

/// A signal whose `failure_reason_code` may be `NONE`: all but a failure.
pub trait NotFailure: SignalType {}

/// A signal whose `policy_reason_code` is optional: all but a denial.
pub trait NotDenied: SignalType {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! signals {
    ($($(#[$docs:meta])* $name:ident: $($may:ident)*;)*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {}

        impl sealed::Sealed for $name {}

        impl SignalType for $name {
            const SIGNAL: Signal = Signal::$name;
        }

        $(impl $may for $name {})*
    )*};
}

signals! {
    /// Something went wrong.
    Failure: MayFail MayBeMended NotDenied;
    /// A guard or a policy did not allow it.
    Denial: MayFail NotFailure;
    /// It worked.
    Success: MayBeMended NotFailure NotDenied;
    /// Something unusual, neither failed nor succeeded.
    Anomaly: MayFail NotFailure NotDenied;
    /// Seen, nothing more.
    Observation: MayFail NotFailure NotDenied;
}

/// Which outcome of which task of which run it is, and when (section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Unique in its run.
    pub event_id: EventId,
    /// The order of events in their run, from 1 to 2^53 - 1.
    pub sequence: u64,
    /// The run.
    pub run_id: RunId,
    /// The task inside the run.
    pub task_id: TaskId,
    /// One outcome of the task: a retry is another one.
    pub group_id: GroupId,
    /// When.
    pub ts: Timestamp,
    /// What the wrapper lets mint.
    pub wrapper_policy: WrapperPolicy,
}

/// An envelope of the signal `S` that is being built. See [`crate::build`].
#[derive(Clone, Debug)]
#[must_use = "a draft does nothing until `build`"]
pub struct Draft<S> {
    envelope: Envelope,
    signal: PhantomData<S>,
}

impl Draft<Failure> {
    /// Something went wrong: what, and where that can be seen.
    pub fn failure(origin: Origin, work: TaskLine, code: FailedCode, evidence: Evidence) -> Self {
        Self::begin(origin, work, code.into(), evidence)
    }
}

impl Draft<Denial> {
    /// A guard or a policy did not allow it: why. `failure_reason_code` stays `NONE` unless it is set.
    pub fn denial(origin: Origin, work: TaskLine, why: PolicyReasonCode, evidence: Evidence) -> Self {
        let mut draft = Self::begin(origin, work, FailureReasonCode::none(), evidence);
        draft.envelope.policy_reason_code = Some(why);
        draft
    }
}

impl Draft<Success> {
    /// It worked.
    pub fn success(origin: Origin, work: TaskLine, evidence: Evidence) -> Self {
        Self::begin(origin, work, FailureReasonCode::none(), evidence)
    }
}

impl<S: MayBeMended> Draft<S> {
    /// What was done that made it work; what was tried in vain, on a failure.
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.envelope.remedy = Some(remedy);
        self
    }
}

impl Draft<Anomaly> {
    /// Something unusual, neither failed nor succeeded.
    pub fn anomaly(origin: Origin, work: TaskLine, evidence: Evidence) -> Self {
        Self::begin(origin, work, FailureReasonCode::none(), evidence)
    }
}

impl Draft<Observation> {
    /// Seen, nothing more.
    pub fn observation(origin: Origin, work: TaskLine, evidence: Evidence) -> Self {
        Self::begin(origin, work, FailureReasonCode::none(), evidence)
    }
}

impl<S: MayFail> Draft<S> {
    /// A gate that failed.
    pub fn failed(self, gate: GateId) -> Self {
        self.gate(gate, Status::Fail)
    }
}

impl<S: NotFailure> Draft<S> {
    /// What went wrong beside it, if something did.
    pub fn failure_reason_code(mut self, code: FailureReasonCode) -> Self {
        self.envelope.task_spec.failure_reason_code = code;
        self
    }
}

impl<S: NotDenied> Draft<S> {
    /// What was not allowed beside it, if something was not.
    pub fn policy_reason_code(mut self, code: PolicyReasonCode) -> Self {
        self.envelope.policy_reason_code = Some(code);
        self
    }
}

macro_rules! optional {
    ($($(#[$docs:meta])* $name:ident: $type:ty => $($member:ident).+;)*) => {
        impl<S: SignalType> Draft<S> {
            $($(#[$docs])*
            pub fn $name(mut self, $name: $type) -> Self {
                self.envelope.$($member).+ = Some($name.into());
                self
            })*
        }
    };
}

optional! {
    /// The line of development: a branch, a pull request, a worktree.
    lane: Lane => lane;
    /// What was tested.
    subject: Subject => subject;
    /// Whether nothing more was tried; not on a success.
    abandoned: bool => abandoned;
    /// The tool that produced the outcome.
    tool: Tool => tool;
    /// How many attempts it took, 1 to 10^6.
    attempts: u64 => attempts;
    /// How long it took, in milliseconds.
    duration_ms: u64 => duration_ms;
    /// The failure's own text, at most 65,536 bytes.
    message: impl Into<String> => message;
    /// The derived key of a prior that this task applied.
    applied_capsule: Sha256Hash => applied_capsule;
    /// What the task may touch.
    side_effects: SideEffects => task_spec.side_effects;
    /// The transition of the owner's state machine that the task is.
    transition: Transition => task_spec.transition;
}

impl<S: SignalType> Draft<S> {
    fn begin(origin: Origin, work: TaskLine, code: FailureReasonCode, evidence: Evidence) -> Self {
        let TaskLine { scope, target_kind, target_id, action_kind } = work;
        let task_spec = TaskSpec {
            action: Action { kind: action_kind },
            failure_reason_code: code,
            scope,
            side_effects: None,
            target: Target { id: target_id, kind: target_kind },
            transition: None,
            versions: None,
        };
        let envelope = Envelope {
            abandoned: None,
            applied_capsule: None,
            attempts: None,
            duration_ms: None,
            env: StringMap::default(),
            envelope_version: EnvelopeVersion::V1,
            event_id: origin.event_id,
            evidence: vec![evidence],
            gates: Vec::new(),
            group_id: origin.group_id,
            guard_evals: Vec::new(),
            labels: StringMap::default(),
            lane: None,
            message: None,
            policy_reason_code: None,
            remedy: None,
            run_id: origin.run_id,
            sequence: origin.sequence,
            signal: S::SIGNAL,
            subject: None,
            task_id: origin.task_id,
            task_spec,
            tool: None,
            ts: origin.ts,
            wrapper_policy: origin.wrapper_policy,
        };
        Self { envelope, signal: PhantomData }
    }

    fn gate(mut self, gate_id: GateId, status: Status) -> Self {
        self.envelope.gates.push(Gate { gate_id, status });
        self
    }

    /// A gate that passed. A gate stands once.
    pub fn passed(self, gate: GateId) -> Self {
        self.gate(gate, Status::Pass)
    }

    /// A gate that did not apply.
    pub fn skipped(self, gate: GateId) -> Self {
        self.gate(gate, Status::Skip)
    }

    /// A guard that was asked. A guard stands once.
    pub fn guard(mut self, evaluation: GuardEval) -> Self {
        self.envelope.guard_evals.push(evaluation);
        self
    }

    /// One more piece of evidence; at most 256 in all.
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.envelope.evidence.push(evidence);
        self
    }

    /// Something about where it ran: `os`, `arch`, `runtime` and `env_class` tell failures apart.
    pub fn env(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.envelope.env.insert(key.as_ref(), value.as_ref());
        self
    }

    /// Something that is kept on the fact and never part of a key.
    pub fn label(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.envelope.labels.insert(key.as_ref(), value.as_ref());
        self
    }

    /// The version of something that took part, such as a data set or a model.
    pub fn version(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let versions = self.envelope.task_spec.versions.get_or_insert_default();
        versions.insert(key.as_ref(), value.as_ref());
        self
    }

    /// The envelope, canonical (M-40).
    ///
    /// ```
    /// # use dome_core::{ProblemCode, build::Draft, build::Failure};
    /// # fn f(draft: Draft<Failure>) {
    /// let rejection = draft.attempts(0).build().unwrap_err();
    /// assert_eq!(rejection.problems()[0].code, ProblemCode::OutOfRange);
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What types cannot show, with the codes and pointers of [`crate::read`] (M-30): `sequence`,
    /// `attempts`, `duration_ms` or `bytes` out of range, too many entries, a gate, a guard or an
    /// `env` key twice, a message or a summary of the wrong length, evidence or a remedy put together
    /// by hand without `path` and `sha256`, a line that is too long. Entries are numbered as given.
    #[expect(
        clippy::expect_used,
        reason = "an envelope has no map whose keys are not strings, nor anything that fails"
    )]
    pub fn build(self) -> Result<Envelope, Rejection> {
        let written = serde_json::to_vec(&self.envelope).expect("an envelope is JSON");
        // Reading is the only judge: what it would refuse is not built, and what it takes is canonical.
        read(&written)
    }
}

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

impl std::fmt::Display for FailedCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
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
}
