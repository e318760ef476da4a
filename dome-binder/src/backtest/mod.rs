//! Backtest: what each rollout mode would have done on a history.
//!
//! A history is walked in total order (M-42). Before each failing fact the question of
//! [`crate::priors`] is asked for its task line, with only what was known strictly before that fact,
//! staleness judged at its time; then the fact is learnt, and when its failure is resolved, or
//! contradicted after that (M-81, M-82), what was offered is scored.
//!
//! # One eligibility
//!
//! [`Past`] keeps capsules as they are folded ([`crate::LineState`]), and [`crate::priors`] judges the
//! one that its answer starts with. Which one that is comes from an order that is kept up to date by
//! [`crate::holds`], the same function again. A property test holds every answer to a replay of the
//! facts before it.
//!
//! # What it costs
//!
//! A fact costs the capsules whose counters it changes, each with the logarithm of its line's
//! capsules and with its own remedies; a decision costs the capsules at the head of its line's order.
//! Memory holds capsules and one small value a decision, not the answers.

mod concepts;
mod decision;
mod past;
mod report;
mod score;
mod shelf;
mod sweep;
mod walk;

pub use decision::{Answer, Decision, Ending};
pub use past::{Known, Past, question};
pub use report::{
    Backtest, Endings, Guards, KnownCounts, ModeFigures, PARTS, Part, ReasonFigures, SweepFigures, backtest, report,
};
pub use score::Score;
pub use walk::{Walked, facts, walk};
