//! One engine: lines of envelopes in, the directory of a result out, and back again.
//!
//! ```no_run
//! use dome_replay::{CodeSources, Destined, ENVELOPES, Input, Limits, Masking, Spec, input, load_rules, replay_into};
//! let (rules, masking) = (load_rules(None, CodeSources::default(), None)?, Masking::off());
//! let spec = Spec {
//!     rules: &rules, binder: Default::default(), not_after: None, masking: &masking, threads: 2,
//!     limits: Limits::within(256 << 20),
//! };
//! let sources = input::find(&["night/".into()], ENVELOPES, &())?;
//! let to = Destined { out: "result".into(), force: false };
//! let written = replay_into(&to, spec, None, Input::Sources(&sources), &())?;
//! println!("{} facts", written.summary.totals.facts);
//! # Ok::<(), dome_replay::Error>(())
//! ```
//!
//! - [`input`] finds and opens sources, and cuts them into chunks of whole lines; [`Door`] admits lines.
//! - [`replay_into`] writes the directory of a result, [`replay_rows`] returns its rows as values. Replays in memory
//!   and beyond memory are the same code and give the same bytes.
//! - [`ResultDir`] opens a result; [`ResultFile`] knows the names and order of its files; [`Manifest`] is what
//!   names them all.
//! - [`verify`] computes a result again from its facts, and reports what differs (L-10).

#[cfg(test)]
extern crate self as dome_replay;

mod conflicts;
mod door;
mod engine;
pub mod error;
pub mod input;
mod items;
mod latest;
mod memory;
pub mod parallel;
mod records;
mod replay;
mod result;
mod rules;
mod sorter;
mod spill;
mod spool;
mod summary;
#[cfg(test)]
#[path = "../tests/main.rs"]
mod tests;
pub mod verify;
mod watch;

pub use conflicts::RuledOutLines;
pub use door::{Admitted, BUILT_IN, Door, LineCounts, Masking, Redacted};
pub use engine::{Limits, Spec};
pub use error::{Error, ErrorClass, Result};
pub use input::ENVELOPES;
pub use memory::{DEFAULT_MEMORY, LEAST_BYTES, MemorySize, SizeError};
pub use records::{SourceRecords, read_records};
pub use replay::{Destined, Input, ReadLine, Records, ReplayedRows, RuledOutRows, Written, replay_into, replay_rows};
pub use result::{
    FileEntry, MANIFEST, Manifest, ManifestCounts, ManifestInputs, Named, NotNamed, ResultDir, ResultFile,
    check_destination, envelope_of, manifest_bytes, manifest_digest, record_of, source_of,
};
pub use rules::{CodeSources, Contracts, codes, load_rules, policy};
pub use summary::{CapsuleCounts, KeepsFailing, RejectedCounts, SHOWN_FAILURES, Summary, Totals};
pub use watch::Watch;
