//! The three views: pure functions of all facts, minted or not (M-110).

mod denials;
mod recent;
mod rollup;
mod runs;

pub use denials::{GuardDenial, GuardDenials, denial_pairs, guard_denials};
pub use recent::{RecentFailure, latest_first, recent_failures};
pub use rollup::{GateRollup, GateRollups, gate_rollup};
