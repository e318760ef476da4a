//! Converters from the output of real tools to dome envelopes.
//!
//! A converter is a pure function: it takes named bytes and options, and returns envelopes that
//! [`dome_core::read`] accepts, everything that it had to leave out, and notes. It opens no file and
//! reads no clock; the same inputs give the same bytes in any order. Nothing is made up: a record that
//! lacks what an envelope needs is reported.
//!
//! # Convert
//!
//! ```
//! use dome_adapters::{ConvertOptions, Format, ToolFile, convert};
//!
//! let metadata = br#"{"run_id": "r1", "agent_name": "terminus", "commit_hash": "unknown",
//!     "dataset_name": "terminal-bench-core", "dataset_version": "0.1.1",
//!     "end_time": "2025-10-22T10:00:00+00:00"}"#;
//! let results = br#"{"results": [{"trial_name": "hello-world.1-of-1.r1", "task_id": "hello-world",
//!     "is_resolved": false, "failure_mode": "unset",
//!     "parser_results": {"test_hello_file_exists": "failed"}}]}"#;
//! let inputs = [
//!     ToolFile { name: "run_metadata.json", bytes: metadata },
//!     ToolFile { name: "results.json", bytes: results },
//! ];
//! let done = convert("terminal-bench".parse::<Format>()?, &inputs, &ConvertOptions::default());
//! assert_eq!(done.problems, []);
//! let envelope = &done.envelopes[0];
//! assert_eq!(envelope.task_spec.failure_reason_code.as_str(), "TESTS_FAILED");
//! assert_eq!(dome_core::read(&envelope.to_canonical()).as_ref(), Ok(envelope));
//! # Ok::<(), dome_adapters::FormatError>(())
//! ```
//!
//! # Overview
//!
//! - [`convert`]: [`ToolFile`]s and [`ConvertOptions`] in, [`Conversion`] out.
//! - [`Converter`]: the same for files of any size, one after the other, with envelopes as they come.
//! - [`Format`]: the formats, the reason-code table that each emits, what its codes mean, and which
//!   format a file has, by its [`Head`].
//! - [`CiSystem`]: what CI systems say of revision, job and run, from the variables of an environment.
//! - [`Finding`]: what was left out and why, with a stable [`FindingCode`].
//! - One private module per format. `docs/formats/NAME.md` has the mapping of its members;
//!   `CONTRIBUTING.md` has the steps of adding one.

mod ci;
mod codes;
mod convert;
mod decision;
mod finding;
mod format;
mod head;
mod json;
mod out;
mod reading;
mod record;
mod report;
mod subject;
mod when;

mod cedar;
mod cloudevents;
mod ctrf;
mod github_actions;
mod go_test;
mod junit;
mod libtest;
mod opa;
mod otlp;
mod pytest_json;
mod sarif;
mod swe_bench;
mod tau_bench;
mod terminal_bench;
mod trx;

pub use ci::{CiLookup, CiRun, CiSystem};
pub use codes::{built_in_codes, code_table};
pub use convert::{Conversion, ConvertOptions, Converter, FileReport, RecordCounts, SourceFile, ToolFile, convert};
pub use finding::{Finding, FindingCode};
pub use format::{CodeMeaning, Format, FormatError};
pub use head::{HEAD_BYTES, Head};
pub use subject::repository_name;
pub use when::{Zone, ZoneError};

// The tests in `tests/` say `dome_adapters`, as any user does, and share one binary with the unit tests.
#[cfg(test)]
extern crate self as dome_adapters;
#[cfg(test)]
#[path = "../tests/main.rs"]
mod tests;
