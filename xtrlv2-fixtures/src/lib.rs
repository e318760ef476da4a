//! The contracts that the `xtrlv2` repository owns, as versioned bytes: what they say, not the owner's own files.
//!
//! Every file is compiled in, so a user of the contracts can pin, validate and compare without a checkout.
//!
//! ```
//! use xtrlv2_fixtures::V0_1;
//!
//! let table = V0_1.artifact("reason_codes.json").expect("every version has the table");
//! assert!(table.text().contains("TESTS_FAILED"));
//! assert_eq!(V0_1.schema("gate_decision"), V0_1.artifact("schemas/gate_decision.schema.json"));
//! ```
//!
//! A version is a folder: `registry.json` (what there is), `reason_codes.json` (the table of codes),
//! `schemas/*.schema.json` (JSON Schema, draft-07) and `examples/{valid,invalid}/CONTRACT[.WHAT].json`.
//! Paths are relative to that folder, `/`-separated, and sorted.

mod version;

pub use version::{Artifact, V0_1, V0_2, VERSIONS, Version};
