//! The contracts that the `xtrlv2` repository owns, as versioned bytes with their digests.
//!
//! The crate depends on nothing and reads nothing: every file is compiled in, with its
//! SHA-256. A user of the contracts can pin, validate and compare without a checkout.
//!
//! ```
//! use xtrlv2_fixtures::V0_1;
//!
//! let table = V0_1.artifact("reason_codes.json").expect("every version has the table");
//! assert_eq!(table.sha256.len(), 64);
//! assert!(table.text().contains("TESTS_FAILED"));
//! assert_eq!(V0_1.schema("gate_decision"), V0_1.artifact("schemas/gate_decision.schema.json"));
//! ```
//!
//! A version is a folder: `registry.json` (what there is), `reason_codes.json` (the table of codes),
//! `schemas/*.schema.json` (JSON Schema, draft-07) and `examples/{valid,invalid}/CONTRACT[.WHAT].json`.
//! Paths are relative to that folder, `/`-separated, and sorted.

mod artifact;
#[rustfmt::skip]
mod v0_1;
#[rustfmt::skip]
mod v0_2;
mod version;

pub use artifact::Artifact;
pub use version::{V0_1, V0_2, VERSIONS, Version};
