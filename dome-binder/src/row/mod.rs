//! Values as rows of bytes: what an engine keeps in files, or sends to other machines, between two stages.
//!
//! A row holds everything, so that nothing is parsed or hashed again. Numbers are little-endian, texts and lists stand
//! behind their lengths. [`ROW_VERSION`] says which layout it is: rows of another one are not read.

mod folded;

use std::sync::Arc;

use dome_core::{
    BinderVersion, Decision, Fingerprint, Gate, GuardEval, Identity, Keyed, Keys, Known, Remedy, Sha256Hash, Signal,
    Source, Status, Subject, TaskLine, Timestamp, WrapperPolicy,
};

use crate::fold::{Bound, FactRef};
use crate::groups::{hash_of_key, hash_of_value};
use crate::record::{Canonical, Rare, Record, Tested};
use crate::settle::{Fact, FactOrder};
use crate::trigger::Triggers;

/// The version of the layout of rows.
pub const ROW_VERSION: u32 = 3;

/// Identities, gates and remedies that a reader of rows remembers, unless it is said.
const REMEMBERED: usize = 1 << 14;

/// Why bytes are no row of this layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no row of layout {ROW_VERSION}")]
pub struct NoRow;

/// A value that can stand in a row.
///
/// ```
/// use dome_binder::{Record, Row, RowReader};
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// let record = Record::new(envelope, dome_core::Source { line: 7, name: "a.jsonl".into() });
/// let mut bytes = Vec::new();
/// record.append(&mut bytes);
/// assert_eq!(RowReader::default().read::<Record>(&bytes)?.keys, record.keys);
/// assert!(RowReader::default().read::<Record>(&bytes[1..]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Row: Sized {
    /// Appends the value's bytes.
    fn append(&self, bytes: &mut Vec<u8>);

    /// Takes a value off the front of `rest`; `None` when none of this layout stands there.
    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self>;
}

/// Reads rows. What they have in common is kept once, as a [`crate::Recorder`] keeps it.
pub struct RowReader {
    identities: Known<Identity>,
    tested: Known<Tested>,
    gates: Known<[Gate]>,
    remedies: Known<Remedy>,
}

impl Default for RowReader {
    fn default() -> Self {
        Self::at_most(REMEMBERED)
    }
}

impl RowReader {
    /// One that remembers so many identities at the most, and as many subjects, lists of gates and remedies.
    #[must_use]
    pub fn at_most(values: usize) -> Self {
        let (identities, tested) = (Known::at_most(values), Known::at_most(values));
        Self { identities, tested, gates: Known::at_most(values), remedies: Known::at_most(values) }
    }

    /// Reads a whole row.
    ///
    /// # Errors
    ///
    /// When the bytes are no row of this layout.
    pub fn read<T: Row>(&mut self, mut bytes: &[u8]) -> Result<T, NoRow> {
        T::take(self, &mut bytes).filter(|_| bytes.is_empty()).ok_or(NoRow)
    }
}

