//! Versions of the contracts, and their files.

use include_dir::{Dir, DirEntry, include_dir};

/// A file of the owner's contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Artifact {
    /// The path inside the version's folder, `/`-separated.
    pub path: &'static str,
    /// The file, byte for byte.
    pub bytes: &'static [u8],
}

/// Every file of one version of the owner's contracts.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// The version as the owner writes it, such as `0.1`.
    pub name: &'static str,
    folder: Dir<'static>,
}

/// Version 0.1.
pub const V0_1: Version = Version { name: "0.1", folder: include_dir!("$CARGO_MANIFEST_DIR/v0.1") };

/// Version 0.2: deliberately evolved, so that drift is exercised for real. `gate_decision` may carry
/// an `operator_note` (safe), `helper_event.base_sha` is a full hash (breaking), the code
/// `DEPENDENCY_UNAVAILABLE` is new, and the registry states version 0.2.
pub const V0_2: Version = Version { name: "0.2", folder: include_dir!("$CARGO_MANIFEST_DIR/v0.2") };

/// All versions, the oldest first.
pub const VERSIONS: &[Version] = &[V0_1, V0_2];

impl Artifact {
    /// The file as text.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the files are JSON in UTF-8, as a test of all of them checks")]
    pub fn text(&self) -> &'static str {
        str::from_utf8(self.bytes).expect("a contract is UTF-8")
    }

    /// The contract that an example or a schema belongs to: its file name up to the first dot.
    #[must_use]
    pub fn contract(&self) -> &'static str {
        let name = self.path.rsplit_once('/').map_or(self.path, |(_, name)| name);
        name.split_once('.').map_or(name, |(contract, _)| contract)
    }
}

impl Version {
    /// All files, sorted by path.
    pub fn artifacts(&self) -> impl Iterator<Item = Artifact> + use<> {
        let mut found = Vec::new();
        collect(&self.folder, &mut found);
        found.into_iter()
    }

    /// The file at `path`, relative to the version's folder.
    #[must_use]
    pub fn artifact(&self, path: &str) -> Option<Artifact> {
        self.artifacts().find(|artifact| artifact.path == path)
    }

    /// The schema of a contract, by its name: `gate_decision` is `schemas/gate_decision.schema.json`.
    #[must_use]
    pub fn schema(&self, contract: &str) -> Option<Artifact> {
        self.schemas().find(|schema| schema.contract() == contract)
    }

    /// All schemas, sorted by path.
    pub fn schemas(&self) -> impl Iterator<Item = Artifact> + use<> {
        self.artifacts().filter(|artifact| artifact.path.starts_with("schemas/"))
    }

    /// Instances that the schema of their contract accepts.
    pub fn valid_examples(&self) -> impl Iterator<Item = Artifact> + use<> {
        self.artifacts().filter(|artifact| artifact.path.starts_with("examples/valid/"))
    }

    /// Instances that the schema of their contract rejects; the file's name says why.
    pub fn invalid_examples(&self) -> impl Iterator<Item = Artifact> + use<> {
        self.artifacts().filter(|artifact| artifact.path.starts_with("examples/invalid/"))
    }
}

/// Files below a folder: `include_dir` sorts the entries of each.
#[expect(clippy::expect_used, reason = "`include_dir` writes paths as string literals")]
fn collect(folder: &Dir<'static>, found: &mut Vec<Artifact>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(folder) => collect(folder, found),
            DirEntry::File(file) => {
                let path = file.path().to_str().expect("a path is UTF-8");
                found.push(Artifact { path, bytes: file.contents() });
            }
        }
    }
}
