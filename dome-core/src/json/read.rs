//! The reader itself: recursive descent over RFC 8259, stopping at the first problem (M-30).

use std::collections::BTreeSet;

use super::{Kind, Node, Tape, Value};
use crate::limits;
use crate::problem::ProblemCode;
use crate::text::quote;

/// What is wrong with a line as text: reading stops there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct TextProblem {
    /// `json_invalid`, `json_too_deep` or `json_duplicate_key`.
    pub code: ProblemCode,
    /// The byte at which reading met it.
    pub place: usize,
    /// What it is; it may quote the text.
    pub what: String,
}

/// Reads one line as one JSON value. How long a text may be is for the caller to say.
///
/// # Errors
///
/// `json_invalid`, `json_too_deep` or `json_duplicate_key`, whichever reading meets first (M-30).
pub fn read<'t>(line: &'t str, tape: &'t mut Tape) -> Result<Value<'t>, TextProblem> {
    tape.nodes.clear();
    tape.decoded.clear();
    let mut cursor = Cursor { line, place: 0, tape };
    cursor.skip_blanks();
    cursor.value(1)?;
    cursor.skip_blanks();
    if cursor.place < line.len() {
        return Err(cursor.invalid("expected nothing more after the value"));
    }
    Ok(Value::root(line, tape))
}

pub(super) struct Cursor<'t> {
    pub(super) line: &'t str,
    pub(super) place: usize,
    tape: &'t mut Tape,
}

impl<'t> Cursor<'t> {
    pub(super) fn rest(&self) -> &'t [u8] {
        self.line.as_bytes().get(self.place..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.place).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.place += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.place += usize::from(found);
        found
    }

    /// Puts a node on the tape; `start` is where it began, the cursor stands where it ends.
    fn push(&mut self, kind: Kind, start: usize, first: usize, last: usize) {
        let [start, end, first, last] = [start, self.place, first, last].map(narrow);
        self.tape.nodes.push(Node { kind, start, end, first, last });
    }

    fn value(&mut self, level: usize) -> Result<(), TextProblem> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.nested(level, Kind::Object),
            Some(b'[') => self.nested(level, Kind::Array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Kind::Boolean),
            Some(b'f') => self.word("false", Kind::Boolean),
            Some(b'n') => self.word("null", Kind::Null),
            Some(_) => Err(self.invalid("expected a JSON value")),
            None => Err(self.invalid("the line ends where a JSON value was expected")),
        }
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<(), TextProblem> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.invalid("expected a JSON value"));
        }
        let start = self.place;
        self.place += word.len();
        self.push(kind, start, 0, 0);
        Ok(())
    }

    fn string(&mut self) -> Result<(), TextProblem> {
        let start = self.place;
        self.place += 1;
        self.skip_plain();
        if self.take(b'"') {
            self.push(Kind::Text, start, 0, 0);
            return Ok(());
        }
        let mut decoded = std::mem::take(&mut self.tape.decoded);
        let first = decoded.len();
        self.place = start + 1;
        let result = self.decode_into(&mut decoded, start);
        let last = decoded.len();
        self.tape.decoded = decoded;
        result?;
        self.place += 1;
        self.push(Kind::EscapedText, start, first, last);
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, TextProblem> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.place += count;
        if count == 0 { Err(self.invalid("expected a digit")) } else { Ok(count) }
    }

    fn number(&mut self) -> Result<(), TextProblem> {
        let start = self.place;
        self.take(b'-');
        let first = self.place;
        if self.digits()? > 1 && self.line.as_bytes().get(first) == Some(&b'0') {
            return Err(self.invalid_at(first, "a number has no leading zero"));
        }
        let integer_end = self.place;
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let magnitude = self.line.get(first..integer_end).map(str::parse::<u64>);
        let kind = match magnitude {
            _ if self.place > integer_end => Kind::Fraction,
            Some(Ok(0..=limits::SAFE_INTEGER)) => Kind::Integer,
            _ => Kind::UnsafeInteger,
        };
        self.push(kind, start, 0, 0);
        Ok(())
    }

    fn nested(&mut self, level: usize, kind: Kind) -> Result<(), TextProblem> {
        if level > limits::DEPTH_LEVELS {
            let what = format!("nested deeper than {} levels", limits::DEPTH_LEVELS);
            return Err(TextProblem { code: ProblemCode::JsonTooDeep, place: self.place, what });
        }
        let (start, index) = (self.place, self.tape.nodes.len());
        self.place += 1;
        self.push(kind, start, 0, 0);
        let count = match kind {
            Kind::Object => self.members(level, index)?,
            _ => self.entries(level)?,
        };
        let after = narrow(self.tape.nodes.len());
        if let Some(node) = self.tape.nodes.get_mut(index) {
            (node.end, node.first, node.last) = (narrow(self.place), after, narrow(count));
        }
        Ok(())
    }

    fn entries(&mut self, level: usize) -> Result<usize, TextProblem> {
        self.skip_blanks();
        if self.take(b']') {
            return Ok(0);
        }
        let mut count = 0;
        loop {
            self.skip_blanks();
            self.value(level + 1)?;
            count += 1;
            self.skip_blanks();
            if self.take(b']') {
                return Ok(count);
            }
            if !self.take(b',') {
                return Err(self.invalid("expected `,` or `]`"));
            }
        }
    }

    fn members(&mut self, level: usize, object: usize) -> Result<usize, TextProblem> {
        self.skip_blanks();
        if self.take(b'}') {
            return Ok(0);
        }
        let mut keys = Keys { object, count: 0, sketch: 0, many: BTreeSet::new() };
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return Err(self.invalid("expected a member's name in double quotes"));
            }
            self.string()?;
            keys.add(self)?;
            self.skip_blanks();
            if !self.take(b':') {
                return Err(self.invalid("expected `:` after a member's name"));
            }
            self.skip_blanks();
            self.value(level + 1)?;
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(keys.count);
            }
            if !self.take(b',') {
                return Err(self.invalid("expected `,` or `}`"));
            }
        }
    }
}

