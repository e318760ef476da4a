//! The four keys and the digest of an envelope (section 7).

use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::choice::BinderVersion;
use crate::choice::Scope;
use crate::envelope::Envelope;
use crate::envelope::{TaskLine, TaskSpec};
use crate::hash::Sha256Hash;
use crate::id::{ActionKind, GroupId, RunId, TargetId, TargetKind, TaskId};
use crate::keyer::Keyer;
use crate::reason::FailureReasonCode;

/// What identifies an envelope, its outcome, its failure, its task line and its concept.
///
/// ```
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// let keys = dome_core::Keys::of(&envelope);
/// assert_eq!(keys.digest, envelope.digest());
/// assert_eq!(keys.fingerprint_hash, dome_core::Fingerprint::of(&envelope).hash());
/// # Ok::<(), dome_core::Rejection>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// SHA-256 of the canonical envelope (M-40).
    pub digest: Sha256Hash,
    /// SHA-256 of the fingerprint (M-50).
    pub fingerprint_hash: Sha256Hash,
    /// One outcome of one task in one run (M-60).
    pub idempotency: Sha256Hash,
    /// One failure of one task line: a capsule's key (M-61).
    pub derived: Sha256Hash,
    /// One task line (M-62).
    pub line: Sha256Hash,
    /// One failure, whatever the target and the scope (M-63).
    pub concept: Sha256Hash,
}

#[derive(Serialize)]
struct IdempotencyKey<'e> {
    binder_version: &'static str,
    domain: &'static str,
    group_id: &'e GroupId,
    run_id: &'e RunId,
    task_id: &'e TaskId,
}

#[derive(Serialize)]
struct DerivedKey<'e> {
    action_kind: &'e ActionKind,
    binder_version: &'static str,
    domain: &'static str,
    failure_reason_code: &'e FailureReasonCode,
    fingerprint_hash: Sha256Hash,
    scope: Scope,
    target_id: &'e TargetId,
    target_kind: &'e TargetKind,
}

/// What sets a task line's key apart from all others (M-62).
const LINE_DOMAIN: &str = "dome.line/1";

#[derive(Serialize)]
struct LineKey<'e> {
    action_kind: &'e ActionKind,
    domain: &'static str,
    scope: Scope,
    target_id: &'e TargetId,
    target_kind: &'e TargetKind,
}

#[derive(Serialize)]
struct ConceptKey<'e> {
    action_kind: &'e ActionKind,
    binder_version: &'static str,
    domain: &'static str,
    failure_reason_code: &'e FailureReasonCode,
    fingerprint_hash: Sha256Hash,
    target_kind: &'e TargetKind,
}

fn hashed<T: Serialize>(key: &T, bytes: &mut Vec<u8>) -> Sha256Hash {
    bytes.clear();
    canonical::append(key, bytes);
    Sha256Hash::of(bytes)
}

/// `idempotency_key` (M-60); what is hashed is written over `bytes`, here as below.
pub(crate) fn idempotency(binder: BinderVersion, envelope: &Envelope, bytes: &mut Vec<u8>) -> Sha256Hash {
    let key = IdempotencyKey {
        binder_version: binder.as_str(),
        domain: "dome.idempotency/1",
        group_id: &envelope.group_id,
        run_id: &envelope.run_id,
        task_id: &envelope.task_id,
    };
    hashed(&key, bytes)
}

/// `derived_key` (M-61).
pub(crate) fn derived(
    binder: BinderVersion,
    spec: &TaskSpec,
    fingerprint_hash: Sha256Hash,
    bytes: &mut Vec<u8>,
) -> Sha256Hash {
    let key = DerivedKey {
        action_kind: &spec.action.kind,
        binder_version: binder.as_str(),
        domain: "dome.derived/1",
        failure_reason_code: &spec.failure_reason_code,
        fingerprint_hash,
        scope: spec.scope,
        target_id: &spec.target.id,
        target_kind: &spec.target.kind,
    };
    hashed(&key, bytes)
}

/// `line_key` (M-62).
pub(crate) fn line(spec: &TaskSpec, bytes: &mut Vec<u8>) -> Sha256Hash {
    let key = LineKey {
        action_kind: &spec.action.kind,
        domain: LINE_DOMAIN,
        scope: spec.scope,
        target_id: &spec.target.id,
        target_kind: &spec.target.kind,
    };
    hashed(&key, bytes)
}

impl TaskLine {
    /// Its key (M-62).
    ///
    /// ```
    /// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
    /// assert_eq!(envelope.task_spec.line().key(), dome_core::Keys::of(&envelope).line);
    /// # Ok::<(), dome_core::Rejection>(())
    /// ```
    #[must_use]
    pub fn key(&self) -> Sha256Hash {
        let Self { scope, target_kind, target_id, action_kind } = self;
        let key = LineKey { action_kind, domain: LINE_DOMAIN, scope: *scope, target_id, target_kind };
        hashed(&key, &mut Vec::new())
    }
}

/// `concept_key` (M-63).
pub(crate) fn concept(
    binder: BinderVersion,
    spec: &TaskSpec,
    fingerprint_hash: Sha256Hash,
    bytes: &mut Vec<u8>,
) -> Sha256Hash {
    let key = ConceptKey {
        action_kind: &spec.action.kind,
        binder_version: binder.as_str(),
        domain: "dome.concept/1",
        failure_reason_code: &spec.failure_reason_code,
        fingerprint_hash,
        target_kind: &spec.target.kind,
    };
    hashed(&key, bytes)
}

impl Keys {
    /// The keys of an envelope. For many envelopes, a [`Keyer`] is faster.
    #[must_use]
    pub fn of(envelope: &Envelope) -> Self {
        Self::under(BinderVersion::V1, envelope)
    }

    /// The keys of an envelope under a binder: all but the digest and the task line's key differ
    /// from binder to binder.
    ///
    /// ```
    /// use dome_core::{BinderVersion, Keys};
    /// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
    /// let [v1, v2] = [BinderVersion::V1, BinderVersion::V2].map(|binder| Keys::under(binder, &envelope));
    /// assert_eq!((v1, v1.digest, v1.line), (Keys::of(&envelope), v2.digest, v2.line));
    /// assert!(v1.derived != v2.derived && v1.idempotency != v2.idempotency && v1.concept != v2.concept);
    /// # Ok::<(), dome_core::Rejection>(())
    /// ```
    #[must_use]
    pub fn under(binder: BinderVersion, envelope: &Envelope) -> Self {
        Keyer::new(binder).key(envelope).keys()
    }
}
