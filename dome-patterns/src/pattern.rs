//! What the steps of the patterns are about, what they can fail or be denied with, and their envelopes.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::str::FromStr;

use dome_core::build::{Draft, FailedCode, Origin, SignalType};
use dome_core::{
    Decision, Envelope, Evidence, GuardEval, Lane, PolicyReasonCode, Rejection, RunId, Scope, Sha256Hash, Status,
    Subject, TargetId, TaskLine, Timestamp, Tool, WrapperPolicy,
};

use crate::limits;

/// Declares codes of one kind: each variant with the code that it stands for and what that means.
macro_rules! codes {
    ($(#[$docs:meta])* $name:ident: $typed:ident { $($variant:ident = $code:literal, $meaning:literal;)* }) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, thiserror::Error)]
        pub enum $name {
            $(
                #[doc = concat!("`", $code, "`: ", $meaning, ".")]
                #[serde(rename = $code)]
                #[error($code)]
                $variant,
            )*
        }

        impl $name {
            /// Every code. Of several that hold, the first one decides.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as a value of dome.
            #[must_use]
            pub fn code(self) -> $typed {
                match self {
                    $(Self::$variant => const { $typed::constant($code) },)*
                }
            }
        }
    };
}

codes! {
    /// What can fail in a pattern.
    ///
    /// ```
    /// use dome_patterns::PatternFailure;
    /// assert_eq!(PatternFailure::ItemMismatch.code().to_string(), "MAP.ITEM_MISMATCH");
    /// ```
    ///
    /// A failure is never a denial (M-04):
    ///
    /// ```compile_fail,E0308
    /// let denied: dome_core::PolicyReasonCode = dome_patterns::PatternFailure::WorkerLost.code();
    /// ```
    PatternFailure: FailedCode {
        WorkerLost = "MAP.WORKER_LOST", "nothing was heard of the worker";
        UndeclaredEffect = "MAP.UNDECLARED_EFFECT", "the worker did, or tried, what its tool does not declare";
        WorkerTimeout = "MAP.WORKER_TIMEOUT", "the worker took longer than it may";
        WorkerFailed = "MAP.WORKER_FAILED", "the worker ended with an error or was killed";
        ToolFailed = "MAP.TOOL_FAILED", "the tool reported a failure that it declares";
        AnswerInvalid = "MAP.ANSWER_INVALID", "what the worker wrote is no answer of its tool";
        OutputTooLarge = "MAP.OUTPUT_TOO_LARGE", "the output has more bytes than it may";
        OutputMissing = "MAP.OUTPUT_MISSING", "the worker wrote nothing";
        OutputNotJson = "MAP.OUTPUT_NOT_JSON", "the output is not one JSON value in UTF-8";
        OutputTooDeep = "MAP.OUTPUT_TOO_DEEP", "the output nests deeper than any contract can";
        OutputDuplicateMember = "MAP.OUTPUT_DUPLICATE_MEMBER", "a name stands twice in one object";
        ItemMismatch = "MAP.ITEM_MISMATCH", "the output says that it is about another item";
        OutputUnknownMember = "MAP.OUTPUT_UNKNOWN_MEMBER", "a member that the contract does not list";
        OutputMemberMissing = "MAP.OUTPUT_MEMBER_MISSING", "a required member is not there";
        OutputWrongType = "MAP.OUTPUT_WRONG_TYPE", "a value of another type than the contract says";
        OutputNotAllowed = "MAP.OUTPUT_NOT_ALLOWED", "a word that is not on the contract's list";
        OutputOutOfRange = "MAP.OUTPUT_OUT_OF_RANGE", "an integer, a length or a count outside its bounds";
    }
}

codes! {
    /// What can be denied in a pattern.
    PatternDenial: PolicyReasonCode {
        FanOut = "MAP.FAN_OUT_EXCEEDED", "more items than the budget lets fan out";
        BytesBudget = "MAP.BYTES_BUDGET_EXCEEDED", "the outputs before it may take all bytes of the budget";
        TimeBudget = "MAP.TIME_BUDGET_EXCEEDED", "the workers before it may take all time of the budget";
        InputTooLarge = "MAP.INPUT_TOO_LARGE", "the item has more bytes than a worker may be given";
        ToolDenied = "MAP.TOOL_DENIED", "the tool reported a denial that it declares";
        TooManyFailures = "REDUCE.FAILURES_EXCEEDED", "more items failed than the budget allows";
        TooManyDenials = "REDUCE.DENIALS_EXCEEDED", "more items were denied than the budget allows";
    }
}

/// Why a step has no good outcome: it was not possible, or it was not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepRefusal {
    /// It failed.
    #[error("failed: {0}")]
    Failed(#[from] PatternFailure),
    /// It was denied.
    #[error("denied: {0}")]
    Denied(#[from] PatternDenial),
}

/// What a caller got wrong: a contract, a budget, an item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", if at.is_empty() { String::new() } else { format!("`{at}`: ") })]
pub struct PatternError {
    /// Where: a JSON Pointer into the contract, a member of the budget, or an item; empty for the whole.
    pub at: String,
    /// What is wrong, or expected.
    pub what: String,
}

impl PatternError {
    pub(crate) fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at: at.into(), what: what.into() }
    }
}

