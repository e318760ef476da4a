//! What the crate promises, held through its public names: built by the crate `laws`.

mod build;
mod canonical;
mod golden;
mod guard;
mod redact;
mod rules;
