//! What dome promises and relies on: pinned contracts and their digests.
//!
//! Another repository owns contracts: JSON Schemas and tables. Here they are pinned ([`Lock`]),
//! checked against the pins ([`verify`]), compared with other versions ([`diff()`], [`compat`]) and
//! moved to them ([`plan_update`]), which requires a migration note. Tools make promises, too: manifests
//! and the judgement of the gate on them are in [`conform`].
//!
//! The crate is pure: bytes and values in, values out. The caller reads and writes the files.
//!
//! ```
//! use dome_contracts::{Folder, Lock, MismatchKind, verify};
//!
//! let mut folder: Folder = [
//!     (
//!         "registry.json",
//!         r#"{"schema_version": "1.0", "artifacts": {"a": {"version": "0.1", "schema": "schemas/a.schema.json"}}}"#,
//!     ),
//!     ("schemas/a.schema.json", r#"{"type": "string"}"#),
//! ].into_iter().collect();
//! let lock = Lock::compute(&folder, "contracts", "me", None)?;
//!
//! folder.insert("schemas/a.schema.json", r#"{"type": "number"}"#);
//! let mismatches = verify(&lock, &folder);
//! assert_eq!(mismatches[0].kind, MismatchKind::ContentChanged);
//! assert_eq!(mismatches[0].mend, "git restore -- contracts/schemas/a.schema.json");
//! # Ok::<(), dome_contracts::LockError>(())
//! ```

pub mod compat;
pub mod conform;
mod diff;
mod folder;
mod lock;
mod registry;
mod update;

pub use diff::{ContractChange, ContractDiff, FileChange, diff};
pub use folder::{Folder, sha256_hex};
pub use lock::{
    ContractSource, LOCK_VERSION, Lock, LockError, Mismatch, MismatchKind, Pinned, PinnedContract, verify,
    verify_locked, verify_since,
};
pub use registry::{
    CONSUMED, ContractRegistry, ContractSet, ContractsError, ContractsProblem, OWNER_FOLDER, REGISTRY, RegistryEntry,
};
pub use schema_compat::referenced_files;
pub use update::{Refusal, Request, Update, missing_notes, note_name, plan_update};

#[cfg(test)]
extern crate self as dome_contracts;
#[cfg(test)]
#[path = "../tests/main.rs"]
mod tests;
