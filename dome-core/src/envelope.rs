//! The wrapper envelope: one record per outcome (section 2), in its canonical form (M-40), and its
//! TaskSpec: what was being worked on, and what went wrong with it (section 3).

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::choice::{Decision, Scope, SideEffectsMode, Signal, Status, WrapperPolicy};
use crate::hash::Sha256Hash;
use crate::id::{
    ActionKind, EventId, EvidencePath, GateId, GroupId, GuardId, Job, Lane, RemedyKind, Repository, Revision, RunId,
    StateId, TargetId, TargetKind, TaskId, ToolName,
};
use crate::map::StringMap;
use crate::reason::{FailureReasonCode, PolicyReasonCode};
use crate::time::Timestamp;

/// One outcome of one task, valid and canonical: aliases resolved, defaults filled in, sets
/// sorted (M-40). Get one from [`crate::read`], [`crate::Reader`] or a [`crate::build::Draft`].
///
/// `#[non_exhaustive]`: an envelope can be read and looked at, but not put together by hand, so
/// that every one there is has passed every rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Envelope {
    /// Whether work on the task line ended here, in its lane and job, with this outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abandoned: Option<bool>,
    /// The derived key of a prior that this task applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_capsule: Option<Sha256Hash>,
    /// How many attempts it took, 1 to 10^6.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1_000_000)))]
    pub attempts: Option<u64>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Where it ran, as given.
    pub env: StringMap,
    /// The version of this document.
    pub envelope_version: EnvelopeVersion,
    /// Unique in its run.
    pub event_id: EventId,
    /// What the outcome can be checked against; at least one.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 256)))]
    pub evidence: Vec<Evidence>,
    /// The checks, sorted by `gate_id`.
    #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
    pub gates: Vec<Gate>,
    /// One outcome of the task in the run.
    pub group_id: GroupId,
    /// The guards asked, sorted by `guard_id`.
    #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
    pub guard_evals: Vec<GuardEval>,
    /// Kept on the fact, never part of a key.
    pub labels: StringMap,
    /// The line of development.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
    /// The failure's own text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 65_536)))]
    pub message: Option<String>,
    /// What was not allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_reason_code: Option<PolicyReasonCode>,
    /// What was done, on a success; what was tried in vain, on a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// The run.
    pub run_id: RunId,
    /// The order of events in their run, from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 9_007_199_254_740_991_u64)))]
    pub sequence: u64,
    /// What the outcome says.
    pub signal: Signal,
    /// What was tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// The task.
    pub task_id: TaskId,
    /// What was worked on and what went wrong.
    pub task_spec: TaskSpec,
    /// The tool that produced the outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// When.
    pub ts: Timestamp,
    /// What the wrapper lets mint.
    pub wrapper_policy: WrapperPolicy,
}

/// `envelope_version`: there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum EnvelopeVersion {
    /// Version 1.
    #[serde(rename = "1")]
    V1,
}

impl EnvelopeVersion {
    /// The version as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1",
        }
    }
}

/// `subject`: what was tested. It is part of the fact, and of no key.
///
/// ```
/// use dome_core::Subject;
/// let subject = Subject::new("46ea5e0".parse()?);
/// assert_eq!((subject.dirty, subject.job), (None, None));
/// # Ok::<(), dome_core::IdentifierError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Subject {
    /// What the revision was branched from or merged into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_revision: Option<Revision>,
    /// Whether the revision does not say all that was tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// Which leg of a matrix: what is told apart on purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    /// Where the revision is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
    /// A commit, an image digest, a version.
    pub revision: Revision,
}

impl Subject {
    /// A revision of which nothing more is said.
    #[must_use]
    pub const fn new(revision: Revision) -> Self {
        Self { base_revision: None, dirty: None, job: None, repository: None, revision }
    }
}

/// One entry of `gates`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gate {
    /// Which check.
    pub gate_id: GateId,
    /// How it ended.
    pub status: Status,
}

/// One entry of `guard_evals`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuardEval {
    /// What the guard decided, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// What it looked at: a set, sorted.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>", length(max = 1024)))]
    pub evidence_refs: Vec<CompactString>,
    /// Which guard.
    pub guard_id: GuardId,
    /// Why: a set, sorted.
    #[cfg_attr(feature = "schema", schemars(length(max = 1024)))]
    pub reason_codes: Vec<PolicyReasonCode>,
    /// How the evaluation ended.
    pub status: Status,
}

impl GuardEval {
    /// Whether the guard decided `DENY` or `STOP`.
    #[must_use]
    pub fn denies(&self) -> bool {
        self.decision.is_some_and(Decision::denies)
    }
}

/// `tool`: what produced the outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tool {
    /// The digest of its configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_sha256: Option<Sha256Hash>,
    /// Its name.
    pub name: ToolName,
    /// Its version, as given.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub version: CompactString,
}

/// `remedy`: what was done that made it work.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Remedy {
    /// What kind of thing it is.
    pub kind: RemedyKind,
    /// Where it can be found.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<EvidencePath>,
    /// Its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Hash>,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", length(min = 1, max = 280)))]
    pub summary: Option<CompactString>,
}

/// One entry of `evidence`: a path, a digest, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Where it can be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<EvidencePath>,
    /// Its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Hash>,
}

