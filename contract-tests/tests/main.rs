//! The contract test, what the fixtures promise and how they compare with the owner's own files, and the test that no file
//! of tests is forgotten.

mod alike;
mod fixtures;
mod outsider;
mod reached;
