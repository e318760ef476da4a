//! `store.json`: how far the log is acknowledged. It is replaced whole, never written into.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use dome_core::{Sha256Hash, canonical};
use serde::{Deserialize, Serialize};

use crate::exit::invalid;

/// Its name in the store.
pub(crate) const NAME: &str = "store.json";
/// The name that it is written under first.
pub(crate) const NEXT: &str = "store.json.next";
/// The version of the layout of a store.
pub(crate) const FORMAT_VERSION: &str = "1";

/// The manifest of a store, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreManifest {
    /// The version of the layout.
    pub(crate) format_version: String,
    /// The position that the next entry gets.
    pub(crate) next_position: u64,
    /// The segments, oldest first; the last one is written to.
    pub(crate) segments: Vec<SegmentEntry>,
    /// What facts are derived by: `mode`, `policy`, `reason_codes`.
    pub(crate) settings: serde_json::Value,
}

/// One segment of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentEntry {
    /// Acknowledged bytes; what stands behind them was never promised.
    pub(crate) length: u64,
    /// The name of the file, in `log/`.
    pub(crate) name: String,
    /// The position of its first entry.
    pub(crate) position: u64,
    /// SHA-256 of the segment, once it is full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Sha256Hash>,
}

/// As it is written: with the digest of the rest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed<M> {
    digest: Sha256Hash,
    store: M,
}

fn digest(manifest: &StoreManifest) -> anyhow::Result<Sha256Hash> {
    Ok(Sha256Hash::of(&canonical::to_vec(manifest)?))
}

impl StoreManifest {
    /// A store without an entry.
    pub(crate) fn new(settings: serde_json::Value) -> Self {
        Self { format_version: FORMAT_VERSION.to_owned(), next_position: 1, segments: Vec::new(), settings }
    }

    /// Reads the manifest; `None` where no store stands.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not what was written.
    pub(crate) fn read(store: &Path) -> anyhow::Result<Option<Self>> {
        let path = store.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        };
        let damaged = || {
            invalid(format!(
                "`{}` is damaged: it is not what dome wrote; the log beside it is the source of truth: `dome store \
                 rebuild --store {}` makes it again from there",
                path.display(),
                store.display()
            ))
        };
        let signed: Signed<Self> = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        if signed.digest != digest(&signed.store)? {
            return Err(damaged());
        }
        if signed.store.format_version != FORMAT_VERSION {
            let found = &signed.store.format_version;
            return Err(invalid(format!("`{}`: expected format_version `1`, found `{found}`", path.display())));
        }
        Ok(Some(signed.store))
    }

    /// Puts the manifest in the place of the one before; when this returns it is on the disk.
    ///
    /// # Errors
    ///
    /// When it cannot be written; the one before is then still whole.
    pub(crate) fn write(&self, store: &Path) -> anyhow::Result<()> {
        let signed = Signed { digest: digest(self)?, store: self };
        let mut bytes = canonical::to_vec(&signed)?;
        bytes.push(b'\n');
        let (next, path) = (store.join(NEXT), store.join(NAME));
        let written = File::create(&next).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        });
        let placed = written.and_then(|()| {
            fs::rename(&next, &path)?;
            File::open(store)?.sync_all()
        });
        if placed.is_err() {
            let _written_again_later = fs::remove_file(&next);
        }
        placed.with_context(|| format!("cannot write `{}`", path.display()))
    }
}
