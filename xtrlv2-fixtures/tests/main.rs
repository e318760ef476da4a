//! What the fixtures promise: one binary for all of it.

mod owner;
mod table;
