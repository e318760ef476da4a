//! The least that anything takes which reads, hashes and writes the same bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hint::black_box;

use dome_core::{Envelope, Fingerprint, Keys, Sha256Hash, canonical};
use serde::Deserialize;

/// Text that is borrowed from the line where it has no escapes.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
pub struct Text<'l>(#[serde(borrow)] pub Cow<'l, str>);

/// An envelope as a typed parser reads it that checks nothing but types and borrows what it can.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the members are those of section 2 of the model")]
pub struct Borrowed<'l> {
    #[serde(borrow)]
    pub applied_capsule: Option<Text<'l>>,
    pub attempts: Option<u64>,
    pub duration_ms: Option<u64>,
    #[serde(borrow, default)]
    pub env: BTreeMap<Text<'l>, Text<'l>>,
    pub envelope_version: Text<'l>,
    pub event_id: Text<'l>,
    pub evidence: Vec<Evidence<'l>>,
    #[serde(default)]
    pub gates: Vec<Gate<'l>>,
    pub group_id: Text<'l>,
    #[serde(default)]
    pub guard_evals: Vec<GuardEval<'l>>,
    #[serde(default)]
    pub labels: BTreeMap<Text<'l>, Text<'l>>,
    pub lane: Option<Text<'l>>,
    pub message: Option<Text<'l>>,
    pub policy_reason_code: Option<Text<'l>>,
    pub remedy: Option<Remedy<'l>>,
    pub run_id: Text<'l>,
    pub sequence: u64,
    pub signal: Text<'l>,
    pub task_id: Text<'l>,
    pub task_spec: TaskSpec<'l>,
    pub tool: Option<Tool<'l>>,
    pub ts: Text<'l>,
    pub wrapper_policy: Text<'l>,
}

/// `evidence`
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the members are those of section 2 of the model")]
pub struct Evidence<'l> {
    pub bytes: Option<u64>,
    #[serde(borrow)]
    pub path: Option<Text<'l>>,
    pub sha256: Option<Text<'l>>,
}

/// `gates`
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the members are those of section 2 of the model")]
pub struct Gate<'l> {
    #[serde(borrow)]
    pub gate_id: Text<'l>,
    pub status: Text<'l>,
}

/// `guard_evals`
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the members are those of section 2 of the model")]
pub struct GuardEval<'l> {
    #[serde(borrow)]
    pub decision: Option<Text<'l>>,
    #[serde(default)]
    pub evidence_refs: Vec<Text<'l>>,
    pub guard_id: Text<'l>,
    #[serde(default)]
    pub reason_codes: Vec<Text<'l>>,
    pub status: Text<'l>,
}

/// `remedy`
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the members are those of section 2 of the model")]
pub struct Remedy<'l> {
    #[serde(borrow)]
    pub kind: Text<'l>,
    pub r#ref: Option<Text<'l>>,
    pub sha256: Option<Text<'l>>,
    pub summary: Option<Text<'l>>,
}

/// `task_spec`
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the members are those of section 3 of the model")]
pub struct TaskSpec<'l> {
    #[serde(borrow)]
    pub action: Action<'l>,
    pub failure_reason_code: Text<'l>,
    pub scope: Text<'l>,
    pub target: Target<'l>,
    pub versions: Option<BTreeMap<Text<'l>, Text<'l>>>,
}

/// `action`
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the members are those of section 3 of the model")]
pub struct Action<'l> {
    #[serde(borrow)]
    pub kind: Text<'l>,
}

/// `target`
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the members are those of section 3 of the model")]
pub struct Target<'l> {
    #[serde(borrow)]
    pub id: Text<'l>,
    pub kind: Text<'l>,
}

/// `tool`
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the members are those of section 2 of the model")]
pub struct Tool<'l> {
    #[serde(borrow)]
    pub config_sha256: Option<Text<'l>>,
    pub name: Text<'l>,
    pub version: Text<'l>,
}

