//! The four keys and the digest of an envelope (section 7).

use serde::{Deserialize, Serialize};

use crate::binder::BinderVersion;
use crate::canonical;
use crate::choice::Scope;
use crate::envelope::Envelope;
use crate::fingerprint::Fingerprint;
use crate::hash::Sha256Hash;
use crate::id::{ActionKind, GroupId, RunId, TargetId, TargetKind, TaskId};
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

impl Keys {
    /// The keys of an envelope.
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
        Self::and_canonical_under(binder, envelope, &mut Vec::with_capacity(2_048)).0
    }

    /// The keys of an envelope, and the canonical bytes that were written for its digest.
    ///
    /// Everything that is hashed is written to `bytes` first; reuse it from envelope to envelope.
    ///
    /// ```
    /// # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
    /// let (keys, canonical) = dome_core::Keys::and_canonical(&envelope, &mut Vec::new());
    /// assert_eq!((keys, &*canonical), (dome_core::Keys::of(&envelope), &*envelope.to_canonical()));
    /// # Ok::<(), dome_core::Rejection>(())
    /// ```
    #[must_use]
    pub fn and_canonical(envelope: &Envelope, bytes: &mut Vec<u8>) -> (Self, Box<[u8]>) {
        Self::and_canonical_under(BinderVersion::V1, envelope, bytes)
    }

    /// As [`Keys::and_canonical`], under a binder.
    #[must_use]
    pub fn and_canonical_under(binder: BinderVersion, envelope: &Envelope, bytes: &mut Vec<u8>) -> (Self, Box<[u8]>) {
        let digest = hashed(envelope, bytes);
        let canonical = Box::from(bytes.as_slice());
        let fingerprint_hash = hashed(&Fingerprint::under(binder, envelope), bytes);
        (Self::with_under(binder, envelope, digest, fingerprint_hash, bytes), canonical)
    }

    /// The keys of an envelope whose digest and fingerprint are known; `bytes` is written over.
    #[must_use]
    pub fn with(envelope: &Envelope, digest: Sha256Hash, fingerprint_hash: Sha256Hash, bytes: &mut Vec<u8>) -> Self {
        Self::with_under(BinderVersion::V1, envelope, digest, fingerprint_hash, bytes)
    }

    fn with_under(
        binder: BinderVersion,
        envelope: &Envelope,
        digest: Sha256Hash,
        fingerprint_hash: Sha256Hash,
        bytes: &mut Vec<u8>,
    ) -> Self {
        let spec = &envelope.task_spec;
        let (action_kind, target_id, target_kind) = (&spec.action.kind, &spec.target.id, &spec.target.kind);
        let failure_reason_code = &spec.failure_reason_code;
        let (scope, binder_version) = (spec.scope, binder.as_str());
        let idempotency = IdempotencyKey {
            binder_version,
            domain: "dome.idempotency/1",
            group_id: &envelope.group_id,
            run_id: &envelope.run_id,
            task_id: &envelope.task_id,
        };
        let derived = DerivedKey {
            action_kind,
            binder_version,
            domain: "dome.derived/1",
            failure_reason_code,
            fingerprint_hash,
            scope,
            target_id,
            target_kind,
        };
        let line = LineKey { action_kind, domain: "dome.line/1", scope, target_id, target_kind };
        let concept = ConceptKey {
            action_kind,
            binder_version,
            domain: "dome.concept/1",
            failure_reason_code,
            fingerprint_hash,
            target_kind,
        };
        Self {
            digest,
            fingerprint_hash,
            idempotency: hashed(&idempotency, bytes),
            derived: hashed(&derived, bytes),
            line: hashed(&line, bytes),
            concept: hashed(&concept, bytes),
        }
    }
}
