//! Looking at what was read: kinds, texts, members, entries and pointers (RFC 6901).

use super::{Span, Tape, TapeNode, look};
use crate::steps::walked;

/// What a JSON value is. Numbers are told apart as far as M-15 asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// An integer within the safe range.
    Integer,
    /// An integer beyond the safe range.
    UnsafeInteger,
    /// A number with a fraction or an exponent.
    Fraction,
    /// Text.
    Text,
    /// Text that is written with escapes.
    EscapedText,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The kind with its article, as messages name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Integer | Self::UnsafeInteger => "an integer",
            Self::Fraction => "a number with a fraction or an exponent",
            Self::Text | Self::EscapedText => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// One value on the tape of its line.
#[derive(Clone, Copy)]
pub struct Value<'t> {
    tape: &'t Tape,
    index: u32,
}

impl<'t> Value<'t> {
    pub(super) const fn root(tape: &'t Tape) -> Self {
        Self { tape, index: 0 }
    }

    const fn at(self, index: u32) -> Self {
        Self { index, ..self }
    }

    #[expect(clippy::indexing_slicing, reason = "a value is made for a node of its own tape")]
    fn node(self) -> TapeNode {
        walked(1);
        self.tape.nodes[self.index as usize]
    }

    /// What kind of value it is.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    pub(crate) fn span(self) -> Span {
        let node = self.node();
        node.start..node.end
    }

    /// The value as it is written.
    #[must_use]
    pub fn written(self) -> &'t str {
        let node = self.node();
        &self.tape.line[node.start as usize..node.end as usize]
    }

    /// The text of a string, decoded.
    #[must_use]
    pub fn text(self) -> Option<&'t str> {
        let node = self.node();
        match node.kind {
            Kind::Text => self.tape.line.get(node.start as usize + 1..node.end as usize - 1),
            Kind::EscapedText => self.tape.decoded.get(node.first as usize..node.last as usize),
            _ => None,
        }
    }

    #[expect(clippy::expect_used, reason = "the reader takes nothing but strings for names")]
    pub(crate) fn name_text(self) -> &'t str {
        self.text().expect("a member's name is a string")
    }

    /// The bytes of [`Value::text`], without asking where characters begin, and their [`look`].
    #[inline]
    pub(crate) fn name(self) -> (&'t [u8], u32) {
        let node = self.node();
        let name = node.text(self.tape.line.as_bytes(), &self.tape.decoded);
        (name, if node.kind == Kind::Text { node.first } else { look(name) })
    }

    pub(crate) fn unsigned(self) -> Option<u64> {
        let node = self.node();
        let magnitude = u64::from(node.first) | u64::from(node.last) << 32;
        let is_sound = node.kind == Kind::Integer && (magnitude == 0 || !self.written().starts_with('-'));
        is_sound.then_some(magnitude)
    }

    /// How many entries an array has, or members an object.
    #[must_use]
    pub fn len(self) -> usize {
        match self.kind() {
            Kind::Array | Kind::Object => self.node().last as usize,
            _ => 0,
        }
    }

    /// Whether it has no entry and no member; so has what is neither an array nor an object.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    fn next(self) -> u32 {
        self.node().next(self.index)
    }

    /// The entries of an array.
    pub fn entries(self) -> impl Iterator<Item = Self> {
        let mut index = self.index + 1;
        let count = if self.kind() == Kind::Array { self.len() } else { 0 };
        (0..count).map(move |_| {
            let entry = self.at(index);
            index = entry.next();
            entry
        })
    }

    /// The members of an object: key and value, as written.
    pub fn members(self) -> impl Iterator<Item = (Self, Self)> {
        let mut index = self.index + 1;
        let count = if self.kind() == Kind::Object { self.len() } else { 0 };
        (0..count).map(move |_| {
            let (key, value) = (self.at(index), self.at(index + 1));
            index = value.next();
            (key, value)
        })
    }

    /// Where it stands among the values of its tape.
    pub(crate) const fn index(self) -> u32 {
        self.index
    }
}

/// The JSON Pointers (RFC 6901) to values of one tape, which are asked for in the order in which they stand there: all of
/// them take one walk over it, not one walk each.
pub(crate) struct Pointers<'t> {
    tape: &'t Tape,
    /// The root, and the values inside one another that lead to the one asked for last.
    open: Vec<PointerStep>,
    pointer: String,
}

/// An array or object on the way to a value, and how far it was walked.
struct PointerStep {
    /// Behind all that it holds.
    end: u32,
    is_object: bool,
    /// The entry or member that was reached, and how many are before it.
    child: u32,
    place: usize,
    /// Bytes of the pointer to itself.
    length: usize,
}

impl<'t> Pointers<'t> {
    pub(crate) fn of(root: Value<'t>) -> Self {
        let mut pointers = Self { tape: root.tape, open: Vec::new(), pointer: String::new() };
        pointers.enter(root.index);
        pointers
    }

    const fn value(&self, index: u32) -> Value<'t> {
        Value { tape: self.tape, index }
    }

    fn enter(&mut self, index: u32) {
        let value = self.value(index);
        let is_object = value.kind() == Kind::Object;
        let child = index + 1 + u32::from(is_object);
        self.open.push(PointerStep { end: value.next(), is_object, child, place: 0, length: self.pointer.len() });
    }

    /// The pointer to the value at an index that is not before the last one.
    pub(crate) fn to(&mut self, index: u32) -> &str {
        while self.open.len() > 1 && self.open.last().is_some_and(|step| step.end <= index) {
            self.open.pop();
        }
        while let Some(step) = self.open.last_mut() {
            self.pointer.truncate(step.length);
            if index < step.child {
                break;
            }
            let tape = self.tape;
            loop {
                let next = Value { tape, index: step.child }.next();
                if index < next {
                    break;
                }
                step.child = next + u32::from(step.is_object);
                step.place += 1;
            }
            self.pointer.push('/');
            match step.is_object {
                true => {
                    let name = Value { tape, index: step.child - 1 }.name_text();
                    self.pointer.push_str(&pointer_step(name));
                }
                false => self.pointer.push_str(&step.place.to_string()),
            }
            let child = step.child;
            if child == index {
                break;
            }
            self.enter(child);
        }
        &self.pointer
    }
}

/// A member's name as a step of a JSON Pointer (RFC 6901, section 3).
///
/// ```
/// assert_eq!(dome_core::json::pointer_step("a/b~c"), "a~1b~0c");
/// ```
#[must_use]
pub fn pointer_step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
