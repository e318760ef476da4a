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
//! use dome_adapters::{Format, Input, Options, convert};
//!
//! let metadata = br#"{"run_id": "r1", "agent_name": "terminus", "commit_hash": "unknown",
//!     "dataset_name": "terminal-bench-core", "dataset_version": "0.1.1",
//!     "end_time": "2025-10-22T10:00:00+00:00"}"#;
//! let results = br#"{"results": [{"trial_name": "hello-world.1-of-1.r1", "task_id": "hello-world",
//!     "is_resolved": false, "failure_mode": "unset",
//!     "parser_results": {"test_hello_file_exists": "failed"}}]}"#;
//! let inputs = [
//!     Input { name: "run_metadata.json", bytes: metadata },
//!     Input { name: "results.json", bytes: results },
//! ];
//! let done = convert("terminal-bench".parse::<Format>()?, &inputs, &Options::default());
//! assert_eq!(done.problems, []);
//! let envelope = &done.envelopes[0];
//! assert_eq!(envelope.task_spec.failure_reason_code.as_str(), "TESTS_FAILED");
//! assert_eq!(dome_core::read(&envelope.to_canonical()).as_ref(), Ok(envelope));
//! # Ok::<(), dome_adapters::FormatError>(())
//! ```
//!
//! # Overview
//!
//! - [`convert`]: [`Input`] and [`Options`] in, [`Conversion`] out.
//! - [`Converter`]: the same for files of any size, one after the other, with envelopes as they come.
//! - [`Format`]: the formats, the reason-code table that each emits, what its codes mean, and which
//!   format a file has, by its [`Head`].
//! - [`Finding`]: what was left out and why, with a stable [`FindingCode`].
//! - One private module per format. `docs/formats/NAME.md` has the mapping of its members.
//!
//! # Adding a format
//!
//! A format is a module with a `FORMAT: Descriptor` (name, summary, endings, codes, how its content
//! is recognised, how it converts), a `mod` line below and a line in the table of `format.rs`. Its
//! function gets a `Reading` (`line`, `json`, `xml`: a piece at a time where the format allows) and
//! an `Out`. It makes a `Record` per outcome, with what the data says and nothing else, and pushes
//! it; `Out` adds run, ids, sequence, time, lane, remedy and evidence by the rules that all formats
//! share (`docs/formats/README.md`), lets the core validate it, and counts. A record that cannot be
//! read goes to `Out::left_out`; an `Err` ends the file, and what came before it is kept. Formats of
//! test reports make a `report::Case` instead, and share codes and the meaning of passed, failed,
//! errored and skipped. `CONTRIBUTING.md` lists the steps.

mod codes;
mod commit;
mod convert;
mod converter;
mod decision;
mod draft;
mod finding;
mod findings;
mod format;
mod head;
mod members;
mod out;
mod proof;
mod reading;
mod record;
mod report;
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

pub use codes::code_table;
pub use commit::{Commit, CommitError};
pub use convert::{Conversion, Counts, Input, Options, convert};
pub use converter::{Converter, FileReport, Source};
pub use finding::{Finding, FindingCode};
pub use format::{CodeMeaning, Format, FormatError};
pub use head::{HEAD_BYTES, Head};
pub use when::{Zone, ZoneError};

// The tests in `tests/` say `dome_adapters`, as any user does, and share one binary with the unit tests.
#[cfg(test)]
extern crate self as dome_adapters;
#[cfg(test)]
#[path = "../tests/main.rs"]
mod tests;