/// The names seen so far in one object. Most objects have few, and a sketch of 64 bits says of
/// most names that they are new; a large object is looked up in a set.
struct Keys {
    object: usize,
    count: usize,
    sketch: u64,
    many: BTreeSet<Vec<u8>>,
}

impl Keys {
    const FEW: usize = 32;

    /// Adds the name that was read last.
    fn add(&mut self, cursor: &Cursor<'_>) -> Result<(), TextProblem> {
        let root = Value::root(cursor.line, cursor.tape);
        let last = cursor.tape.nodes.len() - 1;
        let key = root.nth(last);
        let seen = if self.count < Self::FEW {
            self.seen_among_few(root.nth(self.object), key.text_bytes())
        } else {
            if self.many.is_empty() {
                let names = root.nth(self.object).names(self.count);
                self.many.extend(names.map(|name| name.text_bytes().to_owned()));
            }
            !self.many.insert(key.text_bytes().to_owned())
        };
        if seen {
            let what = format!("the name {} stands twice in one object", quote(key.text().unwrap_or_default()));
            let place = key.span().start as usize;
            return Err(TextProblem { code: ProblemCode::JsonDuplicateKey, place, what });
        }
        self.count += 1;
        Ok(())
    }

    fn seen_among_few(&mut self, object: Value<'_>, key: &[u8]) -> bool {
        let end = |end: Option<&u8>| usize::from(end.copied().unwrap_or(0));
        let bit = 1 << ((end(key.first()) + 3 * end(key.last()) + 7 * key.len()) % 64);
        let maybe = self.sketch & bit != 0;
        self.sketch |= bit;
        maybe && object.names(self.count).any(|name| name.text_bytes() == key)
    }
}

/// A place on a line, whose length is limited far below 2^32; what could not fit is not a line.
fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
