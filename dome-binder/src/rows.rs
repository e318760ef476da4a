//! Rows of `facts.jsonl` and `lineage.jsonl`, their members in canonical order (M-120).

use dome_core::{EventId, Keys, RunId, Sha256Hash, Source, Timestamp, WrapperPolicy, canonical};
use serde::Serialize;

use crate::fold::{Bound, Rules};
use crate::settle::Fact;
use crate::trigger::Triggers;

/// The members of a fact's row that stand behind its envelope.
#[derive(Serialize)]
struct Behind {
    fingerprint_hash: Sha256Hash,
    idempotency_key: Sha256Hash,
    line_key: Sha256Hash,
    minted: bool,
    mode: WrapperPolicy,
    ordered_ts: Timestamp,
    triggers: Triggers,
}

/// The JSON Schema of a row of `facts.jsonl`.
#[cfg(feature = "schema")]
#[must_use]
pub fn fact_schema() -> schemars::Schema {
    #[derive(schemars::JsonSchema)]
    #[schemars(rename = "Fact")]
    #[expect(dead_code, reason = "it is described, never made")]
    struct Fact {
        derived_key: Sha256Hash,
        digest: Sha256Hash,
        envelope: dome_core::Envelope,
        fingerprint_hash: Sha256Hash,
        idempotency_key: Sha256Hash,
        line_key: Sha256Hash,
        minted: bool,
        mode: WrapperPolicy,
        ordered_ts: Timestamp,
        triggers: Vec<crate::trigger::Trigger>,
    }
    dome_core::schema::of_output::<Fact>()
}

/// What a row of `facts.jsonl` takes of its fact, for who holds no more than that: [`append_fact`]
/// takes it of a whole one.
#[derive(Clone, Copy, Debug)]
pub struct FactBytes<'f> {
    /// The canonical envelope: the bytes that its digest is over.
    pub canonical: &'f [u8],
    /// Its keys.
    pub keys: &'f Keys,
    /// The policy that it declares.
    pub wrapper_policy: WrapperPolicy,
    /// Its ordered time (M-42).
    pub ordered_ts: Timestamp,
}

impl FactBytes<'_> {
    /// Appends the row, with its line feed.
    pub fn append(&self, bound: &Bound, rules: &Rules, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(b"{\"derived_key\":");
        canonical::append(&self.keys.derived, bytes);
        bytes.extend_from_slice(b",\"digest\":");
        canonical::append(&self.keys.digest, bytes);
        bytes.extend_from_slice(b",\"envelope\":");
        bytes.extend_from_slice(self.canonical);
        let behind = Behind {
            fingerprint_hash: self.keys.fingerprint_hash,
            idempotency_key: self.keys.idempotency,
            line_key: self.keys.line,
            minted: bound.minted,
            mode: rules.mode_of(self.wrapper_policy),
            ordered_ts: self.ordered_ts,
            triggers: bound.triggers,
        };
        let brace = bytes.len();
        canonical::append(&behind, bytes);
        if let Some(brace) = bytes.get_mut(brace) {
            *brace = b',';
        }
        bytes.push(b'\n');
    }
}

/// Appends a row of `facts.jsonl`, with its line feed. `canonical` is the fact's envelope, copied as
/// the bytes that its digest is over.
pub fn append_fact(fact: &Fact, canonical: &[u8], bound: &Bound, rules: &Rules, bytes: &mut Vec<u8>) {
    let (wrapper_policy, ordered_ts) = (fact.wrapper_policy, fact.ordered_ts);
    let keys = &fact.keys.keys();
    FactBytes { canonical, keys, wrapper_policy, ordered_ts }.append(bound, rules, bytes);
}

/// A row of `lineage.jsonl`: where a fact first appeared (M-43).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of M-120, under their names")]
pub struct Lineage<'f> {
    pub digest: Sha256Hash,
    pub event_id: &'f EventId,
    pub run_id: &'f RunId,
    pub sequence: u64,
    pub source: &'f Source,
}

impl<'f> Lineage<'f> {
    /// The lineage of a fact.
    #[must_use]
    pub fn of(fact: &'f Fact) -> Self {
        Self {
            digest: fact.keys.digest,
            event_id: &fact.event_id,
            run_id: &fact.run_id,
            sequence: fact.sequence,
            source: &fact.source,
        }
    }
}

/// Appends a row whose type declares its members in canonical order, with its line feed.
pub fn append_row<T: Serialize>(row: &T, bytes: &mut Vec<u8>) {
    canonical::append(row, bytes);
    bytes.push(b'\n');
}
