//! Redaction: no secret of a known shape gets through, ordinary text is left alone, and masking a
//! masked line changes nothing.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod documents;
mod forms;
mod linear;
mod measured;
mod ordinary;
mod planted;
mod shapes;
mod stable;

use std::sync::OnceLock;

use dome_core::redact::{Redaction, RedactionCounts};

/// The built-in rules, compiled once.
fn built_in() -> &'static Redaction {
    static BUILT_IN: OnceLock<Redaction> = OnceLock::new();
    BUILT_IN.get_or_init(Redaction::built_in)
}

/// The line after masking, as text, with what was counted.
fn masked(redaction: &Redaction, line: &[u8]) -> (String, RedactionCounts) {
    let mut counts = RedactionCounts::default();
    let masked = String::from_utf8_lossy(&redaction.redact(line, &mut counts)).into_owned();
    (masked, counts)
}
