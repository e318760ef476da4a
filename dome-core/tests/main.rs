//! What the crate promises, held through its public names: part of the library's own test binary.

mod build;
mod canonical;
mod golden;
mod guard;
mod redact;
mod rules;
