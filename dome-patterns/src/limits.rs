//! Every limit of the patterns, in one room. Units stand last; a limit is inclusive.

use dome_core::limits as core;

/// Items of one map-reduce, admitted or not.
pub const ITEMS: usize = 65_536;
/// Bytes of one item's input.
pub const INPUT_BYTES: u64 = 1_048_576;
/// Bytes of one output.
pub const OUTPUT_BYTES: u64 = 65_536;
/// Bytes of all outputs together.
pub const TOTAL_OUTPUT_BYTES: u64 = OUTPUT_BYTES * ITEMS as u64;
/// Time of one worker, in milliseconds: a day.
pub const WORKER_TIME_MS: u64 = 86_400_000;
/// Time of all workers together, in milliseconds.
pub const TOTAL_TIME_MS: u64 = WORKER_TIME_MS * ITEMS as u64;
/// Problems that a failure lists.
pub const PROBLEMS: usize = 16;
/// Bytes of a contract's document.
pub const CONTRACT_BYTES: usize = 65_536;
/// Levels of nesting in a contract; the output itself is level 1.
pub const CONTRACT_LEVELS: usize = 8;
/// Members of one object of a contract.
pub const MEMBERS: usize = 64;
/// Words of one allow list.
pub const WORDS: usize = 256;
/// Bytes of a word of an allow list.
pub const WORD_BYTES: usize = 64;
/// Entries of one array of an output.
pub const ENTRIES: u64 = 1_024;
/// Bytes of a text of an output.
pub const TEXT_BYTES: u64 = 4_096;
/// Ready-made reducers of one reduction.
pub const REDUCERS: usize = 64;

/// Bytes of a text that a memory keeps.
pub const MEMORY_TEXT_BYTES: usize = 4_096;
/// Entries of one layer, live and retired ones.
pub const LAYER_ENTRIES: usize = 65_536;
/// Facts that one synthesised entry names.
pub const SUPPORT_FACTS: usize = 256;
/// A time to live, in seconds: ten years.
pub const TTL_S: u64 = 315_360_000;

const _: () = {
    assert!(TOTAL_OUTPUT_BYTES <= core::SAFE_INTEGER && TOTAL_TIME_MS <= core::SAFE_INTEGER);
    assert!(OUTPUT_BYTES <= core::LINE_BYTES as u64, "an output is read as a line is");
    assert!(INPUT_BYTES <= core::LINE_BYTES as u64);
    assert!(CONTRACT_LEVELS < core::DEPTH_LEVELS, "the reader sees deeper than any contract");
    assert!(TEXT_BYTES <= OUTPUT_BYTES && WORD_BYTES <= core::IDENTIFIER_BYTES);
    assert!(PROBLEMS * 4_096 <= core::MESSAGE_BYTES, "a failure's problems fit into a message");
    assert!((TTL_S as u128) < (1 << 63), "a time to live fits into whole seconds");
    assert!(SUPPORT_FACTS <= core::ARRAY);
};
