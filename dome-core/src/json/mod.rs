//! Strict JSON reading: one line in, a flat tape of values with their places out (M-14, M-15).
//!
//! The tape borrows from the line; nothing is built for a value that nobody asks for. Every value
//! knows the bytes that it stands on, so a problem can be pointed at.

mod read;
mod string;
mod value;

pub(crate) use read::read;
pub(crate) use value::{Kind, Value};

use std::ops::Range;

/// Where a value stands on the line, in bytes.
pub(crate) type Span = Range<u32>;

/// One value of the tape. An object's members are pairs of nodes, the key's and the value's.
#[derive(Clone, Copy)]
struct Node {
    kind: Kind,
    start: u32,
    end: u32,
    /// Of text with escapes: the start of its decoded form in [`Tape::decoded`];
    /// of an array or object: the node after its last one.
    first: u32,
    /// Of text with escapes: the end of its decoded form; of an array or object: its entries.
    last: u32,
}

/// The values of one line. Reused from line to line so that reading allocates nothing.
#[derive(Default)]
pub(crate) struct Tape {
    nodes: Vec<Node>,
    decoded: String,
}
