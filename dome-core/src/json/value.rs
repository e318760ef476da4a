//! Looking at what was read: kinds, texts, members, entries and pointers (RFC 6901).

use super::{Span, Tape, TapeNode, look};

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

    /// The JSON Pointer from the line's root to this value (RFC 6901).
    #[must_use]
    pub fn pointer(self) -> String {
        let (mut pointer, mut here) = (String::new(), self.at(0));
        while here.index != self.index {
            let members = here.members().map(|(key, value)| (pointer_step(key.name_text()), value));
            let entries = here.entries().enumerate().map(|(place, entry)| (place.to_string(), entry));
            let mut children = members.chain(entries);
            let above = children.find(|(_, child)| (child.index..child.next()).contains(&self.index));
            let Some((step, child)) = above else { break };
            pointer.push('/');
            pointer.push_str(&step);
            here = child;
        }
        pointer
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
