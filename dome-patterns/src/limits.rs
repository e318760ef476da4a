//! Every limit of the patterns. Units come last; a limit is inclusive.

use dome_core::limits as core;

pub(crate) const ITEMS: usize = 65_536;
pub(crate) const INPUT_BYTES: u64 = 1_048_576;
pub(crate) const OUTPUT_BYTES: u64 = 65_536;
pub(crate) const TOTAL_OUTPUT_BYTES: u64 = OUTPUT_BYTES * ITEMS as u64;
/// A day.
pub(crate) const WORKER_TIME_MS: u64 = 86_400_000;
pub(crate) const TOTAL_TIME_MS: u64 = WORKER_TIME_MS * ITEMS as u64;
/// Problems that a failure lists.
pub(crate) const PROBLEMS: usize = 16;
pub(crate) const CONTRACT_BYTES: usize = 65_536;
/// Arrays and objects within each other; the output itself is level 1.
pub(crate) const CONTRACT_LEVELS: usize = 8;
pub(crate) const MEMBERS: usize = 64;
/// Words of one choice.
pub(crate) const WORDS: usize = 256;
pub(crate) const WORD_BYTES: usize = 64;
/// Entries of one array of an output.
pub(crate) const ENTRIES: u64 = 1_024;
pub(crate) const TEXT_BYTES: u64 = 4_096;

const _: () = {
    assert!(TOTAL_OUTPUT_BYTES <= core::SAFE_INTEGER && TOTAL_TIME_MS <= core::SAFE_INTEGER);
    assert!(OUTPUT_BYTES <= core::LINE_BYTES as u64, "an output is read as a line is");
    assert!(CONTRACT_LEVELS < core::DEPTH_LEVELS, "the reader sees deeper than any contract");
    assert!(TEXT_BYTES <= OUTPUT_BYTES && WORD_BYTES <= core::IDENTIFIER_BYTES);
    assert!(PROBLEMS * 4_096 <= core::MESSAGE_BYTES, "a failure's problems fit into a message");
};
