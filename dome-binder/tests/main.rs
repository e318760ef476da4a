//! What the crate promises, held through its public names: part of the library's own test binary.

mod compare;
mod golden;
mod histories;
mod laws;
mod planner;
