//! Looking at records before they are worked on.
//!
//! Records lie wherever there was room when they were read, and are worked on in other orders, so that nearly
//! each look at one waits for memory. Looks that do not depend on each other wait at the same time: who looks at
//! all records of a batch first waits about once for many.

use std::hint::black_box;

use dome_core::{Sha256Hash, Status};

use crate::record::Record;

/// Looks at everything in the records themselves and in what they share that folds and rows need.
///
/// It changes nothing, and is worth its while for some ten to some hundred records at a time.
///
/// ```
/// use dome_binder::{Record, touch};
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// touch(&[Record::new(envelope, dome_core::Source { line: 1, name: "a.jsonl".into() })]);
/// # Ok::<(), dome_core::Rejection>(())
/// ```
pub fn touch<'r, R: IntoIterator<Item = &'r Record>>(records: R)
where
    R::IntoIter: Clone,
{
    let records = records.into_iter();
    black_box(records.clone().map(own).fold(0, u64::wrapping_add));
    black_box(records.map(shared).fold(0, u64::wrapping_add));
}

/// Members from all over a record.
fn own(record: &Record) -> u64 {
    let ids = record.event_id.as_str().len() ^ record.run_id.as_str().len() ^ record.task_id.as_str().len();
    let texts = ids ^ record.group_id.as_str().len() ^ record.gates.len();
    let hashes = first(&record.keys.digest) ^ first(&record.keys.idempotency);
    let numbers = record.source.line ^ record.sequence ^ record.duration_ms().unwrap_or_default();
    numbers ^ hashes ^ texts as u64 ^ u64::from(record.lane.is_some())
}

fn shared(record: &Record) -> u64 {
    let keys = &record.keys;
    let line = keys.task_line.target_id.as_str().len();
    let gate = record.gates.first().is_some_and(|gate| gate.status == Status::Fail);
    first(&keys.derived) ^ first(&keys.fingerprint_hash) ^ first(&keys.line) ^ u64::from(gate) ^ line as u64
}

fn first(hash: &Sha256Hash) -> u64 {
    u64::from(hash.as_bytes().first().copied().unwrap_or_default())
}