impl Row for Record {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.keys.digest.as_bytes());
        bytes.extend_from_slice(self.keys.idempotency.as_bytes());
        append_identity(&self.keys.identity, bytes);
        self.canonical.append(bytes);
        number(self.source.line, bytes);
        text(&self.source.name, bytes);
        [self.event_id.as_str(), self.run_id.as_str(), self.task_id.as_str(), self.group_id.as_str()]
            .into_iter()
            .for_each(|id| text(id, bytes));
        append_tested(&self.tested, bytes);
        bytes.push(u8::from(self.abandoned));
        number(self.sequence, bytes);
        instant(self.ts, bytes);
        choice(Signal::ALL, self.signal, bytes);
        choice(WrapperPolicy::ALL, self.wrapper_policy, bytes);
        append_gates(&self.gates, bytes);
        number(self.attempts.map_or(0, |attempts| attempts.get().into()), bytes);
        number(self.duration_ms().map_or(0, |ms| ms + 1), bytes);
        option(self.remedy.as_deref(), bytes, append_remedy);
        option(self.rare(), bytes, |rare, bytes| {
            option(rare.policy_reason_code.as_ref(), bytes, |code, bytes| text(code.as_str(), bytes));
            option(rare.applied_capsule.as_ref(), bytes, |key, bytes| bytes.extend_from_slice(key.as_bytes()));
            list(rare.guard_evals.len(), bytes);
            rare.guard_evals.iter().for_each(|eval| append_guard(eval, bytes));
        });
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let (digest, idempotency) = (hash(rest)?, hash(rest)?);
        let keys = Keyed::restored(digest, idempotency, take_identity(reader, rest)?);
        let canonical = Canonical::take(reader, rest)?;
        let source = Source { line: take_number(rest)?, name: take_text(rest)?.into() };
        let (event_id, run_id) = (take_text(rest)?.parse().ok()?, take_text(rest)?.parse().ok()?);
        let (task_id, group_id) = (take_text(rest)?.parse().ok()?, take_text(rest)?.parse().ok()?);
        let tested = take_tested(&mut reader.tested, rest)?;
        let abandoned = take_bool(rest)?;
        let (sequence, ts) = (take_number(rest)?, take_instant(rest)?);
        let (signal, wrapper_policy) = (take_choice(Signal::ALL, rest)?, take_choice(WrapperPolicy::ALL, rest)?);
        let gates = take_gates(&mut reader.gates, rest)?;
        let attempts = take_number(rest)?;
        let more_than_duration_ms = take_number(rest)?;
        let remedy = take_option(rest, take_remedy)?.map(|remedy| {
            reader.remedies.get(hash_of_value(&remedy), |known| *known == remedy, || Arc::new(remedy.clone()))
        });
        let rare = take_option(rest, |rest| {
            let policy_reason_code = take_option(rest, |rest| take_text(rest)?.parse().ok())?;
            let applied_capsule = take_option(rest, hash)?;
            let guard_evals = take_list(rest, take_guard)?.into_boxed_slice();
            Some(Box::new(Rare { policy_reason_code, guard_evals, applied_capsule }))
        })?;
        Some(Self {
            canonical,
            keys,
            source,
            event_id,
            sequence,
            run_id,
            task_id,
            group_id,
            tested,
            ts,
            signal,
            wrapper_policy,
            abandoned,
            gates,
            attempts: u32::try_from(attempts).ok().and_then(std::num::NonZeroU32::new),
            remedy,
            more_than_duration_ms: std::num::NonZeroU64::new(more_than_duration_ms),
            rare,
        })
    }
}

impl Row for Canonical {
    fn append(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Kept { at, bytes: length } => {
                bytes.push(0);
                number(*at, bytes);
                bytes.extend_from_slice(&length.to_le_bytes());
            }
            Self::Held(canonical) => {
                bytes.push(1);
                list(canonical.len(), bytes);
                bytes.extend_from_slice(canonical);
            }
        }
    }

    fn take(_: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        match byte(rest)? {
            0 => Some(Self::Kept { at: take_number(rest)?, bytes: u32::from_le_bytes(array(rest)?) }),
            1 => Some(Self::Held(take_bytes(rest)?.into())),
            _ => None,
        }
    }
}

impl Row for Fact {
    fn append(&self, bytes: &mut Vec<u8>) {
        instant(self.ordered_ts, bytes);
        number(self.place, bytes);
        self.record.append(bytes);
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let (ordered_ts, place) = (take_instant(rest)?, take_number(rest)?);
        Some(Self { record: Box::new(Record::take(reader, rest)?), ordered_ts, place })
    }
}

impl Row for Bound {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.triggers.0 << 1 | u8::from(self.minted));
    }

    fn take(_: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let bits = byte(rest)?;
        Some(Self { minted: bits & 1 == 1, triggers: Triggers(bits >> 1) })
    }
}

impl Row for FactOrder {
    fn append(&self, bytes: &mut Vec<u8>) {
        instant(self.ts, bytes);
        number(self.place, bytes);
        text(self.run_id.as_str(), bytes);
    }

    fn take(_: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        Some(Self { ts: take_instant(rest)?, place: take_number(rest)?, run_id: take_text(rest)?.parse().ok()? })
    }
}

impl Row for FactRef {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.digest.as_bytes());
        self.order.append(bytes);
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        Some(Self { digest: hash(rest)?, order: FactOrder::take(reader, rest)? })
    }
}

impl Row for Sha256Hash {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_bytes());
    }

    fn take(_: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        hash(rest)
    }
}

/// An identity: its hashes, then the rest behind its length, which a reader who knows it passes over.
fn append_identity(identity: &Identity, bytes: &mut Vec<u8>) {
    let Identity { derived, fingerprint_hash, line, concept, .. } = identity;
    [derived, fingerprint_hash, line, concept].into_iter().for_each(|key| bytes.extend_from_slice(key.as_bytes()));
    behind_length(bytes, |bytes| {
        append_task_line(&identity.task_line, bytes);
        text(identity.failure_reason_code.as_str(), bytes);
        append_fingerprint(&identity.fingerprint, bytes);
    });
}

