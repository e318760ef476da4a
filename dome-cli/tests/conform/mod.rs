//! The tool conformance gate, with real tools, a real interpreter and the real kernel.

mod escapes;
mod gate;
mod priors;
pub(crate) mod tools;
