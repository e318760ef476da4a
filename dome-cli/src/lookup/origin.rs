//! What an index is of: a result or a store, as it stands now.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use dome_binder::Rules;
use dome_core::Sha256Hash;

use super::Indexing;
use super::rows::Rows;
use crate::known::At;
use crate::result::{FACTS, LINEAGE, ResultDir, manifest_bytes};
use crate::store::Acknowledged;

/// Bytes of facts from which an index is worth its place.
const WORTH_BYTES: u64 = 16 << 20;

/// A result or a store, and the place of its index.
pub(super) struct Origin {
    index: PathBuf,
    at: Place,
}

pub(super) enum Place {
    Result(Box<ResultDir>),
    Store(PathBuf),
}

impl Origin {
    /// The origin, if it is to have an index.
    pub(super) fn of(at: &At, indexing: Indexing) -> anyhow::Result<Option<Self>> {
        if indexing == Indexing::Never {
            return Ok(None);
        }
        let origin = match (at.store(), at.result()) {
            (Some(store), _) => Self { index: store.join("lookup.dome-index"), at: Place::Store(store.to_owned()) },
            (None, result) => {
                let place = Place::Result(Box::new(ResultDir::open(result)?));
                match beside(result) {
                    Some(index) => Self { index, at: place },
                    None => return Ok(None),
                }
            }
        };
        let worth = indexing == Indexing::Always || origin.bytes()? >= WORTH_BYTES;
        Ok(worth.then_some(origin))
    }

    pub(super) fn index(&self) -> &Path {
        &self.index
    }

    pub(super) const fn place(&self) -> &Place {
        &self.at
    }

    pub(super) fn path(&self) -> &Path {
        match &self.at {
            Place::Result(result) => result.path(),
            Place::Store(store) => store,
        }
    }

    fn bytes(&self) -> anyhow::Result<u64> {
        match &self.at {
            Place::Result(result) => Ok(fs::metadata(result.path().join(FACTS)).map_or(0, |facts| facts.len())),
            Place::Store(store) => Ok(Acknowledged::of(store)?.bytes),
        }
    }

    /// What the index must be of: the digest of the manifest, and for a result the files that it was
    /// read from as they were then, so that one that was touched is read and checked again.
    pub(super) fn identity(&self) -> anyhow::Result<String> {
        match &self.at {
            Place::Result(result) => {
                let manifest = Sha256Hash::of(&manifest_bytes(result.path())?);
                let stamps = [FACTS, LINEAGE].map(|name| stamp(&result.path().join(name)));
                let [facts, lineage] = stamps;
                Ok(format!("result {manifest} {} {}", facts?, lineage?))
            }
            Place::Store(store) => Ok(format!("store {}", Acknowledged::of(store)?.digest)),
        }
    }

    pub(super) fn rules(&self) -> anyhow::Result<Rules> {
        match &self.at {
            Place::Result(result) => Ok(result.rules().clone()),
            Place::Store(store) => Acknowledged::of(store)?.rules(),
        }
    }

    pub(super) fn rows(&self) -> anyhow::Result<Rows> {
        match &self.at {
            Place::Result(result) => {
                let path = result.path().join(FACTS);
                let file = File::open(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
                Ok(Rows::Result(file, result.clone()))
            }
            Place::Store(store) => Ok(Rows::store(store)),
        }
    }
}

/// `NAME.dome-index` beside a result; none beside what has no name.
fn beside(result: &Path) -> Option<PathBuf> {
    let whole = fs::canonicalize(result).ok()?;
    let name = whole.file_name()?.to_str()?;
    Some(whole.with_file_name(format!("{name}.dome-index")))
}

/// A file as it was last touched.
fn stamp(path: &Path) -> anyhow::Result<String> {
    let found = fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let times = [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()];
    let [modified, modified_ns, changed, changed_ns] = times;
    Ok(format!("{}:{}:{modified}.{modified_ns}:{changed}.{changed_ns}", found.ino(), found.len()))
}
