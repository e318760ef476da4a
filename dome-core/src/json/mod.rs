//! Strict JSON reading: one line in, a flat tape of values with their places out (M-14, M-15).
//!
//! The tape holds the line; nothing is built for a value that nobody asks for. Every value
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
mod value;

#[cfg(any(test, feature = "redact"))]
pub(crate) use read::escape;
pub use read::{TextProblem, read};
pub(crate) use value::Pointers;
pub use value::{Kind, Value, pointer_step};

use std::ops::Range;

/// Where a value stands on the line, in bytes.
pub(crate) type Span = Range<u32>;

/// One value of the tape. An object's members are pairs of nodes, the name's and the value's.
#[derive(Clone, Copy)]
struct TapeNode {
    kind: Kind,
    start: u32,
    end: u32,
    /// Of text with escapes: the start of its decoded form in [`Tape::decoded`];
    /// of a member's name without escapes: its [`look`];
    /// of an integer: the lower half of its magnitude;
    /// of an array or object: the node after its last one.
    first: u32,
    /// Of text with escapes: the end of its decoded form; of an integer: the upper half of its
    /// magnitude; of an array or object: its entries.
    last: u32,
}

impl TapeNode {
    /// The text of a string, decoded; of anything else nothing.
    #[expect(clippy::indexing_slicing, reason = "a node lies on the line that it was read from")]
    fn text<'t>(self, line: &'t [u8], decoded: &'t str) -> &'t [u8] {
        match self.kind {
            Kind::Text => &line[self.start as usize + 1..self.end as usize - 1],
            Kind::EscapedText => &decoded.as_bytes()[self.first as usize..self.last as usize],
            _ => &[],
        }
    }

    /// The node that follows this one, which stands at `index`, and all that it holds.
    const fn next(self, index: u32) -> u32 {
        match self.kind {
            Kind::Array | Kind::Object => self.first,
            _ => index + 1,
        }
    }
}

/// What equal names share, and most names that differ do not: by length and ends, in which all names
/// of an envelope do, also as remainders of 64.
#[inline]
pub(crate) const fn look(name: &[u8]) -> u32 {
    match name {
        [first, .., last] => name.len() as u32 + 18 * *first as u32 + 11 * *last as u32,
        _ => name.len() as u32,
    }
}

/// The values of one line. Reused from line to line so that reading allocates nothing.
#[derive(Default)]
pub struct Tape {
    /// The line, and [`PADDING`] behind it.
    line: String,
    nodes: Vec<TapeNode>,
    decoded: String,
}

/// What stands behind the line: as long as a block that is looked at, and nothing that JSON allows.
const PADDING: &str = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const _: () = assert!(PADDING.len() >= crate::text::BLOCK);
