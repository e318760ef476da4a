//! The keys and the digest of envelopes (section 7), one envelope after the other: what repeats is
//! hashed once.

use std::hash::{BuildHasher, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::choice::{BinderVersion, Scope};
use crate::envelope::{Envelope, TaskLine, TaskSpec};
use crate::fingerprint::{Fingerprint, FingerprintParts, Templates};
use crate::hash::Sha256Hash;
use crate::id::{ActionKind, GroupId, RunId, TargetId, TargetKind, TaskId};
use crate::known::{Known, Pool};
use crate::reason::FailureReasonCode;

/// Identities that are remembered at the most where no pool is shared.
const REMEMBERED: usize = 1 << 15;

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

/// `idempotency_key` (M-60), here as below what is hashed, in canonical order.
#[derive(Serialize)]
struct IdempotencyKey<'e> {
    binder_version: &'static str,
    domain: &'static str,
    group_id: &'e GroupId,
    run_id: &'e RunId,
    task_id: &'e TaskId,
}

/// `line_key` (M-62), and what `derived_key` (M-61) and `concept_key` (M-63) add to it or leave out.
#[derive(Serialize)]
struct IdentityKey<'e> {
    action_kind: &'e ActionKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    binder_version: Option<&'static str>,
    domain: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason_code: Option<&'e FailureReasonCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint_hash: Option<Sha256Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_id: Option<&'e TargetId>,
    target_kind: &'e TargetKind,
}

/// SHA-256 of a key, which is written over `bytes`.
fn hashed<T: Serialize>(key: &T, bytes: &mut Vec<u8>) -> Sha256Hash {
    bytes.clear();
    canonical::append(key, bytes);
    Sha256Hash::of(bytes)
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
        canonical::digest(&self.hashed_members())
    }

    fn hashed_members(&self) -> IdentityKey<'_> {
        IdentityKey {
            action_kind: &self.action_kind,
            binder_version: None,
            domain: "dome.line/1",
            failure_reason_code: None,
            fingerprint_hash: None,
            scope: Some(self.scope),
            target_id: Some(&self.target_id),
            target_kind: &self.target_kind,
        }
    }
}

/// What an envelope has in common with all others of its derived key (M-61): one way to fail, or
/// not to fail, on one task line. Shared, since a history has few of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The task line (M-20).
    pub task_line: TaskLine,
    /// `task_spec.failure_reason_code`
    pub failure_reason_code: FailureReasonCode,
    /// Why failures are grouped (M-50).
    pub fingerprint: Arc<Fingerprint>,
    /// SHA-256 of the fingerprint (M-50).
    pub fingerprint_hash: Sha256Hash,
    /// One failure of one task line: a capsule's key (M-61).
    pub derived: Sha256Hash,
    /// One task line (M-62).
    pub line: Sha256Hash,
    /// One failure, whatever the target and the scope (M-63).
    pub concept: Sha256Hash,
}

/// The keys of one envelope; those of M-50 and M-61 to M-63 are reached through its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keyed {
    /// SHA-256 of the canonical envelope (M-40).
    pub digest: Sha256Hash,
    /// One outcome of one task in one run (M-60).
    pub idempotency: Sha256Hash,
    /// What it has in common with others.
    pub identity: Arc<Identity>,
}

/// Computes the keys of one envelope after the other, in memory that is kept.
///
/// What a history repeats, it hashes once: an envelope of a task line and a code whose fingerprint's
/// hash was seen with them before has their keys.
///
/// ```
/// use dome_core::{BinderVersion, Keyer, Keys, Reader};
/// let (mut reader, mut keyer) = (Reader::new(), Keyer::new(BinderVersion::V1));
/// let envelope = reader.read(dome_core::EXAMPLE_LINE)?;
/// let keyed = keyer.key(&envelope);
/// assert_eq!(keyed.keys(), Keys::of(&envelope));
/// assert_eq!(keyer.canonical(), envelope.to_canonical());
/// assert!(std::sync::Arc::ptr_eq(&keyed.identity, &keyer.key(&envelope).identity));
/// # Ok::<(), dome_core::Rejection>(())
/// ```
pub struct Keyer {
    binder: BinderVersion,
    canonical: Vec<u8>,
    /// Whatever else is hashed.
    bytes: Vec<u8>,
    templates: Templates,
    known: Known<Identity>,
}

impl Keyer {
    /// One that makes the keys of a binder.
    #[must_use]
    pub fn new(binder: BinderVersion) -> Self {
        let (canonical, bytes) = (Vec::new(), Vec::new());
        Self { binder, canonical, bytes, templates: Templates::default(), known: Known::at_most(REMEMBERED) }
    }

