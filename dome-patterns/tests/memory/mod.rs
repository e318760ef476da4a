//! Memory layers: authority, promotion, what is read, what is kept, the dump.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod dump;
mod events;
mod guards;
mod history;
mod kept;
mod promotion;
mod reading;

use dome_core::{Sha256Hash, Source, Timestamp};
use dome_patterns::{Lineage, Memory, MemoryValue};

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_770_000_000 + seconds, 0).unwrap()
}

pub(crate) fn key(text: &str) -> dome_patterns::Key {
    text.parse().unwrap()
}

pub(crate) fn text(text: &str) -> MemoryValue {
    text.try_into().unwrap()
}

/// The fact of a number, in the run of a number.
pub(crate) fn fact(number: u64, run: u64) -> Lineage {
    let source = Source { line: number + 1, name: "night.jsonl".into() };
    Lineage::new(Sha256Hash::of(&number.to_be_bytes()), format!("run-{run}").parse().unwrap(), source).unwrap()
}

/// Live, retired and synthesised entries of all lower layers.
pub(crate) fn entries(memory: &Memory) -> usize {
    let dump: serde_json::Value = serde_json::from_slice(&memory.dump()).unwrap();
    let layers = ["working", "session", "profile", "synthesised"];
    let count = |layer: &str, part: &str| dump[layer][part].as_array().unwrap().len();
    layers.iter().map(|layer| count(layer, "live") + count(layer, "retired")).sum()
}
