//! The dome command.
fn main() {}
