//! The one test binary of this crate.

mod corpora;
mod limits;
mod rules;
mod soundness;
