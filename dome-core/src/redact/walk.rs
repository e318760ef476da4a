//! Walking over the strings of a line, JSON or nearly: what cannot be followed is passed over.

use std::ops::Range;

use super::pointer::Steps;
use super::view::View;
use crate::text::plain_prefix;

/// A scalar of the line.
pub(super) struct Scalar {
    /// Its bytes; of a string those between the quotes.
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    /// Whether it stands at or below a member to erase.
    pub(super) erased: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A member's name.
    Name,
    /// A string; whether the name of its member says that it is a secret.
    Text { secret: bool },
    /// A number, `true`, `false` or `null`; in what is no JSON, any other word.
    Word,
}

/// An object or array that is open.
struct Frame {
    is_object: bool,
    /// Entries behind.
    index: usize,
    /// The next value, once its name was read.
    next: Option<Next>,
    own: Next,
}

/// What is known of a value before it is read.
#[derive(Clone, Default)]
struct Next {
    /// The members to erase whose first steps lead here.
    alive: Vec<usize>,
    erased: bool,
    secret: bool,
}

pub(super) struct Walker<'w, F> {
    line: &'w [u8],
    members: &'w [Steps],
    is_secret: &'w dyn Fn(&[u8]) -> bool,
    frames: Vec<Frame>,
    each: F,
}

impl<'w, F: FnMut(Scalar)> Walker<'w, F> {
    pub(super) fn new(line: &'w [u8], members: &'w [Steps], is_secret: &'w dyn Fn(&[u8]) -> bool, each: F) -> Self {
        Self { line, members, is_secret, frames: Vec::new(), each }
    }

    /// Walks from the start of the line to its end.
    pub(super) fn walk(mut self) {
        let mut at = 0;
        while let Some(byte) = self.line.get(at) {
            at = match byte {
                b'"' => self.string(at + 1),
                b'{' | b'[' => {
                    let own = self.value();
                    self.frames.push(Frame { is_object: *byte == b'{', index: 0, next: None, own });
                    at + 1
                }
                b'}' | b']' => {
                    self.frames.pop();
                    at + 1
                }
                b',' => {
                    if let Some(frame) = self.frames.last_mut() {
                        (frame.index, frame.next) = (frame.index + 1, None);
                    }
                    at + 1
                }
                b' ' | b'\t' | b'\r' | b'\n' | b':' => at + 1,
                _ => self.word(at),
            };
        }
    }

    fn string(&mut self, start: usize) -> usize {
        let end = self.string_end(start);
        let is_name = self.frames.last().is_some_and(|frame| frame.is_object && frame.next.is_none());
        if is_name {
            let view = View::written(self.line, start..end);
            let decoded = view.decoded();
            let next = self.step(&decoded.as_ref().unwrap_or(&view).bytes);
            if let Some(frame) = self.frames.last_mut() {
                frame.next = Some(next);
            }
            (self.each)(Scalar { range: start..end, kind: Kind::Name, erased: false });
        } else {
            let Next { erased, secret, .. } = self.value();
            (self.each)(Scalar { range: start..end, kind: Kind::Text { secret }, erased });
        }
        end + 1
    }

    /// The closing quote of a string, or the end of the line.
    fn string_end(&self, start: usize) -> usize {
        let mut at = start;
        loop {
            let rest = self.line.get(at..).unwrap_or_default();
            at += plain_prefix(rest);
            match self.line.get(at) {
                Some(b'"') | None => return at.min(self.line.len()),
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
            }
        }
    }

    fn word(&mut self, start: usize) -> usize {
        let ends =
            |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n');
        let rest = self.line.get(start..).unwrap_or_default();
        let end = start + rest.iter().position(ends).unwrap_or(rest.len());
        let erased = self.value().erased;
        (self.each)(Scalar { range: start..end, kind: Kind::Word, erased });
        end
    }

    /// What is known of the value that begins here.
    fn value(&mut self) -> Next {
        match self.frames.last() {
            None => Next { alive: (0..self.members.len()).collect(), ..Next::default() },
            Some(frame) if frame.is_object => frame.next.clone().unwrap_or_default(),
            Some(frame) if frame.own.alive.is_empty() => Next { erased: frame.own.erased, ..Next::default() },
            Some(frame) => {
                let index = frame.index.to_string();
                Next { secret: false, ..self.step(index.as_bytes()) }
            }
        }
    }

    /// One step down: to a member of this name, or to an entry of this number.
    fn step(&self, name: &[u8]) -> Next {
        let Some(frame) = self.frames.last() else { return Next::default() };
        let depth = self.frames.len() - 1;
        let mut next = Next { erased: frame.own.erased, secret: (self.is_secret)(name), alive: Vec::new() };
        for index in &frame.own.alive {
            let Some(steps) = self.members.get(*index).filter(|steps| steps.matches(depth, name)) else { continue };
            if steps.len() == depth + 1 {
                next.erased = true;
            } else {
                next.alive.push(*index);
            }
        }
        next
    }
}
