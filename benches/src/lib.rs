//! Speed against its limits: a seeded history to measure on, the ceilings, and the stages.
//!
//! `cargo bench -p dome-benches` prints how long each stage takes per envelope, beside the least
//! that anything could take which reads, hashes and writes the same bytes, measured in the same
//! run. Ratios are what counts: a slower machine slows both.
//!
//! - [`synthetic`]: the history, a pure function of a count and a seed.
//! - [`ceiling`]: borrowed parse, SHA-256 and copy of the same bytes.
//! - [`pipeline`]: the whole replay in memory on one thread, stage by stage.
//! - [`counted`] and [`callgrind`]: the same stages without a clock, counted in instructions, which a busy
//!   machine does not change; [`recorded`]: what they were when last recorded.
//!
//! `DOME_BENCH_COUNT` sets how many envelopes are taken, 200,000 without it.
#![expect(clippy::expect_used, reason = "a benchmark that would measure something else stops")]

pub mod callgrind;
pub mod ceiling;
pub mod child;
pub mod command;
pub mod counted;
pub mod history;
pub mod on_disk;
pub mod pipeline;
pub mod random;
pub mod recorded;
pub mod stopwatch;

mod event;
mod message;

pub use history::{History, count, synthetic};

/// The seed that all figures are measured with.
pub const SEED: u64 = 7;
