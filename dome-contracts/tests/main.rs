//! The one test binary of this crate.

mod conform;
mod drift;
mod mutations;
mod registry;
