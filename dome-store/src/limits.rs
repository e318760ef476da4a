//! How much is held, and when something is full.

use std::time::Duration;

/// The limits of a store and of whoever writes to it. They are values, so that a test can have others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A segment of the log that has grown to this many bytes is full.
    pub segment_bytes: u64,
    /// A state is put into the log when it has grown by this many bytes since the last one, or by four times the bytes
    /// of that, whichever is more. Opening a store reads about as much.
    pub state_bytes: u64,
    /// Bytes of lines that a batch holds, but for its last line.
    pub batch_bytes: usize,
    /// Lines that a batch holds.
    pub batch_lines: usize,
    /// How long the first line of a batch waits for others, where lines come as they happen.
    pub batch_age: Duration,
    /// Bytes of a file in the inbox; a longer one is moved aside.
    pub inbox_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            state_bytes: 1 << 20,
            batch_bytes: 8 << 20,
            batch_lines: 1_000,
            batch_age: Duration::from_millis(500),
            inbox_bytes: 1 << 30,
        }
    }
}
