//! Memory layers: authority, promotion, what is read, what is kept, the dump.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod events;
mod guards;
mod history;
mod kept;
mod promotion;
mod reading;

use dome_core::{RunId, Sha256Hash, Source, TargetId, Timestamp};
use dome_patterns::{LayeredMemory, LowerLayer, MemoryValue, Provenance, Retired, WrittenEntry};

pub(crate) const LOWER: [LowerLayer; 3] = [LowerLayer::Working, LowerLayer::Session, LowerLayer::Profile];

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_770_000_000 + seconds, 0).unwrap()
}

pub(crate) fn key(text: &str) -> TargetId {
    text.parse().unwrap()
}

pub(crate) fn text(text: &str) -> MemoryValue {
    text.parse().unwrap()
}

/// The fact of a number, in the run of a number.
pub(crate) fn fact(number: u64, run: u64) -> Provenance {
    let source = Source { line: number + 1, name: "night.jsonl".into() };
    let run_id = format!("run-{run}").parse().unwrap();
    Provenance { digest: Sha256Hash::of(&number.to_be_bytes()), run_id, source }
}

pub(crate) fn run() -> RunId {
    "run-0".parse().unwrap()
}

/// Live and retired entries of all layers below the authoritative one.
pub(crate) fn entries(memory: &LayeredMemory) -> usize {
    let lower = memory.lower().values().map(|entries| entries.live.len() + entries.retired.len());
    lower.sum::<usize>() + memory.synthesised().live.len() + memory.synthesised().retired.len()
}

pub(crate) fn retired(memory: &LayeredMemory, layer: LowerLayer) -> &[Retired<WrittenEntry>] {
    &memory.lower()[&layer].retired
}
