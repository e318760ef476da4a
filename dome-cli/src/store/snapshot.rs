//! A store as it was acknowledged at one moment, derived from its log: what questions are asked of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dome_binder::{Replay, Rules};
use dome_core::{QuarantineRow, Sha256Hash, Source, canonical};

use super::history::History;
use super::log::{Log, Segments, StoreManifest};
use super::settings::StoreSettings;
use crate::lookup::RowPlace;
use crate::output::note;
use crate::replay;

/// Everything that a store comes to.
pub(crate) struct Snapshot {
    pub(crate) path: PathBuf,
    pub(crate) rules: Rules,
    pub(crate) replay: Replay,
    pub(crate) quarantine: Vec<QuarantineRow>,
    pub(crate) blank: u64,
    /// Which facts these are.
    pub(crate) digest: Sha256Hash,
}

impl Snapshot {
    /// Reads a store. What is damaged is told, and the rest is served.
    ///
    /// # Errors
    ///
    /// When no store stands there, or it cannot be read.
    pub(crate) fn read(store: &Path) -> anyhow::Result<Self> {
        Ok(Self::read_with_places(store)?.0)
    }

    /// As [`Snapshot::read`], with where the entry of each source's line stands.
    ///
    /// # Errors
    ///
    /// As [`Snapshot::read`].
    pub(crate) fn read_with_places(store: &Path) -> anyhow::Result<(Self, BTreeMap<Source, RowPlace>)> {
        let log = Log::open(store)?;
        let rules = StoreSettings::rules(&log.manifest.settings)?;
        let mut history = History::read(&log)?;
        for damage in &history.damage {
            note(&format!("dome: {}", super::verify::told(damage)));
        }
        let replay = replay::concluded(history.take_records(), &rules, None);
        let quarantine = history.quarantine(&replay.ledger.conflicts, &mut Segments::of(store))?;
        let (_, blank) = history.lines();
        let digest = replay.ledger.snapshot_digest();
        let snapshot = Self { path: store.to_owned(), rules, replay, quarantine, blank, digest };
        Ok((snapshot, history.places()))
    }
}

/// What a store has acknowledged, without reading its log.
pub(crate) struct Acknowledged {
    manifest: StoreManifest,
    /// Bytes of its log.
    pub(crate) bytes: u64,
    /// The digest of its manifest: another one is another state of the store.
    pub(crate) digest: Sha256Hash,
}

impl Acknowledged {
    /// Reads the manifest of a store.
    ///
    /// # Errors
    ///
    /// When no store stands there, or its manifest cannot be read.
    pub(crate) fn of(store: &Path) -> anyhow::Result<Self> {
        let manifest = Log::open(store)?.manifest;
        let bytes = manifest.segments.iter().map(|segment| segment.length).sum();
        Ok(Self { bytes, digest: Sha256Hash::of(&canonical::to_vec(&manifest)?), manifest })
    }

    /// What its facts are derived by.
    ///
    /// # Errors
    ///
    /// When this build cannot go by them.
    pub(crate) fn rules(&self) -> anyhow::Result<Rules> {
        StoreSettings::rules(&self.manifest.settings)
    }
}