/// A step of a pattern, as its envelopes say it. `docs/patterns` has the steps as data, with the codes of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternStep {
    pattern: &'static str,
    action: &'static str,
    target: &'static str,
    /// In the order in which they are asked.
    gates: &'static [&'static str],
    guard: &'static str,
}

impl PatternStep {
    /// The work on one item.
    pub const MAP: Self = Self {
        pattern: "secure_map_reduce",
        action: "map",
        target: "map_item",
        gates: &["worker", "output_contract"],
        guard: "map_budget",
    };
    /// The reduction of all outputs.
    pub const REDUCE: Self =
        Self { action: "reduce", target: "map_reduce", gates: &["reduced"], guard: "reduce_budget", ..Self::MAP };

    /// The task line of this step on one target (M-20).
    ///
    /// ```
    /// let line = dome_patterns::PatternStep::MAP.line("trial-7".parse()?);
    /// assert_eq!((line.target_kind.as_str(), line.action_kind.as_str()), ("map_item", "map"));
    /// # Ok::<(), dome_core::IdentifierError>(())
    /// ```
    #[must_use]
    pub fn line(self, target_id: TargetId) -> TaskLine {
        TaskLine { scope: Scope::Task, target_kind: id(self.target), target_id, action_kind: id(self.action) }
    }
}

#[expect(clippy::expect_used, reason = "the texts are words of this module, alone or with a number, and identifiers")]
fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a word of this module and an identifier are identifiers (M-03)")
}

/// Who reports: the run, the time as data, and where the sequence of its events goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporter {
    /// The run.
    pub run_id: RunId,
    /// When.
    pub ts: Timestamp,
    /// What the wrapper lets mint.
    pub wrapper_policy: WrapperPolicy,
    /// The stream of work, such as a branch.
    pub lane: Option<Lane>,
    /// What was tested.
    pub subject: Option<Subject>,
    /// The tool that did the work, if it is to tell failures apart.
    pub tool: Option<Tool>,
    /// The sequence of the next event, from 1.
    pub next_sequence: u64,
}

/// What an envelope says beside the outcome of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepDetails {
    /// Labels beside the pattern's own.
    pub labels: Vec<(&'static str, String)>,
    /// The failure's own text; never a worker's.
    pub message: Option<String>,
    /// What came out.
    pub output: Option<Evidence>,
}

impl Reporter {
    /// A reporter that begins with event 1.
    #[must_use]
    pub const fn new(run_id: RunId, ts: Timestamp, wrapper_policy: WrapperPolicy) -> Self {
        Self { run_id, ts, wrapper_policy, lane: None, subject: None, tool: None, next_sequence: 1 }
    }

