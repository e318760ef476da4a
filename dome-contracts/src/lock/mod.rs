//! `contracts.lock`: what was pinned, file by file.
//!
//! The lock is JSON, indented, with sorted members: `serde_json` reads and writes it, nothing else
//! has to be taken on, and its own canonical digest is computed like that of any artifact.

mod compute;
mod mismatch;
mod verify;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest;

pub(crate) use compute::REGISTRY;
pub use compute::Source;
pub use mismatch::{Mismatch, MismatchKind};
pub use verify::{verify, verify_locked, verify_since};

/// The version of the lock's own format.
pub const LOCK_VERSION: &str = "1";

/// A lock.
///
/// ```
/// use dome_contracts::{Folder, Lock, verify};
///
/// let folder: Folder = [
///     ("registry.json", r#"{"owner": "me", "version": "1.0"}"#),
///     ("schemas/a.schema.json", r#"{"type": "string"}"#),
/// ].into_iter().collect();
/// let lock = Lock::compute(&folder, "contracts", None)?;
/// assert!(verify(&lock, &folder).is_empty());
/// assert_eq!(Lock::parse(lock.render().as_bytes())?, lock);
/// # Ok::<(), dome_contracts::LockError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The pinned files, by path.
    pub artifacts: BTreeMap<String, Pinned>,
    /// Where the pinned folder is, relative to the lock.
    pub folder: String,
    /// All versions that were ever pinned, in order; the last one is pinned now.
    pub history: Vec<String>,
    /// The version of this format.
    pub lock_version: String,
    /// Whose contracts they are.
    pub source: Source,
}

/// What is known of one pinned file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// SHA-256 of the canonical bytes; absent where the file is not JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical_sha256: Option<String>,
    /// The dialect, where the file is a schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// What its references name, as `FILE#POINTER`, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// SHA-256 of the bytes.
    pub sha256: String,
    /// The version that the file came with.
    pub version: String,
}

/// A lock, or a folder to be locked, that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The lock is not of the expected form.
    #[error("not a lock: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// The lock is of another version of the format.
    #[error("the lock is of format `{found}`, and this program reads `{LOCK_VERSION}`")]
    Version {
        /// The version that it states.
        found: String,
    },
    /// The folder has no `registry.json` that says whose contracts it holds, and of which version.
    #[error("`registry.json` does not say `{member}`")]
    Registry {
        /// The member that is missing or no string.
        member: &'static str,
    },
    /// A schema refers to something that the folder does not hold.
    #[error("`{path}#{pointer}`: `$ref` to `{target}` names nothing in the folder")]
    Unresolved {
        /// The file.
        path: String,
        /// The place in it.
        pointer: String,
        /// What it refers to.
        target: String,
    },
    /// The pinned folder would lie outside the lock's own.
    #[error("the folder `{folder}` is not a relative path without `..`")]
    Folder {
        /// The folder.
        folder: String,
    },
    /// A schema is not JSON.
    #[error("`{path}` is not JSON: {reason}")]
    NotJson {
        /// The file.
        path: String,
        /// What the reader says.
        reason: String,
    },
}

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    ///
    /// [`LockError::Malformed`], [`LockError::Version`] or [`LockError::Folder`].
    pub fn parse(bytes: &[u8]) -> Result<Self, LockError> {
        let malformed = |error: serde_json::Error| LockError::Malformed { reason: error.to_string() };
        let value = serde_json::from_slice::<Value>(bytes).map_err(malformed)?;
        let found = value.get("lock_version").and_then(Value::as_str);
        if let Some(found) = found.filter(|found| *found != LOCK_VERSION) {
            let found = found.to_owned();
            return Err(LockError::Version { found });
        }
        let lock = serde_json::from_slice::<Self>(bytes).map_err(malformed)?;
        compute::check_folder(&lock.folder)?;
        Ok(lock)
    }

    /// The lock as it stands in its file: the same lock is always the same bytes.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// SHA-256 of the lock's canonical bytes: one digest for all that is pinned.
    #[must_use]
    pub fn digest(&self) -> String {
        let bytes = digest::canonical_sha256(self.render().as_bytes());
        bytes.unwrap_or_default()
    }
}
