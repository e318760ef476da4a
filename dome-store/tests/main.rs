//! What a store promises: nothing that was acknowledged is lost, nothing is invented, whatever happens in between; and what
//! its index answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unit_arg,
    clippy::vec_box,
    reason = "a test that cannot go on fails"
)]

mod cost;
mod damage;
mod follow;
mod hostile;
mod inbox;
mod index;
mod laws;
mod merge;
mod progress;
mod support;