/// Parses every line; gives the number of those that are envelopes.
#[must_use]
pub fn parse(lines: &[&[u8]]) -> usize {
    let sound = |line: &&&[u8]| match serde_json::from_slice::<Borrowed<'_>>(line) {
        Ok(envelope) => black_box(&envelope).sequence > 0,
        Err(_) => false,
    };
    lines.iter().filter(sound).count()
}

/// The lengths of all that is hashed for an envelope.
#[derive(Clone, Copy, Debug)]
pub struct Hashed {
    /// The canonical envelope.
    pub digest: usize,
    /// The canonical fingerprint.
    pub fingerprint: usize,
    /// The objects of M-60 to M-63.
    pub keys: [usize; 4],
}

impl Hashed {
    /// What is hashed for this envelope.
    #[must_use]
    pub fn of(envelope: &Envelope) -> Self {
        let mut fingerprint = Vec::new();
        canonical::append(&Fingerprint::of(envelope), &mut fingerprint);
        let keys = key_documents(envelope, Sha256Hash::of(&fingerprint)).map(|document| document.len());
        Self { digest: envelope.to_canonical().len(), fingerprint: fingerprint.len(), keys }
    }
}

/// The canonical bytes of M-60 to M-63, written out.
fn key_documents(envelope: &Envelope, fingerprint_hash: Sha256Hash) -> [String; 4] {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let spec = &envelope.task_spec;
    let [group, run, task] =
        [envelope.group_id.as_str(), envelope.run_id.as_str(), envelope.task_id.as_str()].map(quoted);
    let [id, kind] = [spec.target.id.as_str(), spec.target.kind.as_str()].map(quoted);
    let (action, code, scope) = (&spec.action.kind, &spec.failure_reason_code, spec.scope);
    [
        format!(
            r#"{{"binder_version":"v1","domain":"dome.idempotency/1","group_id":{group},"run_id":{run},"task_id":{task}}}"#
        ),
        format!(
            r#"{{"action_kind":"{action}","binder_version":"v1","domain":"dome.derived/1","failure_reason_code":"{code}","fingerprint_hash":"{fingerprint_hash}","scope":"{scope}","target_id":{id},"target_kind":{kind}}}"#
        ),
        format!(
            r#"{{"action_kind":"{action}","domain":"dome.line/1","scope":"{scope}","target_id":{id},"target_kind":{kind}}}"#
        ),
        format!(
            r#"{{"action_kind":"{action}","binder_version":"v1","domain":"dome.concept/1","failure_reason_code":"{code}","fingerprint_hash":"{fingerprint_hash}","target_kind":{kind}}}"#
        ),
    ]
}

/// Hashes as many bytes as each length says, one message each, warm as they are when just written.
pub fn hash(lengths: impl Iterator<Item = usize>) {
    let bytes = vec![b'x'; 1 << 17];
    for length in lengths {
        black_box(Sha256Hash::of(bytes.get(..length).expect("a synthetic line is shorter than 128 KiB")));
    }
}

/// Writes the same bytes again, row by row.
#[must_use]
pub fn write(rows: &[u8]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(rows.len());
    rows.split_inclusive(|byte| *byte == b'\n').for_each(|row| copy.extend_from_slice(row));
    copy
}

/// Whether the documents that are measured are the ones that keys are made of.
#[must_use]
pub fn is_faithful(envelope: &Envelope) -> bool {
    let keys = Keys::of(envelope);
    let documents = key_documents(envelope, keys.fingerprint_hash).map(|document| Sha256Hash::of(document.as_bytes()));
    documents == [keys.idempotency, keys.derived, keys.line, keys.concept]
}

#[cfg(test)]
mod tests {
    use crate::synthetic;

    #[test]
    fn the_ceiling_reads_and_hashes_what_the_model_does() {
        let bytes = synthetic(1_000, 3);
        let lines: Vec<&[u8]> = dome_core::lines(&bytes, 1, 0).map(|line| line.bytes).collect();
        let envelopes: Vec<_> = lines.iter().filter_map(|line| dome_core::read(line).ok()).collect();
        assert!(super::parse(&lines) >= envelopes.len());
        assert!(envelopes.iter().all(super::is_faithful));
    }
}
