//! The contract test, and the test that no file of tests is forgotten.

mod outsider;
mod reached;
