//! Digests of bytes and of JSON values.

use std::fmt::Write as _;

use dome_core::canonical;
use schema_compat::json;
use sha2::{Digest, Sha256};

/// SHA-256 of bytes, as 64 lower-case hex digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of the canonical bytes of a file (RFC 8785); `None` if it is not JSON, or holds a float.
pub(crate) fn canonical_sha256(bytes: &[u8]) -> Option<String> {
    let value = json::parse(bytes).ok()?;
    canonical::to_vec(&value).ok().map(|bytes| sha256_hex(&bytes))
}
