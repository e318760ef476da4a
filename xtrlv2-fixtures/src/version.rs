//! A version of the contracts, and those that there are.

use crate::{Artifact, v0_1, v0_2};

/// Every file of one version of the owner's contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The version as the owner writes it, such as `0.1`.
    pub name: &'static str,
    /// Its files, sorted by path.
    pub artifacts: &'static [Artifact],
}

/// Version 0.1.
pub const V0_1: Version = Version { name: "0.1", artifacts: v0_1::ARTIFACTS };

/// Version 0.2: deliberately evolved, so that drift is exercised for real. `gate_decision` may carry
/// an `operator_note` (safe), `helper_event.base_sha` is a full hash (breaking), the code
/// `DEPENDENCY_UNAVAILABLE` is new, and the registry states version 0.2.
pub const V0_2: Version = Version { name: "0.2", artifacts: v0_2::ARTIFACTS };

/// All versions, the oldest first.
pub const VERSIONS: &[Version] = &[V0_1, V0_2];

impl Version {
    /// The file at `path`, relative to the version's folder.
    #[must_use]
    pub fn artifact(&self, path: &str) -> Option<&'static Artifact> {
        let at = self.artifacts.binary_search_by(|artifact| artifact.path.cmp(path));
        at.ok().and_then(|at| self.artifacts.get(at))
    }

    /// The schema of a contract, by its name: `gate_decision` is `schemas/gate_decision.schema.json`.
    #[must_use]
    pub fn schema(&self, contract: &str) -> Option<&'static Artifact> {
        self.schemas().find(|schema| schema.contract() == contract)
    }

    /// All schemas, sorted by path.
    pub fn schemas(&self) -> impl Iterator<Item = &'static Artifact> + use<> {
        self.under("schemas/")
    }

    /// Instances that the schema of their contract accepts.
    pub fn valid_examples(&self) -> impl Iterator<Item = &'static Artifact> + use<> {
        self.under("examples/valid/")
    }

    /// Instances that the schema of their contract rejects; the file's name says why.
    pub fn invalid_examples(&self) -> impl Iterator<Item = &'static Artifact> + use<> {
        self.under("examples/invalid/")
    }

    fn under(&self, folder: &'static str) -> impl Iterator<Item = &'static Artifact> + use<> {
        let artifacts = self.artifacts;
        artifacts.iter().filter(move |artifact| artifact.path.starts_with(folder))
    }
}
