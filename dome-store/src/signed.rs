//! Documents that a store keeps beside its log, each with a digest of itself. One is replaced whole, never written into,
//! and is no part of what the log is the truth of. The digest is against accidents: whoever may write to the store may
//! write these as well.

use std::collections::BTreeMap;

use dome_core::{Sha256Hash, canonical, escaped_path};
use dome_replay::error::{Error, Invariant, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::folder::StoreFolder;

/// A document of a store, as its members are written; it is of one store.
pub(crate) trait SignedDocument: Serialize + DeserializeOwned {
    /// Its file.
    const NAME: &'static str;
    /// Under which name its members stand, beside their digest.
    const MEMBER: &'static str;
    /// The version of it that is written and read.
    const VERSION: &'static str;
    /// More than it ever takes.
    const MOST_BYTES: u64;
    /// What mends a damaged one: a command up to the path of the store, and what that does.
    const MEND: (&'static str, &'static str);

    /// The identity of the store that it is of.
    fn store(&self) -> &str;

    /// Whether dome could have written it.
    fn is_possible(&self) -> bool;
}

/// The document of a store with this identity; `None` where there is none.
///
/// # Errors
///
/// When it is damaged, of another store or of another version: nobody knows then what it said.
pub(crate) fn read<D: SignedDocument>(folder: &StoreFolder, store: &str) -> Result<Option<D>> {
    let Some(bytes) = folder.bytes(D::NAME, D::MOST_BYTES)? else { return Ok(None) };
    let damaged = || refused::<D>(folder, "is damaged: it is not what dome wrote");
    let document: Value = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
    let (digest, body) = (document.get("digest").and_then(Value::as_str), document.get(D::MEMBER));
    let body = body.ok_or_else(damaged)?;
    let found = canonical::to_vec(body).map(|bytes| Sha256Hash::of(&bytes).to_string()).map_err(|_| damaged())?;
    if digest != Some(found.as_str()) {
        return Err(damaged());
    }
    if body.get("format_version").and_then(Value::as_str) != Some(D::VERSION) {
        return Err(refused::<D>(folder, "is of another version of dome"));
    }
    let read: D = serde_json::from_value(body.clone()).map_err(|_| damaged())?;
    match (read.store() == store, read.is_possible()) {
        (false, _) => Err(refused::<D>(folder, "is of another store")),
        (_, false) => Err(damaged()),
        _ => Ok(Some(read)),
    }
}

/// What is wrong with a document, and what mends it.
pub(crate) fn refused<D: SignedDocument>(folder: &StoreFolder, why: &str) -> Error {
    let (named, (command, mends), path) = (folder.named(D::NAME), D::MEND, escaped_path(folder.path()));
    Error::invalid(format!("`{named}` {why}; `{command} {path}` {mends}"))
}

/// Replaces what stands there: whole, or not at all.
///
/// # Errors
///
/// When it takes more than is ever read, or cannot be written.
pub(crate) fn write<D: SignedDocument>(folder: &StoreFolder, document: &D) -> Result<()> {
    let body = canonical::to_vec(document).invariant("a document of a store has canonical bytes")?;
    let members = serde_json::to_value(document).invariant("a document of a store is JSON")?;
    let signed = BTreeMap::from([("digest", json!(Sha256Hash::of(&body).to_string())), (D::MEMBER, members)]);
    let mut bytes = canonical::to_vec(&signed).invariant("a document of a store has canonical bytes")?;
    bytes.push(b'\n');
    if bytes.len() as u64 > D::MOST_BYTES {
        let (named, most, found) = (folder.named(D::NAME), D::MOST_BYTES, bytes.len());
        return Err(Error::usage(format!(
            "`{named}` would take {found} bytes, and may take {most}; nothing was changed"
        )));
    }
    folder.replace(D::NAME, &bytes)
}
