//! What the engine writes, held to the pure functions.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod engine;
mod golden;