    /// One that makes the keys of a binder, and keeps identities once among all that share a pool.
    #[must_use]
    pub fn sharing(binder: BinderVersion, identities: &Pool<Identity>) -> Self {
        Self { known: Known::sharing(identities), ..Self::new(binder) }
    }

    /// The binder that makes the keys.
    #[must_use]
    pub const fn binder(&self) -> BinderVersion {
        self.binder
    }

    /// The keys of an envelope.
    pub fn key(&mut self, envelope: &Envelope) -> Keyed {
        self.canonical.clear();
        envelope.write_canonical(&mut self.canonical);
        let idempotency = IdempotencyKey {
            binder_version: self.binder.as_str(),
            domain: "dome.idempotency/1",
            group_id: &envelope.group_id,
            run_id: &envelope.run_id,
            task_id: &envelope.task_id,
        };
        Keyed {
            digest: Sha256Hash::of(&self.canonical),
            idempotency: hashed(&idempotency, &mut self.bytes),
            identity: self.identity(envelope),
        }
    }

    /// The canonical bytes of the envelope that was keyed last.
    #[must_use]
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    fn identity(&mut self, envelope: &Envelope) -> Arc<Identity> {
        let (spec, binder, bytes) = (&envelope.task_spec, self.binder, &mut self.bytes);
        let parts = FingerprintParts::of(binder, envelope, &mut self.templates);
        let fingerprint_hash = hashed(&parts, bytes);
        let is_it = |identity: &Identity| identity.is_of(spec, fingerprint_hash);
        self.known.get(place(fingerprint_hash, spec), is_it, || {
            let (task_line, code) = (spec.line(), spec.failure_reason_code.clone());
            let line = task_line.hashed_members();
            let line_key = hashed(&line, bytes);
            let derived = IdentityKey {
                binder_version: Some(binder.as_str()),
                domain: "dome.derived/1",
                failure_reason_code: Some(&code),
                fingerprint_hash: Some(fingerprint_hash),
                ..line
            };
            let derived_key = hashed(&derived, bytes);
            let concept = IdentityKey { domain: "dome.concept/1", scope: None, target_id: None, ..derived };
            let keys = [derived_key, line_key, hashed(&concept, bytes)];
            Arc::new(Identity::restored(task_line, code, parts.to_fingerprint(), fingerprint_hash, keys))
        })
    }
}

impl Default for Keyer {
    fn default() -> Self {
        Self::new(BinderVersion::default())
    }
}

/// Where an identity is looked for: never seen, and no part of a key.
fn place(fingerprint_hash: Sha256Hash, spec: &TaskSpec) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(fingerprint_hash.as_bytes());
    hasher.write(spec.target.id.as_str().as_bytes());
    hasher.write(spec.target.kind.as_str().as_bytes());
    hasher.write(spec.action.kind.as_str().as_bytes());
    hasher.write(spec.failure_reason_code.as_str().as_bytes());
    hasher.finish()
}

impl Identity {
    /// The identity with these parts, which were computed before: nothing is hashed.
    #[must_use]
    pub fn restored(
        task_line: TaskLine,
        failure_reason_code: FailureReasonCode,
        fingerprint: Fingerprint,
        fingerprint_hash: Sha256Hash,
        [derived, line, concept]: [Sha256Hash; 3],
    ) -> Self {
        let fingerprint = Arc::new(fingerprint);
        Self { task_line, failure_reason_code, fingerprint, fingerprint_hash, derived, line, concept }
    }

    fn is_of(&self, spec: &TaskSpec, fingerprint_hash: Sha256Hash) -> bool {
        let TaskLine { scope, target_kind, target_id, action_kind } = &self.task_line;
        self.fingerprint_hash == fingerprint_hash
            && *target_id == spec.target.id
            && self.failure_reason_code == spec.failure_reason_code
            && *action_kind == spec.action.kind
            && *target_kind == spec.target.kind
            && *scope == spec.scope
    }
}

impl Keyed {
    /// The keys of an envelope that was keyed before.
    #[must_use]
    pub const fn restored(digest: Sha256Hash, idempotency: Sha256Hash, identity: Arc<Identity>) -> Self {
        Self { digest, idempotency, identity }
    }

    /// All keys as one value.
    #[must_use]
    pub fn keys(&self) -> Keys {
        let Identity { fingerprint_hash, derived, line, concept, .. } = *self.identity;
        Keys { digest: self.digest, fingerprint_hash, idempotency: self.idempotency, derived, line, concept }
    }
}

impl Deref for Keyed {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
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
