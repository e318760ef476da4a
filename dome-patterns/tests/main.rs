//! What the crate promises, held through its public names: one binary for all of it.

mod map_reduce;
