//! Rollout: whether the next mode is earned.
//!
//! A mode is earned on the one before, by a versioned policy, over two kinds of figures: what a
//! [`crate::backtest`] says that the mode would have done on the history, and what was recorded while
//! the mode before was on (`dome priors --record`), scored by what became of the failures that
//! followed. [`status`] judges both and names every requirement with its number and threshold.
//!
//! ```
//! use dome_binder::rollout::RolloutPolicy;
//! let document = serde_json::to_vec(&RolloutPolicy::default()).unwrap();
//! assert_eq!(RolloutPolicy::parse(&document), Ok(RolloutPolicy::default()));
//! ```

mod policy;
mod recorded;
mod requirement;
mod status;

pub use policy::{RolloutPolicy, StepPolicy};
pub use recorded::{RecordedAnswer, RecordedError, RecordedFigures, recorded};
pub use requirement::{Evidence, Requirement};
pub use status::{RolloutStatus, StepStatus, status};
