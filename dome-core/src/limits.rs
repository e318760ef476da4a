//! Every limit of the model, in one place (M-03, M-04, M-12, M-14 and section 2).
//!
//! Units stand last in the names. A limit is inclusive: a value equal to it is still accepted.

/// Bytes in one line, without its end and without a byte order mark (M-14).
pub const LINE_BYTES: usize = 1_048_576;
/// Levels of nesting in one line; the root is level 1 (M-14).
pub const DEPTH_LEVELS: usize = 32;
/// The largest integer that every JSON reader keeps exactly: 2^53 - 1 (M-01).
pub const SAFE_INTEGER: u64 = 9_007_199_254_740_991;
/// Bytes in a `kind` token (M-03).
pub const TOKEN_BYTES: usize = 64;
/// Bytes in an identifier (M-03).
pub const IDENTIFIER_BYTES: usize = 512;
/// Bytes in a reason code (M-04).
pub const REASON_CODE_BYTES: usize = 128;
/// Bytes in an evidence path or a remedy's `ref` (M-12).
pub const PATH_BYTES: usize = 4_096;
/// Bytes in a `message` (section 2).
pub const MESSAGE_BYTES: usize = 65_536;
/// Bytes in a remedy's `summary` (section 2).
pub const SUMMARY_BYTES: usize = 280;
/// Entries in `gates` (M-14).
pub const GATES: usize = 1_024;
/// Entries in `guard_evals` (M-14).
pub const GUARD_EVALS: usize = 1_024;
/// Entries in `evidence` (section 2).
pub const EVIDENCE: usize = 256;
/// Entries in any array without a limit of its own (M-14).
pub const ARRAY: usize = 1_024;
/// Members of `env`, of `labels` and of `versions` (section 2 and M-14).
pub const MAP_MEMBERS: usize = 64;
/// The greatest `attempts` (section 2).
pub const ATTEMPTS: u64 = 1_000_000;
/// Lines that a message template keeps (M-53).
pub const TEMPLATE_LINES: usize = 8;
/// Bytes that a message template keeps (M-53).
pub const TEMPLATE_BYTES: usize = 1_024;
/// Characters of an offending text that a problem's message quotes (M-30).
pub const QUOTE_CHARS: usize = 80;
/// Bytes of a rejected line that a quarantine row keeps (M-31).
pub const RAW_BYTES: usize = 4_096;

const _: () = {
    assert!(SAFE_INTEGER == (1 << 53) - 1);
    assert!(MESSAGE_BYTES < LINE_BYTES, "a message must fit into a line");
    assert!(TEMPLATE_BYTES < MESSAGE_BYTES, "a template shortens");
    assert!(LINE_BYTES < u32::MAX as usize, "places in a line are 32 bits wide");
    assert!(DEPTH_LEVELS < 64, "reading recurses once a level");
    assert!(IDENTIFIER_BYTES < LINE_BYTES && PATH_BYTES < LINE_BYTES);
};
