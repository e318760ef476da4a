//! A contract as its document stands.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use compact_str::CompactString;
use dome_core::json::{Tape, TextProblem, read};
use dome_core::{Sha256Hash, canonical};
use serde::{Deserialize, Serialize};

use super::name::{MemberName, MemberPath};
use super::shape::{ObjectShape, Shape};
use crate::limits;

/// What the output of a worker may be: an object with these members and no others, every value of it
/// bounded. A contract is data; it is read once, by whoever plans the work.
///
/// ```
/// use dome_patterns::{MapFailureCode, OutputContract};
///
/// let contract: OutputContract = r#"{
///   "contract_version": "1",
///   "members": {
///     "item": {"type": "item"},
///     "verdict": {"type": "choice", "of": ["failed", "resolved"]},
///     "passed": {"type": "integer", "min": 0, "max": 1000},
///     "note": {"type": "text", "max_bytes": 80}
///   },
///   "optional": ["note"]
/// }"#.parse()?;
///
/// let item = "trial-7".parse()?;
/// let output = contract.validate(&item, br#"{"item": "trial-7", "verdict": "resolved", "passed": 3}"#)?;
/// assert_eq!(output.integer("passed"), Some(3));
///
/// let poisoned = br#"{"item": "trial-8", "verdict": "resolved", "passed": 1e9, "next": "rm -rf"}"#;
/// let failure = contract.validate(&item, poisoned).unwrap_err();
/// assert_eq!(failure.code, MapFailureCode::ItemMismatch);
/// assert_eq!(failure.problems.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputContract {
    root: Shape,
    digest: Sha256Hash,
}

/// The document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    contract_version: CompactString,
    members: BTreeMap<MemberName, Shape>,
    #[serde(default)]
    optional: BTreeSet<MemberName>,
}

/// Why a document is no contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContractError {
    /// It is too long.
    #[error("a contract has at most 65536 bytes, this one has {bytes}")]
    TooLong {
        /// The length found.
        bytes: usize,
    },
    /// It is not JSON as dome reads it.
    #[error("not a contract: {0}")]
    Text(#[from] TextProblem),
    /// It is not the document that is expected.
    #[error("not a contract: {0}")]
    Document(String),
    /// It is of a version that this build does not read.
    #[error("expected `contract_version` `1`")]
    Version,
    /// A shape is not bounded, or contradicts itself.
    #[error("`{pointer}`: {what}")]
    Rule {
        /// Where.
        pointer: String,
        /// What is asked for.
        what: &'static str,
    },
}

impl FromStr for OutputContract {
    type Err = ContractError;

    fn from_str(document: &str) -> Result<Self, ContractError> {
        Self::parse(document)
    }
}

impl OutputContract {
    /// Reads a contract.
    ///
    /// # Errors
    ///
    /// [`ContractError`]: longer than [`limits::CONTRACT_BYTES`], not JSON as dome reads it (a name
    /// twice is not), another shape or version, or a rule of [`Shape`] that it breaks, with its place.
    pub fn parse(document: &str) -> Result<Self, ContractError> {
        if document.len() > limits::CONTRACT_BYTES {
            return Err(ContractError::TooLong { bytes: document.len() });
        }
        read(document, &mut Tape::default())?;
        let document: Document =
            serde_json::from_str(document).map_err(|why| ContractError::Document(why.to_string()))?;
        if document.contract_version != "1" {
            return Err(ContractError::Version);
        }
        let root = ObjectShape { members: document.members.clone(), optional: document.optional.clone() };
        root.check(1, "")?;
        let bytes = canonical::to_vec(&document).map_err(|why| ContractError::Document(why.to_string()))?;
        Ok(Self { root: Shape::Object(root), digest: Sha256Hash::of(&bytes) })
    }

    /// SHA-256 of the document's canonical bytes.
    #[must_use]
    pub const fn digest(&self) -> Sha256Hash {
        self.digest
    }

    /// What the output itself may be.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.root
    }

    /// How many leaves one output can have at a path, and what they are.
    pub(crate) fn most_leaves(&self, path: &MemberPath) -> Option<(u128, &Shape)> {
        self.root.most_leaves(path.names())
    }
}
