//! The laws of section 14 as properties of generated histories, and what generated histories are.
//!
//! The number of cases of each is that of `proptest`: 256, or what `PROPTEST_CASES` says.
#![expect(clippy::unwrap_used, clippy::vec_box, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod backtest;
mod columns;
#[path = "../histories/events.rs"]
mod events;
mod examples;
mod explain;
mod latency;
mod meaning;
mod order;
mod parts;
mod query;
mod reach;
mod reference;
mod rows;
mod second;
mod support;
mod upkeep;
mod written;
