//! The tool conformance gate, with real tools, a real interpreter and the real kernel.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "conform/escapes.rs"]
mod escapes;
#[path = "conform/gate.rs"]
mod gate;
#[path = "cli/harness.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod harness;
#[path = "conform/priors.rs"]
mod priors;
#[path = "conform/tools.rs"]
mod tools;
