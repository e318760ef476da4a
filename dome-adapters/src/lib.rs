//! What the world says: the output of real tools, bytes in, dome envelopes out.
//!
//! A converter is a pure function: it takes named bytes and options, and gives back envelopes that
//! [`dome_core::read`] accepts, everything that it had to leave out, and what it wants to mention.
//! It opens no file and reads no clock; the same inputs give the same bytes in whatever order they
//! come. What a format does not say is not made up: a record that lacks it is reported.
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
//! let done = convert(Format::TerminalBench, &inputs, &Options::default());
//! assert_eq!(done.problems, []);
//! let envelope = &done.envelopes[0];
//! assert_eq!(envelope.task_spec.failure_reason_code.as_str(), "TESTS_FAILED");
//! assert_eq!(dome_core::read(&envelope.to_canonical()).as_ref(), Ok(envelope));
//! ```
//!
//! # The rooms
//!
//! - [`convert`]: [`Input`] and [`Options`] in, [`Conversion`] out.
//! - [`Format`]: which formats there are, the reason-code table that each emits and what its codes
//!   mean.
//! - [`Finding`]: what was left out and why, with a stable [`FindingCode`].
//! - One private room a format. `docs/formats/NAME.md` says how its members map.

mod commit;
mod convert;
mod draft;
mod finding;
mod format;
mod members;
mod proof;
mod terminal_bench;

pub use commit::{Commit, CommitError};
pub use convert::{Conversion, Counts, Input, Options, convert};
pub use finding::{Finding, FindingCode};
pub use format::{CodeMeaning, Format, FormatError};
