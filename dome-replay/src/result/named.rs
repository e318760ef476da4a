//! What a manifest names: the versions and rules that a result was computed under (M-120, L-10).

use std::collections::BTreeMap;

use dome_binder::{Policy, Rules};
use dome_core::json::pointer_step;
use dome_core::{BinderVersion, CodeTable, Sha256Hash, Timestamp};
use serde_json::Value;

use super::file::FileEntry;

/// A manifest that was read back. Members that a reader has no use for stay in [`Named::document`].
#[derive(Clone, Debug)]
pub struct Named {
    /// The whole document.
    pub document: Value,
    /// The instant that staleness was measured at.
    pub as_of: Option<Timestamp>,
    /// The rules that bound the facts.
    pub binder: BinderVersion,
    /// Every other file, with its digest and lines.
    pub files: BTreeMap<String, FileEntry>,
    /// The instant after which lines were refused.
    pub not_after: Option<Timestamp>,
    /// The policy, the reason-code table and the mode.
    pub rules: Rules,
    /// Which facts these are.
    pub snapshot_digest: Sha256Hash,
}

/// Why a document is not a manifest that this build reads.
#[derive(Debug, thiserror::Error)]
pub enum NotNamed {
    /// It is no JSON at all.
    #[error("not JSON: {0}")]
    Json(serde_json::Error),
    /// It says another version of the layout.
    #[error("`/format_version`: this build reads results of format `1`, found {found}")]
    Version {
        /// What stands there.
        found: String,
    },
    /// A member is missing or not what it should be.
    #[error("`{pointer}`: {why}")]
    Member {
        /// Which one, as a JSON Pointer.
        pointer: String,
        /// What is wrong.
        why: String,
    },
}

impl NotNamed {
    /// Where in the document.
    pub fn pointer(&self) -> &str {
        match self {
            Self::Json(_) => "",
            Self::Version { .. } => "/format_version",
            Self::Member { pointer, .. } => pointer,
        }
    }
}

impl Named {
    /// Reads the document.
    ///
    /// # Errors
    ///
    /// When it is not a manifest of format 1, or names a version, policy or table that this build
    /// cannot go by.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotNamed> {
        let document: Value = serde_json::from_slice(bytes).map_err(NotNamed::Json)?;
        match document.get("format_version").and_then(Value::as_str) {
            Some("1") => {}
            _ => {
                let found = document.get("format_version").map_or_else(|| "none".to_owned(), Value::to_string);
                return Err(NotNamed::Version { found });
            }
        }
        let binder = word(&document, "binder_version")?;
        let policy = Policy::parse(&bytes_of(&document, "policy")).map_err(|why| member("policy", why))?;
        let codes =
            CodeTable::parse(&bytes_of(&document, "reason_codes")).map_err(|why| member("reason_codes", why))?;
        Ok(Self {
            as_of: optional(&document, "as_of")?,
            binder,
            files: files(&document)?,
            not_after: optional(&document, "not_after")?,
            rules: Rules { policy, codes, mode: optional(&document, "mode")? },
            snapshot_digest: word(&document, "snapshot_digest")?,
            document,
        })
    }
}

fn member(name: &str, why: impl std::fmt::Display) -> NotNamed {
    NotNamed::Member { pointer: format!("/{name}"), why: why.to_string() }
}

fn bytes_of(document: &Value, name: &str) -> Vec<u8> {
    document.get(name).map(Value::to_string).unwrap_or_default().into_bytes()
}

fn optional<T: std::str::FromStr<Err: std::fmt::Display>>(document: &Value, name: &str) -> Result<Option<T>, NotNamed> {
    let Some(value) = document.get(name) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| member(name, format!("expected a string, found {value}")))?;
    text.parse().map(Some).map_err(|why| member(name, format!("{why}, found `{text}`")))
}

fn word<T: std::str::FromStr<Err: std::fmt::Display>>(document: &Value, name: &str) -> Result<T, NotNamed> {
    optional(document, name)?.ok_or_else(|| member(name, "it is missing"))
}

fn files(document: &Value) -> Result<BTreeMap<String, FileEntry>, NotNamed> {
    let listed = document.get("files").and_then(Value::as_object).ok_or_else(|| member("files", "it is missing"))?;
    let entry = |(name, entry): (&String, &Value)| {
        let wrong = || member(&format!("files/{}", pointer_step(name)), "expected `lines` and `sha256`");
        let lines = entry.get("lines").and_then(Value::as_u64).ok_or_else(wrong)?;
        let sha256 =
            entry.get("sha256").and_then(Value::as_str).and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
        Ok((name.clone(), FileEntry { lines, sha256 }))
    };
    listed.iter().map(entry).collect()
}
