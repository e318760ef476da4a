//! What the engine writes, held to the pure functions.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod engine;
