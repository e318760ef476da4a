//! Records: envelopes as the binder keeps them, with their keys and where they came from (M-43).

use dome_core::{
    BinderVersion, Envelope, EventId, FailureReasonCode, Fingerprint, Gate, GroupId, GuardEval, Keys, Lane,
    PolicyReasonCode, Reader, Remedy, RunId, Sha256Hash, Signal, Source, Status, TaskId, TaskLine, Timestamp,
    WrapperPolicy,
};

/// One admitted line: its canonical bytes, its keys, and the members that settling, binding and
/// folding look at. What only a reader of facts needs stays in the bytes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// The canonical envelope (M-40).
    pub canonical: Box<[u8]>,
    /// Its digest and keys (section 7).
    pub keys: Keys,
    /// The binder that made the keys.
    pub binder: BinderVersion,
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
    /// `lane`
    pub lane: Option<Lane>,
    /// `ts`, as the record's own clock said
    pub ts: Timestamp,
    /// `signal`
    pub signal: Signal,
    /// `wrapper_policy`
    pub wrapper_policy: WrapperPolicy,
    /// The task line (M-20).
    pub line: TaskLine,
    /// `task_spec.failure_reason_code`
    pub failure_reason_code: FailureReasonCode,
    /// `policy_reason_code`
    pub policy_reason_code: Option<PolicyReasonCode>,
    /// `gates`, sorted by id
    pub gates: Vec<Gate>,
    /// `guard_evals`, sorted by id
    pub guard_evals: Vec<GuardEval>,
    /// `attempts`
    pub attempts: Option<u64>,
    /// `duration_ms`
    pub duration_ms: Option<u64>,
    /// `applied_capsule`
    pub applied_capsule: Option<Sha256Hash>,
    /// `remedy`
    pub remedy: Option<Box<Remedy>>,
}

impl Record {
    /// Takes what the binder needs of an envelope, and computes its bytes and keys.
    ///
    /// ```
    /// use dome_core::Source;
    /// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
    /// let record = dome_binder::Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
    /// assert_eq!(record.keys, dome_core::Keys::of(&dome_core::read(&record.canonical)?));
    /// # Ok::<(), dome_core::Rejection>(())
    /// ```
    #[must_use]
    pub fn new(envelope: Envelope, source: Source) -> Self {
        Self::with(envelope, source, &mut Vec::with_capacity(2_048))
    }

    /// As [`Record::new`], writing what is hashed to `bytes`, which is reused from one to the next.
    #[must_use]
    pub fn with(envelope: Envelope, source: Source, bytes: &mut Vec<u8>) -> Self {
        Self::under(BinderVersion::V1, envelope, source, bytes)
    }

    /// As [`Record::with`], with the keys of a binder.
    #[must_use]
    pub fn under(binder: BinderVersion, envelope: Envelope, source: Source, bytes: &mut Vec<u8>) -> Self {
        let (keys, canonical) = Keys::and_canonical_under(binder, &envelope, bytes);
        Self::restored(binder, envelope, source, keys, canonical)
    }

    /// A record that was made before: its canonical bytes and keys are known and not computed again.
    ///
    /// ```
    /// use dome_core::{BinderVersion, Source};
    /// let source = Source { line: 1, name: "a.jsonl".into() };
    /// let record = dome_binder::Record::new(dome_core::read(dome_core::EXAMPLE_LINE)?, source.clone());
    /// let (keys, canonical) = (record.keys, record.canonical.clone());
    /// let envelope = dome_core::Reader::new().any_length().read(&canonical)?;
    /// let again = dome_binder::Record::restored(BinderVersion::V1, envelope, source, keys, canonical);
    /// assert_eq!((again.keys, again.event_id), (record.keys, record.event_id));
    /// # Ok::<(), dome_core::Rejection>(())
    /// ```
    #[must_use]
    pub fn restored(
        binder: BinderVersion,
        envelope: Envelope,
        source: Source,
        keys: Keys,
        canonical: Box<[u8]>,
    ) -> Self {
        Self {
            canonical,
            keys,
            binder,
            source,
            event_id: envelope.event_id,
            sequence: envelope.sequence,
            run_id: envelope.run_id,
            task_id: envelope.task_id,
            group_id: envelope.group_id,
            lane: envelope.lane,
            ts: envelope.ts,
            signal: envelope.signal,
            wrapper_policy: envelope.wrapper_policy,
            line: envelope.task_spec.line(),
            failure_reason_code: envelope.task_spec.failure_reason_code,
            policy_reason_code: envelope.policy_reason_code,
            gates: envelope.gates,
            guard_evals: envelope.guard_evals,
            attempts: envelope.attempts,
            duration_ms: envelope.duration_ms,
            applied_capsule: envelope.applied_capsule,
            remedy: envelope.remedy.map(Box::new),
        }
    }

    /// The fingerprint object, computed again from the canonical bytes: few records are asked.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        let envelope = Reader::new().any_length().read(&self.canonical).ok()?;
        Some(Fingerprint::under(self.binder, &envelope))
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

    /// How a gate ended, if the record lists it.
    #[must_use]
    pub fn gate_status(&self, gate_id: &dome_core::GateId) -> Option<Status> {
        let found = self.gates.binary_search_by(|gate| gate.gate_id.cmp(gate_id)).ok()?;
        self.gates.get(found).map(|gate| gate.status)
    }

    /// Whether the record passes all of `failed_gates`, or lists no gates at all (M-82).
    #[must_use]
    pub fn passes(&self, failed_gates: &[dome_core::GateId]) -> bool {
        self.gates.is_empty() || failed_gates.iter().all(|gate| self.gate_status(gate) == Some(Status::Pass))
    }
}
