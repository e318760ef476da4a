//! Rows of `facts.jsonl` and `lineage.jsonl`, their members in canonical order (M-120).

use dome_core::{EventId, RunId, Sha256Hash, Source, Timestamp, WrapperPolicy, canonical};
use serde::Serialize;

use crate::fold::Bound;
use crate::settle::Fact;
use crate::trigger::Triggers;

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

const DERIVED: &[u8] = b"{\"derived_key\":";
const DIGEST: &[u8] = b",\"digest\":";
const ENVELOPE: &[u8] = b",\"envelope\":";

/// The offset of the canonical envelope in a row of `facts.jsonl`: a row that was rendered without one is completed by
/// inserting it there.
pub const ENVELOPE_AT: usize = DERIVED.len() + DIGEST.len() + ENVELOPE.len() + 2 * (64 + 2);

/// Appends a row of `facts.jsonl`, with its line feed, of a fact that was bound under `mode` (M-70). `envelope` is its
/// canonical envelope, copied as the bytes that its digest is over.
pub fn append_fact(mode: WrapperPolicy, fact: &Fact, envelope: &[u8], bound: &Bound, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(DERIVED);
    canonical::append(&fact.keys.derived, bytes);
    bytes.extend_from_slice(DIGEST);
    canonical::append(&fact.keys.digest, bytes);
    bytes.extend_from_slice(ENVELOPE);
    bytes.extend_from_slice(envelope);
    let behind = Behind {
        fingerprint_hash: fact.keys.fingerprint_hash,
        idempotency_key: fact.keys.idempotency,
        line_key: fact.keys.line,
        minted: bound.minted,
        mode,
        ordered_ts: fact.ordered_ts,
        triggers: bound.triggers,
    };
    let brace = bytes.len();
    canonical::append(&behind, bytes);
    if let Some(brace) = bytes.get_mut(brace) {
        *brace = b',';
    }
    bytes.push(b'\n');
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
