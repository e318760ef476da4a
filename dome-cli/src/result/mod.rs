//! Reading the result of a replay back: the directory of M-120 as values again (L-10).
//!
//! [`ResultDir`] is the door for every verb that takes `--from DIR`. What it hands out is checked
//! against the digests of the manifest, so that nobody answers from a file that was edited.

mod directory;
mod facts;
mod manifest;

pub(crate) use directory::{ResultDir, manifest_bytes};
pub(crate) use facts::{FactRow, source_of};
pub(crate) use manifest::Named;

/// The file of the facts.
pub(crate) const FACTS: &str = "facts.jsonl";
/// The file of where they came from.
pub(crate) const LINEAGE: &str = "lineage.jsonl";
/// The manifest itself.
pub(crate) const MANIFEST: &str = "manifest.json";