fn take_identity(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Arc<Identity>> {
    let (derived, fingerprint_hash, line, concept) = (hash(rest)?, hash(rest)?, hash(rest)?, hash(rest)?);
    let mut more = take_bytes(rest)?;
    let is_it = |known: &Identity| known.derived == derived && known.concept == concept && known.line == line;
    reader.identities.try_get(hash_of_key(&derived), is_it, || {
        let rest = &mut more;
        let (task_line, code) = (take_task_line(rest)?, take_text(rest)?.parse().ok()?);
        let hashes = [derived, line, concept];
        Some(Arc::new(Identity::restored(task_line, code, take_fingerprint(rest)?, fingerprint_hash, hashes)))
    })
}

fn append_tested(Tested { lane, subject }: &Tested, bytes: &mut Vec<u8>) {
    option(lane.as_ref(), bytes, |lane, bytes| text(lane.as_str(), bytes));
    option(subject.as_ref(), bytes, |subject, bytes| {
        let Subject { base_revision, dirty, job, repository, revision } = subject;
        text(revision.as_str(), bytes);
        option(base_revision.as_ref(), bytes, |revision, bytes| text(revision.as_str(), bytes));
        option(job.as_ref(), bytes, |job, bytes| text(job.as_str(), bytes));
        option(repository.as_ref(), bytes, |repository, bytes| text(repository.as_str(), bytes));
        option(dirty.as_ref(), bytes, |dirty, bytes| bytes.push(u8::from(*dirty)));
    });
}

fn take_tested(known: &mut Known<Tested>, rest: &mut &[u8]) -> Option<Arc<Tested>> {
    let lane = take_option(rest, |rest| take_text(rest)?.parse().ok())?;
    let subject = take_option(rest, |rest| {
        let revision = take_text(rest)?.parse().ok()?;
        let base_revision = take_option(rest, |rest| take_text(rest)?.parse().ok())?;
        let job = take_option(rest, |rest| take_text(rest)?.parse().ok())?;
        let repository = take_option(rest, |rest| take_text(rest)?.parse().ok())?;
        Some(Subject { base_revision, dirty: take_option(rest, take_bool)?, job, repository, revision })
    })?;
    let tested = Tested { lane, subject };
    Some(known.get(hash_of_value(&tested), |known| *known == tested, || Arc::new(tested.clone())))
}

fn take_bool(rest: &mut &[u8]) -> Option<bool> {
    let (value, more) = rest.split_first()?;
    *rest = more;
    match value {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// Gates stand behind their length, so that those that are known need not be made again to be recognised.
fn append_gates(gates: &[Gate], bytes: &mut Vec<u8>) {
    behind_length(bytes, |bytes| {
        gates.iter().for_each(|gate| {
            text(gate.gate_id.as_str(), bytes);
            choice(Status::ALL, gate.status, bytes);
        });
    });
}

fn take_gates(known: &mut Known<[Gate]>, rest: &mut &[u8]) -> Option<Arc<[Gate]>> {
    let all = take_bytes(rest)?;
    let is_it = |known: &[Gate]| {
        let mut rest = all;
        let same =
            |gate: &Gate| take_gate(&mut rest).is_some_and(|found| found == (gate.gate_id.as_str(), gate.status));
        known.iter().all(same) && rest.is_empty()
    };
    known.try_get(hash_of_value(all), is_it, || {
        let (mut rest, mut gates) = (all, Vec::new());
        while !rest.is_empty() {
            let (gate_id, status) = take_gate(&mut rest)?;
            gates.push(Gate { gate_id: gate_id.parse().ok()?, status });
        }
        Some(gates.into())
    })
}

fn take_gate<'b>(rest: &mut &'b [u8]) -> Option<(&'b str, Status)> {
    Some((take_text(rest)?, take_choice(Status::ALL, rest)?))
}

fn append_keys(keys: &Keys, bytes: &mut Vec<u8>) {
    let Keys { digest, fingerprint_hash, idempotency, derived, line, concept } = keys;
    for key in [digest, fingerprint_hash, idempotency, derived, line, concept] {
        bytes.extend_from_slice(key.as_bytes());
    }
}

fn take_keys(rest: &mut &[u8]) -> Option<Keys> {
    let (digest, fingerprint_hash, idempotency) = (hash(rest)?, hash(rest)?, hash(rest)?);
    Some(Keys { digest, fingerprint_hash, idempotency, derived: hash(rest)?, line: hash(rest)?, concept: hash(rest)? })
}

fn append_task_line(line: &TaskLine, bytes: &mut Vec<u8>) {
    choice(dome_core::Scope::ALL, line.scope, bytes);
    [line.target_kind.as_str(), line.target_id.as_str(), line.action_kind.as_str()]
        .into_iter()
        .for_each(|part| text(part, bytes));
}

fn take_task_line(rest: &mut &[u8]) -> Option<TaskLine> {
    let scope = take_choice(dome_core::Scope::ALL, rest)?;
    let (target_kind, target_id) = (take_text(rest)?.parse().ok()?, take_text(rest)?.parse().ok()?);
    Some(TaskLine { scope, target_kind, target_id, action_kind: take_text(rest)?.parse().ok()? })
}

fn append_remedy(remedy: &Remedy, bytes: &mut Vec<u8>) {
    text(remedy.kind.as_str(), bytes);
    option(remedy.reference.as_ref(), bytes, |reference, bytes| text(reference.as_str(), bytes));
    option(remedy.sha256.as_ref(), bytes, |sha256, bytes| bytes.extend_from_slice(sha256.as_bytes()));
    option(remedy.summary.as_ref(), bytes, |summary, bytes| text(summary, bytes));
}

fn take_remedy(rest: &mut &[u8]) -> Option<Remedy> {
    let kind = take_text(rest)?.parse().ok()?;
    let reference = take_option(rest, |rest| take_text(rest)?.parse().ok())?;
    let (sha256, summary) = (take_option(rest, hash)?, take_option(rest, |rest| Some(take_text(rest)?.into()))?);
    Some(Remedy { kind, reference, sha256, summary })
}

fn append_guard(eval: &GuardEval, bytes: &mut Vec<u8>) {
    option(eval.decision, bytes, |decision, bytes| choice(Decision::ALL, decision, bytes));
    list(eval.evidence_refs.len(), bytes);
    eval.evidence_refs.iter().for_each(|reference| text(reference, bytes));
    text(eval.guard_id.as_str(), bytes);
    list(eval.reason_codes.len(), bytes);
    eval.reason_codes.iter().for_each(|code| text(code.as_str(), bytes));
    choice(Status::ALL, eval.status, bytes);
}

fn take_guard(rest: &mut &[u8]) -> Option<GuardEval> {
    let decision = take_option(rest, |rest| take_choice(Decision::ALL, rest))?;
    let evidence_refs = take_list(rest, |rest| Some(take_text(rest)?.into()))?;
    let guard_id = take_text(rest)?.parse().ok()?;
    let reason_codes = take_list(rest, |rest| take_text(rest)?.parse().ok())?;
    Some(GuardEval { decision, evidence_refs, guard_id, reason_codes, status: take_choice(Status::ALL, rest)? })
}

fn append_fingerprint(fingerprint: &Fingerprint, bytes: &mut Vec<u8>) {
    option(fingerprint.config_sha256.as_ref(), bytes, |sha256, bytes| bytes.extend_from_slice(sha256.as_bytes()));
    for map in [&fingerprint.env, &fingerprint.versions] {
        list(map.len(), bytes);
        map.iter().flat_map(|(name, value)| [name, value]).for_each(|part| text(part, bytes));
    }
    list(fingerprint.failed_gates.len(), bytes);
    fingerprint.failed_gates.iter().for_each(|gate| text(gate.as_str(), bytes));
    text(fingerprint.fingerprint_version, bytes);
    option(fingerprint.message_template.as_deref(), bytes, text);
    option(fingerprint.tool_name.as_ref(), bytes, |name, bytes| text(name.as_str(), bytes));
    option(fingerprint.tool_version.as_deref(), bytes, text);
}

fn take_fingerprint(rest: &mut &[u8]) -> Option<Fingerprint> {
    let config_sha256 = take_option(rest, hash)?;
    let mut map = || Some(take_list(rest, |rest| Some((take_text(rest)?, take_text(rest)?)))?.into_iter().collect());
    let (env, versions) = (map()?, map()?);
    let failed_gates = take_list(rest, |rest| take_text(rest)?.parse().ok())?;
    let version = take_text(rest)?;
    let binder = [BinderVersion::V1, BinderVersion::V2].into_iter().find(|one| one.fingerprint_version() == version)?;
    let message_template = take_option(rest, |rest| Some(take_text(rest)?.into()))?;
    let tool_name = take_option(rest, |rest| take_text(rest)?.parse().ok())?;
    let tool_version = take_option(rest, |rest| Some(take_text(rest)?.into()))?;
    Some(Fingerprint {
        config_sha256,
        env,
        failed_gates,
        fingerprint_version: binder.fingerprint_version(),
        message_template,
        tool_name,
        tool_version,
        versions,
    })
}

/// Lengths are of 32 bits: a line has at most a megabyte (M-14).
fn list(length: usize, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
}

fn behind_length(bytes: &mut Vec<u8>, append: impl FnOnce(&mut Vec<u8>)) {
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    append(bytes);
    let length = ((bytes.len() - at - 4) as u32).to_le_bytes();
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&length);
    }
}

