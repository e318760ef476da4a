//! Digests of bytes and of JSON values.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 of bytes, as 64 lower-case hex digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The canonical (RFC 8785) bytes of a JSON value; `None` if it has none.
pub(crate) fn canonical_bytes(value: &Value) -> Option<Vec<u8>> {
    serde_jcs::to_vec(value).ok()
}

/// SHA-256 of the canonical bytes of a file; `None` if it is not JSON.
pub(crate) fn canonical_sha256(bytes: &[u8]) -> Option<String> {
    let value = serde_json::from_slice::<Value>(bytes).ok()?;
    canonical_bytes(&value).map(|bytes| sha256_hex(&bytes))
}