impl Envelope {
    /// Whether the outcome is a failure or a gate failed (M-72).
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.signal == Signal::Failure || self.failed_gates().next().is_some()
    }

    /// Whether the outcome is a success (M-72).
    #[must_use]
    pub fn is_succeeding(&self) -> bool {
        self.signal == Signal::Success
    }

    /// The gates that failed, sorted.
    pub fn failed_gates(&self) -> impl Iterator<Item = &GateId> {
        let failed = |gate: &&Gate| gate.status == Status::Fail;
        self.gates.iter().filter(failed).map(|gate| &gate.gate_id)
    }

    /// The canonical bytes (M-01, M-40; RFC 8785).
    ///
    /// ```
    /// # let line = dome_core::EXAMPLE_LINE;
    /// let envelope = dome_core::read(line)?;
    /// let bytes = envelope.to_canonical();
    /// assert_eq!(dome_core::read(&bytes)?.to_canonical(), bytes);
    /// # Ok::<(), dome_core::Rejection>(())
    /// ```
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1_024);
        self.write_canonical(&mut bytes);
        bytes
    }

    /// One line of JSON Lines, without its end: the canonical bytes as text.
    #[must_use]
    #[expect(clippy::expect_used, reason = "strings are written as they are, and all else is ASCII")]
    pub fn to_line(&self) -> String {
        String::from_utf8(self.to_canonical()).expect("canonical bytes are UTF-8")
    }

    /// Appends the canonical bytes to `bytes`.
    pub fn write_canonical(&self, bytes: &mut Vec<u8>) {
        canonical::append(self, bytes);
    }

    /// The digest: SHA-256 over the canonical bytes (M-40).
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        canonical::digest(self)
    }
}

/// The kinds of remedies that get one task over a failure (M-78).
pub const MOMENTARY_KINDS: [&str; 10] = [
    "rerun",
    "retry",
    "wait",
    "call_first",
    "edit_argument",
    "substitute",
    "reformat",
    "set_env",
    "change_dir",
    "install",
];

impl Remedy {
    /// What two uses of one remedy have in common: its `kind` with its `sha256`, or with its `ref`
    /// if it has none (section 2, M-83).
    #[must_use]
    pub fn identity(&self) -> Sha256Hash {
        #[derive(Serialize)]
        struct RemedyIdentity<'r> {
            kind: &'r RemedyKind,
            #[serde(skip_serializing_if = "Option::is_none")]
            r#ref: Option<&'r EvidencePath>,
            #[serde(skip_serializing_if = "Option::is_none")]
            sha256: Option<Sha256Hash>,
        }
        let reference = self.reference.as_ref().filter(|_| self.sha256.is_none());
        canonical::digest(&RemedyIdentity { kind: &self.kind, r#ref: reference, sha256: self.sha256 })
    }

    /// Whether it only gets one task over a failure, and promises nothing for the next (M-78).
    ///
    /// ```
    /// use dome_core::Remedy;
    /// let remedy = |kind: &str| Remedy {
    ///     kind: kind.parse().unwrap(),
    ///     reference: Some("recipes/one".parse().unwrap()),
    ///     sha256: None,
    ///     summary: None,
    /// };
    /// assert!(remedy("rerun").is_momentary() && !remedy("patch").is_momentary());
    /// assert!(Remedy::rerun().is_momentary());
    /// ```
    #[must_use]
    pub fn is_momentary(&self) -> bool {
        MOMENTARY_KINDS.contains(&self.kind.as_str())
    }

    /// What only comes again to what failed, at the same subject (M-83).
    #[must_use]
    #[expect(clippy::expect_used, reason = "both are what M-03 and M-12 ask for")]
    pub fn rerun() -> Self {
        let (kind, reference) = ("rerun".parse().expect("a token"), "rerun/same-subject".parse().expect("a path"));
        Self { kind, reference: Some(reference), sha256: None, summary: None }
    }
}

/// What a task works on, what it does, and what went wrong (section 3).
///
/// Members stand in canonical order, here as in every hashed type: serialised, they are RFC 8785
/// bytes without sorting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskSpec {
    /// What is done.
    pub action: Action,
    /// What went wrong; `NONE` where nothing did.
    pub failure_reason_code: FailureReasonCode,
    /// How far the task reaches.
    pub scope: Scope,
    /// What the task may touch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side_effects: Option<SideEffects>,
    /// What is worked on.
    pub target: Target,
    /// The transition of the owner's state machine that the task is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
    /// Versions of what took part, such as a data set or a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<StringMap>,
}

/// `action` of a [`TaskSpec`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Action {
    /// What kind of thing is done.
    pub kind: ActionKind,
}

/// `target` of a [`TaskSpec`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// Which one.
    pub id: TargetId,
    /// What kind of thing it is.
    pub kind: TargetKind,
}

/// `side_effects` of a [`TaskSpec`]. The `allow_*` lists are sets: sorted, without repeats (M-40).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SideEffects {
    /// Commands that may be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>", length(max = 1024)))]
    pub allow_commands: Option<Vec<CompactString>>,
    /// Domains that may be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>", length(max = 1024)))]
    pub allow_domains: Option<Vec<CompactString>>,
    /// Paths that may be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>", length(max = 1024)))]
    pub allow_paths: Option<Vec<CompactString>>,
    /// How much is allowed.
    pub mode: SideEffectsMode,
}

/// `transition` of a [`TaskSpec`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transition {
    /// The state before.
    pub from_state: StateId,
    /// The state after.
    pub to_state: StateId,
    /// The transition's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_id: Option<StateId>,
}

/// The task line of a spec: what is being worked on, whatever fails (M-20).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskLine {
    /// How far the task reaches.
    pub scope: Scope,
    /// What kind of thing is worked on.
    pub target_kind: TargetKind,
    /// Which one.
    pub target_id: TargetId,
    /// What is done.
    pub action_kind: ActionKind,
}

impl TaskSpec {
    /// The task line that this spec belongs to (M-20).
    #[must_use]
    pub fn line(&self) -> TaskLine {
        TaskLine {
            scope: self.scope,
            target_kind: self.target.kind.clone(),
            target_id: self.target.id.clone(),
            action_kind: self.action.kind.clone(),
        }
    }
}
