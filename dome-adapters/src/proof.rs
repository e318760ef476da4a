//! An input as evidence: its name, its size and its SHA-256.

use dome_core::{Evidence, EvidencePath, Sha256Hash};

use crate::convert::Input;
use crate::draft::by_content;
use crate::finding::{At, Finding, FindingCode};

/// What an envelope says about the file that it was read from.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    bytes: u64,
    path: Option<EvidencePath>,
    pub(crate) sha256: Sha256Hash,
}

impl Proof {
    /// The proof, and a note when the input's name cannot stand in evidence (M-12). Standard input
    /// has no name, so nothing is missed there.
    pub(crate) fn of(input: &Input<'_>) -> (Self, Option<Finding>) {
        let path = EvidencePath::new(input.name);
        let note = path.as_ref().err().map(|error| {
            let message = format!("evidence is named by its SHA-256 alone: {error}");
            At { input: input.name, place: "" }.found(FindingCode::PathLeftOut, message, "")
        });
        let path = path.ok().filter(|path| path.as_str() != "-");
        (Self { bytes: input.bytes.len() as u64, path, sha256: Sha256Hash::of(input.bytes) }, note)
    }

    pub(crate) fn evidence(&self) -> Evidence {
        by_content(self.path.clone(), self.bytes, self.sha256)
    }
}