fn take_bytes<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = u32::from_le_bytes(array(rest)?) as usize;
    let (taken, more) = rest.split_at_checked(length)?;
    *rest = more;
    Some(taken)
}

fn take_list<'b, T>(rest: &mut &'b [u8], mut take: impl FnMut(&mut &'b [u8]) -> Option<T>) -> Option<Vec<T>> {
    let length = u32::from_le_bytes(array(rest)?) as usize;
    // A length that is no length asks for no memory.
    let mut all = Vec::with_capacity(length.min(rest.len()));
    for _ in 0..length {
        all.push(take(rest)?);
    }
    Some(all)
}

/// Identifiers and codes have at most 512 bytes (M-03); a length that two bytes cannot say is said by four behind them.
fn text(text: &str, bytes: &mut Vec<u8>) {
    match u16::try_from(text.len()) {
        Ok(length) if length < u16::MAX => bytes.extend_from_slice(&length.to_le_bytes()),
        _ => {
            bytes.extend_from_slice(&u16::MAX.to_le_bytes());
            list(text.len(), bytes);
        }
    }
    bytes.extend_from_slice(text.as_bytes());
}

fn take_text<'b>(rest: &mut &'b [u8]) -> Option<&'b str> {
    let length = match u16::from_le_bytes(array(rest)?) {
        u16::MAX => u32::from_le_bytes(array(rest)?) as usize,
        length => length.into(),
    };
    let (taken, more) = rest.split_at_checked(length)?;
    *rest = more;
    str::from_utf8(taken).ok()
}

