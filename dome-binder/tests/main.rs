//! What the crate promises, held through its public names: built by the crate `laws`.

mod compare;
mod golden;
mod histories;
mod laws;
mod planner;
