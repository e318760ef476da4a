//! The tool conformance gate, with real tools, a real interpreter and the real kernel.

mod escapes;
mod gate;
mod priors;
mod run;
pub(crate) mod tools;
