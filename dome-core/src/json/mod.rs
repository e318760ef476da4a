//! Strict JSON reading: one line in, a flat tape of values with their places out (M-14, M-15).
//!
//! The tape borrows from the line; nothing is built for a value that nobody asks for. Every value
//! knows the bytes that it stands on, so a problem can be pointed at. It is the one reader of dome:
//! a name that stands twice, an unsafe integer, a lone surrogate and a deep nest are seen here.
//!
//! ```
//! use dome_core::ProblemCode;
//! use dome_core::json::{Kind, Tape, read};
//!
//! let mut tape = Tape::default();
//! let root = read(r#"{"passed": 3}"#, &mut tape)?;
//! let (name, value) = root.members().next().unwrap();
//! assert_eq!((name.text(), value.kind(), value.written()), (Some("passed"), Kind::Integer, "3"));
//! let problem = read(r#"{"a": 1, "a": 2}"#, &mut tape).err().unwrap();
//! assert_eq!(problem.code, ProblemCode::JsonDuplicateKey);
//! # Ok::<(), dome_core::json::TextProblem>(())
//! ```

mod read;
mod string;
mod value;

pub use read::{TextProblem, read};
pub use value::{Kind, Value};

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
pub struct Tape {
    nodes: Vec<Node>,
    decoded: String,
}
