//! The contract test, what the fixtures promise, and the test that no file of tests is forgotten.

mod fixtures;
mod outsider;
mod reached;