    /// The same, for an attempt at the work, from 1: events of a later one come after those of all before, whatever they
    /// are, and none has the id of another.
    #[must_use]
    pub fn at_attempt(self, attempt: u32) -> Self {
        let before = u64::from(attempt).saturating_sub(1);
        // As many as a plan has items, and the reduction.
        Self { next_sequence: before * (limits::ITEMS as u64 + 1) + 1, ..self }
    }

    /// The envelope of one outcome of a step: a success, a failure with its `failure_reason_code`, or a denial with
    /// its `policy_reason_code`. `evidence` is the digest of what shows it, such as a fact.
    ///
    /// # Errors
    ///
    /// When the reporter's sequence or tool, or a detail, would be rejected (M-30).
    pub fn envelope(
        &mut self,
        step: PatternStep,
        target: &TargetId,
        evidence: Sha256Hash,
        outcome: Result<(), StepRefusal>,
        details: StepDetails,
    ) -> Result<Envelope, Rejection> {
        let (line, evidence, origin) = (step.line(target.clone()), Evidence::of(evidence), self.origin(step, target));
        match outcome {
            Ok(()) => {
                let draft = Draft::success(origin, line, evidence);
                let draft = step.gates.iter().fold(draft, |draft, gate| draft.passed(id(gate)));
                self.finished(draft, step, details)
            }
            Err(StepRefusal::Failed(code)) => {
                // The gates before the one that failed passed, those after it were not asked.
                let at = if code.is_of_worker() { 0 } else { step.gates.len() - 1 };
                let draft = Draft::failure(origin, line, code.code(), evidence);
                let draft = step.gates.iter().zip(0..).fold(draft, |draft, (gate, place)| match at.cmp(&place) {
                    Ordering::Greater => draft.passed(id(gate)),
                    Ordering::Equal => draft.failed(id(gate)),
                    Ordering::Less => draft.skipped(id(gate)),
                });
                self.finished(draft, step, details)
            }
            Err(StepRefusal::Denied(code)) => {
                let guard = if code == PatternDenial::ToolDenied { "tool" } else { step.guard };
                let guard = GuardEval::new(id(guard), Status::Fail).decided(Decision::Deny, [code.code()]);
                let draft = Draft::denial(origin, line, code.code(), evidence).guard(guard);
                self.finished(draft, step, details)
            }
        }
    }

    fn origin(&mut self, step: PatternStep, target: &TargetId) -> Origin {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.saturating_add(1);
        let event = format!("{}-{sequence}", step.action);
        let (event_id, task_id, group_id) = (id(&event), id(target.as_str()), id(&event));
        let Self { run_id, ts, wrapper_policy, .. } = self.clone();
        Origin { event_id, sequence, run_id, task_id, group_id, ts, wrapper_policy }
    }

    fn finished<S: SignalType>(
        &self,
        draft: Draft<S>,
        step: PatternStep,
        details: StepDetails,
    ) -> Result<Envelope, Rejection> {
        let draft = draft.label("pattern", step.pattern);
        let draft = details.labels.into_iter().fold(draft, |draft, (name, value)| draft.label(name, value));
        let draft = self.lane.iter().fold(draft, |draft, lane| draft.lane(lane.clone()));
        let draft = self.subject.iter().fold(draft, |draft, subject| draft.subject(subject.clone()));
        let draft = self.tool.iter().fold(draft, |draft, tool| draft.tool(tool.clone()));
        let draft = details.message.into_iter().fold(draft, Draft::message);
        details.output.into_iter().fold(draft, Draft::evidence).build()
    }
}

impl PatternFailure {
    /// Whether the worker is the cause, rather than what it wrote.
    const fn is_of_worker(self) -> bool {
        matches!(
            self,
            Self::WorkerLost | Self::UndeclaredEffect | Self::WorkerTimeout | Self::WorkerFailed | Self::ToolFailed
        )
    }
}
