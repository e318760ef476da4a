//! The tool conformance gate, until the tests of this crate are one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "conform/mod.rs"]
mod conform;
#[path = "cli/harness.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod harness;
