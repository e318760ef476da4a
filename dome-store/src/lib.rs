//! A long-lived memory: a log that is the truth, and one derived index that answers.
//!
//! Lines come in through [`ingest`], batch by batch: each line is masked, read and validated, each batch appended to the
//! log, synced and acknowledged. Nothing is derived then, so a batch costs what it holds, whatever was ingested before.
//! The log also records how far each source was read, so that reading continues where it stopped.
//!
//! One process writes to a store at a time. Others wait ([`Opening::wait`]), or leave a file in the inbox
//! ([`drop_off`]), which the next writer takes in. Readers ([`Log`]) need no lock and see whole batches.
//!
//! ```
//! use dome_store::{Ingest, Log, Opening, Stop, export, ingest};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let (input, store) = (folder.path().join("night.jsonl"), folder.path().join("memory"));
//! std::fs::write(&input, dome_core::EXAMPLE_LINE)?;
//! let what = Ingest {
//!     inputs: &[input],
//!     follow: false,
//!     masking: dome_replay::Masking::load(None)?,
//!     not_after: None,
//!     rules: &|before| match before {
//!         Some(rules) => Ok(rules.clone()),
//!         None => Ok(dome_replay::load_rules(None, dome_replay::CodeSources::default(), None)?),
//!     },
//!     opening: Opening::default(),
//! };
//! let ingested = ingest(&store, what, &Stop::never(), &mut |_| Ok(()), &())?;
//! assert_eq!(ingested.tally.lines, 1);
//! let to = dome_replay::Destined { out: folder.path().join("result"), force: false };
//! let exported = export(&store, &to, None, 1, dome_replay::Limits::within(64 << 20), &())?;
//! assert_eq!((exported.written.manifest.counts.facts, exported.damaged), (1, 0));
//! # Ok(())
//! # }
//! ```
//!
//! | what | where |
//! |---|---|
//! | lines in | [`ingest`], [`drop_off`], [`catch_up`], [`merge`] |
//! | what is in it | [`status`], [`export`], [`quarantine`] |
//! | whether it is whole | [`verify`], [`rebuild`] |
//! | how far it lets dome go | [`rollout`] |
//! | which tools remedies run, and whether they conform | [`records`] |
//! | the log itself | [`log`] |

mod aside;
mod derived;
mod export;
mod folder;
mod history;
mod inbox;
pub mod index;
mod ingest;
mod lock;
pub mod log;
pub mod memory;
mod merge;
pub mod quarantine;
pub mod records;
pub mod rollout;
mod settings;
mod signed;
mod status;
mod verify;
mod word;
mod writer;

pub use dome_replay::{Error, ErrorClass, Result};

pub use derived::{Compacted, DerivedStore, Quarantined, compact, watermark};
pub use export::{Exported, export};
pub use history::LogHistory;
pub use inbox::{Drained, catch_up, drop_off, waiting};
pub use ingest::{Acknowledged, Ingest, IngestSummary, IngestTally, Ingested, Stop, ingest};
pub use log::Log;
pub use merge::{Merged, merge};
pub use settings::{StoreSettings, given, not_after};
pub use status::{SourceStatus, Status, status};
pub use verify::{Rebuilt, StoreDifference, StoreVerification, compare_index, rebuild, verify};
pub use writer::{Opening, StoreLimits, StoreWriter};

#[cfg(test)]
extern crate self as dome_store;

#[cfg(test)]
#[path = "../tests/main.rs"]
mod tests;
