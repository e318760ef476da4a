//! A store as it was acknowledged at one moment, derived from its log: what questions are asked of.

use std::path::{Path, PathBuf};

use dome_binder::{Replay, Rules};
use dome_core::{QuarantineRow, Sha256Hash};

use super::history::History;
use super::log::{Log, Segments};
use super::settings::StoreSettings;
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
        Ok(Self { path: store.to_owned(), rules, replay, quarantine, blank, digest })
    }
}
