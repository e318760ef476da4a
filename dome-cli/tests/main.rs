//! The command as its users meet it: exit codes, files, streams; and what the sources of the project keep to.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

mod cli;
#[cfg(feature = "conform")]
mod conform;
mod harness;
mod ingest;
mod purity;
mod schemas;
mod store;
mod tidy;
mod units;
