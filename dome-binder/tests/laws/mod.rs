//! The laws of section 14 as properties of generated histories, and what generated histories are.
//!
//! The number of cases of each is that of `PROPTEST_CASES`; `.cargo/config.toml` says it once for all.
#![expect(clippy::unwrap_used, clippy::vec_box, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod backtest;
mod dense;
mod evidence;
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
mod steps;
mod support;
mod upkeep;
