//! Which runs a capsule has seen: what `run_count` and a remedy's `count` are counted by (M-80, M-82).

use std::collections::{BTreeMap, BTreeSet};

use dome_core::{RunId, Sha256Hash};

/// The sets of runs of a task line. They own what they hold, so that facts may go once they are folded.
#[derive(Clone, Debug, Default)]
pub(super) struct RunSets {
    minted: BTreeMap<Sha256Hash, BTreeSet<RunId>>,
    resolved: BTreeMap<(Sha256Hash, Sha256Hash), BTreeSet<RunId>>,
}

impl RunSets {
    /// Adds a run to those in which a capsule was minted; says whether it is new there (M-80).
    pub(super) fn joins(&mut self, capsule: Sha256Hash, run: &RunId) -> bool {
        add(self.minted.entry(capsule).or_default(), run)
    }

    /// Adds a run to those that resolved a capsule by a remedy; says whether it is new there (M-82).
    pub(super) fn resolves(&mut self, capsule: Sha256Hash, remedy: Sha256Hash, run: &RunId) -> bool {
        add(self.resolved.entry((capsule, remedy)).or_default(), run)
    }
}

fn add(runs: &mut BTreeSet<RunId>, run: &RunId) -> bool {
    !runs.contains(run) && runs.insert(run.clone())
}