fn option<T>(value: Option<T>, bytes: &mut Vec<u8>, append: impl FnOnce(T, &mut Vec<u8>)) {
    bytes.push(u8::from(value.is_some()));
    if let Some(value) = value {
        append(value, bytes);
    }
}

fn take_option<T>(rest: &mut &[u8], take: impl FnOnce(&mut &[u8]) -> Option<T>) -> Option<Option<T>> {
    match byte(rest)? {
        0 => Some(None),
        1 => take(rest).map(Some),
        _ => None,
    }
}

fn number(value: u64, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    array(rest).map(u64::from_le_bytes)
}

fn instant(ts: Timestamp, bytes: &mut Vec<u8>) {
    let (seconds, nanoseconds) = ts.to_unix();
    bytes.extend_from_slice(&seconds.to_le_bytes());
    bytes.extend_from_slice(&nanoseconds.to_le_bytes());
}

fn take_instant(rest: &mut &[u8]) -> Option<Timestamp> {
    let (seconds, nanoseconds) = (i64::from_le_bytes(array(rest)?), u32::from_le_bytes(array(rest)?));
    Timestamp::from_unix(seconds, nanoseconds).ok()
}

/// A word of a closed set, by its place in the set.
fn choice<T: PartialEq>(all: &[T], value: T, bytes: &mut Vec<u8>) {
    let place = all.iter().position(|word| *word == value);
    bytes.push(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX));
}

fn take_choice<T: Copy>(all: &[T], rest: &mut &[u8]) -> Option<T> {
    all.get(usize::from(byte(rest)?)).copied()
}

fn hash(rest: &mut &[u8]) -> Option<Sha256Hash> {
    array(rest).map(Sha256Hash::from_bytes)
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    array::<1>(rest).map(|[byte]| byte)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, more) = rest.split_first_chunk()?;
    *rest = more;
    Some(*first)
}
