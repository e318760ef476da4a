//! An envelope that is being built.

use std::marker::PhantomData;

use super::parts::FailedCode;
use super::signal::{Anomaly, Denial, Failure, MayFail, NotDenied, NotFailure, Observation, SignalType, Success};
use crate::choice::{Status, WrapperPolicy};
use crate::envelope::{Envelope, EnvelopeVersion, Evidence, Gate, GuardEval, Remedy, Tool};
use crate::hash::Sha256Hash;
use crate::id::{EventId, GateId, GroupId, Lane, RunId, TaskId};
use crate::ingress::read;
use crate::map::StringMap;
use crate::problem::Rejection;
use crate::reason::{FailureReasonCode, PolicyReasonCode};
use crate::spec::{Action, SideEffects, Target, TaskLine, TaskSpec, Transition};
use crate::time::Timestamp;

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
#[must_use = "a draft comes to nothing until `build`"]
pub struct Draft<S> {
    envelope: Envelope,
    /// As they were given: of two with one name the last one stays.
    maps: Maps,
    signal: PhantomData<S>,
}

#[derive(Clone, Debug, Default)]
struct Maps {
    env: Vec<(String, String)>,
    labels: Vec<(String, String)>,
    versions: Vec<(String, String)>,
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

    /// What was done that made it work.
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
    /// The stream of work: a branch, a pull request, a worktree.
    lane: Lane => lane;
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
            task_id: origin.task_id,
            task_spec,
            tool: None,
            ts: origin.ts,
            wrapper_policy: origin.wrapper_policy,
        };
        Self { envelope, maps: Maps::default(), signal: PhantomData }
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
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.maps.env.push((key.into(), value.into()));
        self
    }

    /// Something that is kept on the fact and never part of a key.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.maps.labels.push((key.into(), value.into()));
        self
    }

    /// The version of something that took part, such as a data set or a model.
    pub fn version(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.maps.versions.push((key.into(), value.into()));
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
    pub fn build(self) -> Result<Envelope, Rejection> {
        let Self { mut envelope, maps, .. } = self;
        envelope.env = maps.env.into_iter().collect();
        envelope.labels = maps.labels.into_iter().collect();
        envelope.task_spec.versions = (!maps.versions.is_empty()).then(|| maps.versions.into_iter().collect());
        // Reading is the only judge: what it would refuse is not built, and what it takes is canonical.
        read(&serde_json::to_vec(&envelope).unwrap_or_default())
    }
}
