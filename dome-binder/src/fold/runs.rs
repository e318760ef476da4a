//! Which runs a capsule has seen: what `run_count` and a remedy's `count` are counted by (M-80, M-82).

use std::collections::BTreeSet;

use dome_core::{RunId, Sha256Hash};

/// The sets of runs that a fold asks. A replay holds them in memory; a store, which folds on where
/// it stopped, keeps them with the rest of its state.
pub trait RunSets<'l> {
    /// Adds a run to those in which a capsule was minted; says whether it is new there (M-80).
    fn joins(&mut self, capsule: Sha256Hash, run: &'l RunId) -> bool;

    /// Adds a run to those that resolved a capsule by a remedy; says whether it is new there (M-82).
    fn resolves(&mut self, capsule: Sha256Hash, remedy: Sha256Hash, run: &'l RunId) -> bool;
}

/// Sets of runs in memory.
#[derive(Debug, Default)]
pub struct MemoryRuns<'l> {
    minted: BTreeSet<(Sha256Hash, &'l RunId)>,
    resolved: BTreeSet<(Sha256Hash, Sha256Hash, &'l RunId)>,
}

impl<'l> RunSets<'l> for MemoryRuns<'l> {
    fn joins(&mut self, capsule: Sha256Hash, run: &'l RunId) -> bool {
        self.minted.insert((capsule, run))
    }

    fn resolves(&mut self, capsule: Sha256Hash, remedy: Sha256Hash, run: &'l RunId) -> bool {
        self.resolved.insert((capsule, remedy, run))
    }
}
