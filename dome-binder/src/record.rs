//! Records: envelopes as the binder keeps them, with their keys and where they came from (M-43).

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;

use dome_core::{
    Envelope, EventId, Gate, GateId, GroupId, GuardEval, Job, Keyed, Lane, PolicyReasonCode, Remedy, Repository,
    Revision, RunId, Sha256Hash, Signal, Source, Status, Subject, TaskId, Timestamp, WrapperPolicy,
};

use crate::recorder::Recorder;

/// The canonical envelope of a record (M-40), here or elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canonical {
    /// The bytes.
    Held(Box<[u8]>),
    /// A place in what the caller keeps.
    Kept {
        /// The first byte.
        at: u64,
        /// How many there are.
        bytes: u32,
    },
}

impl Canonical {
    /// The bytes, if they are here.
    #[must_use]
    pub const fn held(&self) -> Option<&[u8]> {
        match self {
            Self::Held(bytes) => Some(bytes),
            Self::Kept { .. } => None,
        }
    }
}

/// One admitted line: its canonical bytes, its keys, and the members that settling, binding and
/// folding look at. What many records have in common they share, what few have is boxed, and what only
/// a reader of facts needs stays in the bytes: a replay holds one of these a line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// The canonical envelope (M-40).
    pub canonical: Canonical,
    /// Its digest and keys (section 7), and with them its task line, code and fingerprint.
    pub keys: Keyed,
    /// Where it first appeared: least by source name, then line (M-43).
    pub source: Source,
    /// `event_id`
    pub event_id: EventId,
    /// `sequence`
    pub sequence: u64,
    /// `run_id`
    pub run_id: RunId,
    /// `task_id`
    pub task_id: TaskId,
    /// `group_id`
    pub group_id: GroupId,
    /// `lane` and `subject`, shared among records: a history tests few things.
    pub tested: Arc<Tested>,
    /// `ts`, as the record's own clock said
    pub ts: Timestamp,
    /// `signal`
    pub signal: Signal,
    /// `wrapper_policy`
    pub wrapper_policy: WrapperPolicy,
    /// Whether `abandoned` is true.
    pub abandoned: bool,
    /// `gates`, sorted by id
    pub gates: Arc<[Gate]>,
    /// `attempts`
    pub attempts: Option<NonZeroU32>,
    /// `remedy`
    pub remedy: Option<Arc<Remedy>>,
    /// `duration_ms` and one more: a record is as small as it can be.
    pub(crate) more_than_duration_ms: Option<NonZeroU64>,
    pub(crate) rare: Option<Box<Rare>>,
}

/// What an outcome is about, and on which line of development.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tested {
    /// `lane`
    pub lane: Option<Lane>,
    /// `subject`
    pub subject: Option<Subject>,
}

/// What tells one subject from another: repository, revision and job (M-74).
pub type SubjectKey<'s> = (Option<&'s Repository>, &'s Revision, Option<&'s Job>);

impl Tested {
    /// What is told apart on purpose, such as a leg of a matrix: with the lane, the stream (M-73).
    #[must_use]
    pub fn job(&self) -> Option<&Job> {
        self.subject.as_ref()?.job.as_ref()
    }

    /// The subject key; none without a subject, or where the revision does not say all that was tested (M-74).
    #[must_use]
    pub fn subject_key(&self) -> Option<SubjectKey<'_>> {
        let subject = self.subject.as_ref().filter(|subject| subject.dirty != Some(true))?;
        Some((subject.repository.as_ref(), &subject.revision, subject.job.as_ref()))
    }

    /// The base key: the subject key with the base for the revision (M-74).
    #[must_use]
    pub fn base_key(&self) -> Option<SubjectKey<'_>> {
        let (repository, _, job) = self.subject_key()?;
        Some((repository, self.subject.as_ref()?.base_revision.as_ref()?, job))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rare {
    pub(crate) policy_reason_code: Option<PolicyReasonCode>,
    pub(crate) guard_evals: Box<[GuardEval]>,
    pub(crate) applied_capsule: Option<Sha256Hash>,
}

