//! Keys of envelopes, one after the other: what repeats is hashed once (section 7).

use std::hash::{BuildHasher, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::choice::BinderVersion;
use crate::envelope::Envelope;
use crate::envelope::{TaskLine, TaskSpec};
use crate::fingerprint::{Fingerprint, FingerprintParts, Templates};
use crate::hash::Sha256Hash;
use crate::key::{self, Keys};
use crate::known::{Known, Pool};
use crate::reason::FailureReasonCode;

/// Identities that are remembered at the most where no pool is shared.
const REMEMBERED: usize = 1 << 15;

/// What an envelope has in common with all others of its derived key (M-61): one way to fail, or
/// not to fail, on one task line. Shared, since a history has few of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The task line (M-20).
    pub task_line: Arc<TaskLine>,
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
        Self::with(binder, Known::at_most(REMEMBERED))
    }

    /// One that makes the keys of a binder, and keeps identities once among all that share a pool.
    #[must_use]
    pub fn sharing(binder: BinderVersion, identities: &Pool<Identity>) -> Self {
        Self::with(binder, Known::sharing(identities))
    }

    fn with(binder: BinderVersion, known: Known<Identity>) -> Self {
        Self { binder, canonical: Vec::new(), bytes: Vec::new(), templates: Templates::default(), known }
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
        Keyed {
            digest: Sha256Hash::of(&self.canonical),
            idempotency: key::idempotency(self.binder, envelope, &mut self.bytes),
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
        bytes.clear();
        crate::canonical::append(&parts, bytes);
        let fingerprint_hash = Sha256Hash::of(bytes);
        let is_it = |identity: &Identity| identity.is_of(spec, fingerprint_hash);
        self.known.get(place(fingerprint_hash, spec), is_it, || {
            let derived = key::derived(binder, spec, fingerprint_hash, bytes);
            let line = key::line(spec, bytes);
            let concept = key::concept(binder, spec, fingerprint_hash, bytes);
            Identity::new(spec, parts.to_fingerprint(), fingerprint_hash, [derived, line, concept])
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
        let (task_line, fingerprint) = (Arc::new(task_line), Arc::new(fingerprint));
        Self { task_line, failure_reason_code, fingerprint, fingerprint_hash, derived, line, concept }
    }

    fn new(
        spec: &TaskSpec,
        fingerprint: Fingerprint,
        fingerprint_hash: Sha256Hash,
        [derived, line, concept]: [Sha256Hash; 3],
    ) -> Arc<Self> {
        Arc::new(Self {
            task_line: Arc::new(spec.line()),
            failure_reason_code: spec.failure_reason_code.clone(),
            fingerprint: Arc::new(fingerprint),
            fingerprint_hash,
            derived,
            line,
            concept,
        })
    }

    fn is_of(&self, spec: &TaskSpec, fingerprint_hash: Sha256Hash) -> bool {
        let TaskLine { scope, target_kind, target_id, action_kind } = &*self.task_line;
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
