//! Execution patterns that feed the memory of `dome`: secure map-reduce.
//!
//! A pattern is a way to run work in which everything that can go wrong has a name, and in which each outcome
//! can be made into an envelope. The crate is pure: no clock, no file, no process. The caller runs the workers
//! and provides bytes and times.
//!
//! # Overview
//!
//! - [`MapPlan`], [`MapRun`]: secure map-reduce. A worker sees one item; what it writes becomes a
//!   [`WorkerOutput`] through an [`OutputContract`] or not at all, and only outputs are reduced, never text.
//! - [`Reporter`]: outcomes as envelopes, a failure as a [`PatternFailure`], a denial as a [`PatternDenial`].
//!
//! Rule numbers (M-xx) are those of the dome model, version 2.

mod contract;
mod limits;
mod map_reduce;
mod pattern;

pub use contract::{MapFailure, OutputContract, OutputProblem, WorkerOutput};
pub use map_reduce::{Budget, ItemOutcome, ItemResult, MapItem, MapPlan, MapRun, Reduced, WorkerEnd};
pub use pattern::{PatternDenial, PatternError, PatternFailure, PatternStep, Reporter, StepDetails, StepRefusal};