impl Rare {
    fn take(envelope: &mut Envelope) -> Option<Box<Self>> {
        let (policy_reason_code, applied_capsule) = (envelope.policy_reason_code.take(), envelope.applied_capsule);
        let guard_evals = std::mem::take(&mut envelope.guard_evals).into_boxed_slice();
        let is_any = policy_reason_code.is_some() || applied_capsule.is_some() || !guard_evals.is_empty();
        is_any.then(|| Box::new(Self { policy_reason_code, guard_evals, applied_capsule }))
    }
}

/// Attempts as a record holds them: from 1 to 10^6.
fn few(attempts: u64) -> Option<NonZeroU32> {
    u32::try_from(attempts).ok().and_then(NonZeroU32::new)
}

impl Record {
    /// Takes what the binder needs of an envelope, and computes its bytes and keys under binder v1.
    /// For many envelopes, a [`Recorder`] is faster.
    ///
    /// ```
    /// use dome_core::Source;
    /// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
    /// let record = dome_binder::Record::new(envelope.clone(), Source { line: 1, name: "a.jsonl".into() });
    /// assert_eq!(record.keys.keys(), dome_core::Keys::of(&envelope));
    /// assert_eq!(record.canonical.held(), Some(&*envelope.to_canonical()));
    /// # Ok::<(), dome_core::Rejection>(())
    /// ```
    #[must_use]
    pub fn new(envelope: Envelope, source: Source) -> Self {
        Recorder::default().record(envelope, source)
    }

    pub(crate) fn of(
        mut envelope: Envelope,
        keys: Keyed,
        canonical: Canonical,
        tested: Arc<Tested>,
        gates: Arc<[Gate]>,
        remedy: Option<Arc<Remedy>>,
        source: Source,
    ) -> Self {
        let rare = Rare::take(&mut envelope);
        Self {
            canonical,
            keys,
            source,
            event_id: envelope.event_id,
            sequence: envelope.sequence,
            run_id: envelope.run_id,
            task_id: envelope.task_id,
            group_id: envelope.group_id,
            tested,
            ts: envelope.ts,
            signal: envelope.signal,
            wrapper_policy: envelope.wrapper_policy,
            abandoned: envelope.abandoned == Some(true),
            gates,
            attempts: envelope.attempts.and_then(few),
            remedy,
            // A duration is an integer that JSON has exactly, far below the greatest of 64 bits.
            more_than_duration_ms: envelope.duration_ms.and_then(|ms| NonZeroU64::MIN.checked_add(ms)),
            rare,
        }
    }

    pub(crate) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// `policy_reason_code`
    #[must_use]
    pub fn policy_reason_code(&self) -> Option<&PolicyReasonCode> {
        self.rare.as_ref()?.policy_reason_code.as_ref()
    }

    /// `guard_evals`, sorted by id.
    #[must_use]
    pub fn guard_evals(&self) -> &[GuardEval] {
        self.rare.as_ref().map_or(&[], |rare| &rare.guard_evals)
    }

    /// `duration_ms`
    #[must_use]
    pub fn duration_ms(&self) -> Option<u64> {
        self.more_than_duration_ms.map(|more| more.get() - 1)
    }

    /// `applied_capsule`
    #[must_use]
    pub fn applied_capsule(&self) -> Option<&Sha256Hash> {
        self.rare.as_ref()?.applied_capsule.as_ref()
    }

    /// Whether the outcome is a failure or a gate failed (M-72).
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.signal == Signal::Failure || self.gates.iter().any(|gate| gate.status == Status::Fail)
    }

    /// Whether the outcome is a success (M-72).
    #[must_use]
    pub fn is_succeeding(&self) -> bool {
        self.signal == Signal::Success
    }
}

/// Whether a success with these gates passes all of `failed_gates`, or lists no gates at all (M-75). Gates are sorted.
pub(crate) fn passes(gates: &[Gate], failed_gates: &[GateId]) -> bool {
    let passed = |wanted: &GateId| {
        let found = gates.binary_search_by(|gate| gate.gate_id.cmp(wanted)).ok();
        found.and_then(|found| gates.get(found)).is_some_and(|gate| gate.status == Status::Pass)
    };
    gates.is_empty() || failed_gates.iter().all(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_stays_as_small_as_it_is() {
        // A replay holds one a line, and allocators have a size of 320 bytes.
        assert!(size_of::<Record>() <= 320, "{}", size_of::<Record>());
    }
}
