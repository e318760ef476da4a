//! The tool conformance gate, with real tools, a real interpreter and the real kernel.
#![cfg(feature = "conform")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

mod escapes;
mod gate;
mod priors;
mod tools;
