//! The reader itself: recursive descent over RFC 8259, stopping at the first problem (M-30).

use std::collections::BTreeSet;

use super::{Kind, Node, Tape, Value};
use crate::limits;
use crate::problem::ProblemCode;
use crate::text::{plain_prefix, quote};

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
    cursor.whole().map_err(|problem| *problem)?;
    Ok(Value::root(line, tape))
}

/// What a piece of reading comes to; boxed, so that the good case is one word.
pub(super) type Step = Result<(), Box<TextProblem>>;

pub(super) struct Cursor<'t> {
    pub(super) line: &'t str,
    pub(super) place: usize,
    tape: &'t mut Tape,
}

impl<'t> Cursor<'t> {
    /// One value and nothing else.
    fn whole(&mut self) -> Step {
        // Places are 32 bits wide.
        if u32::try_from(self.line.len()).is_err() {
            return Err(self.invalid("expected a text of less than 4 GiB"));
        }
        self.value(1)?;
        match self.next() {
            None => Ok(()),
            Some(_) => Err(self.invalid("expected nothing more after the value")),
        }
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.line.as_bytes().get(self.place..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.place).copied()
    }

    /// The next byte that is no blank, where the cursor then stands.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        match self.peek() {
            Some(b' ' | b'\t' | b'\n' | b'\r') => self.behind_blanks(),
            byte => byte,
        }
    }

    #[cold]
    fn behind_blanks(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.place += 1;
        }
        self.peek()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.place += usize::from(found);
        found
    }

    /// Puts a node on the tape; `start` is where it began, the cursor stands where it ends.
    #[inline]
    fn push(&mut self, kind: Kind, start: usize, first: usize, last: usize) {
        let [start, end, first, last] = [start, self.place, first, last].map(|place| place as u32);
        self.tape.nodes.push(Node { kind, start, end, first, last });
    }

    fn value(&mut self, level: usize) -> Step {
        match self.next() {
            Some(b'"') => self.string().map(drop),
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

    fn word(&mut self, word: &str, kind: Kind) -> Step {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(self.invalid("expected a JSON value"));
        }
        let start = self.place;
        self.place += word.len();
        self.push(kind, start, 0, 0);
        Ok(())
    }

    /// The string that opens here; its text, where it is written without escapes.
    #[inline(always)]
    fn string(&mut self) -> Result<Option<&'t [u8]>, Box<TextProblem>> {
        let start = self.place;
        self.place += 1;
        let rest = self.rest();
        let plain = plain_prefix(rest);
        self.place += plain;
        match rest.split_at_checked(plain) {
            Some((text, [b'"', ..])) => {
                self.place += 1;
                self.push(Kind::Text, start, 0, 0);
                Ok(Some(text))
            }
            _ => self.escaped_string(start).map(|()| None),
        }
    }

    /// The string that opens at `start`, from its first escape on.
    #[inline(never)]
    fn escaped_string(&mut self, start: usize) -> Step {
        let mut decoded = std::mem::take(&mut self.tape.decoded);
        let first = decoded.len();
        let result = self.decode_into(&mut decoded, start);
        let last = decoded.len();
        self.tape.decoded = decoded;
        result?;
        self.place += 1;
        self.push(Kind::EscapedText, start, first, last);
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, Box<TextProblem>> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.place += count;
        if count == 0 { Err(self.invalid("expected a digit")) } else { Ok(count) }
    }

    fn number(&mut self) -> Step {
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

    fn nested(&mut self, level: usize, kind: Kind) -> Step {
        if level > limits::DEPTH_LEVELS {
            let what = format!("nested deeper than {} levels", limits::DEPTH_LEVELS);
            return Err(Box::new(TextProblem { code: ProblemCode::JsonTooDeep, place: self.place, what }));
        }
        let (start, index) = (self.place, self.tape.nodes.len());
        self.place += 1;
        self.push(kind, start, 0, 0);
        let count = match kind {
            Kind::Object => self.members(level, index)?,
            _ => self.entries(level)?,
        };
        let after = self.tape.nodes.len();
        if let Some(node) = self.tape.nodes.get_mut(index) {
            (node.end, node.first, node.last) = (self.place as u32, after as u32, count as u32);
        }
        Ok(())
    }

    fn entries(&mut self, level: usize) -> Result<usize, Box<TextProblem>> {
        if self.next() == Some(b']') {
            self.place += 1;
            return Ok(0);
        }
        let mut count = 0;
        loop {
            self.value(level + 1)?;
            count += 1;
            match self.next() {
                Some(b',') => self.place += 1,
                Some(b']') => {
                    self.place += 1;
                    return Ok(count);
                }
                _ => return Err(self.invalid("expected `,` or `]`")),
            }
        }
    }

    fn members(&mut self, level: usize, object: usize) -> Result<usize, Box<TextProblem>> {
        if self.next() == Some(b'}') {
            self.place += 1;
            return Ok(0);
        }
        let mut keys = Keys::of(object);
        loop {
            if self.next() != Some(b'"') {
                return Err(self.invalid("expected a member's name in double quotes"));
            }
            let name = self.string()?;
            keys.add(name, self)?;
            if self.next() != Some(b':') {
                return Err(self.invalid("expected `:` after a member's name"));
            }
            self.place += 1;
            self.value(level + 1)?;
            match self.next() {
                Some(b',') => self.place += 1,
                Some(b'}') => {
                    self.place += 1;
                    return Ok(keys.count);
                }
                _ => return Err(self.invalid("expected `,` or `}`")),
            }
        }
    }
}

/// The names seen so far in one object. Most objects have few, and a sketch says of most names that
/// they are new; a large object is looked up in a set.
struct Keys {
    object: usize,
    count: usize,
    sketch: [u64; 8],
    many: Option<BTreeSet<Vec<u8>>>,
}

impl Keys {
    const FEW: usize = 32;

    const fn of(object: usize) -> Self {
        Self { object, count: 0, sketch: [0; 8], many: None }
    }

    /// Adds the name that was read last; `plain` is its text, where it has no escapes.
    #[inline]
    fn add(&mut self, plain: Option<&[u8]>, cursor: &Cursor<'_>) -> Step {
        match plain {
            Some(name) if self.count < Self::FEW && !self.sketched(name) => {}
            _ => self.look_up(cursor)?,
        }
        self.count += 1;
        Ok(())
    }

    /// Looks for the name that was read last among those before.
    #[inline(never)]
    fn look_up(&mut self, cursor: &Cursor<'_>) -> Step {
        let root = Value::root(cursor.line, cursor.tape);
        let key = root.nth(cursor.tape.nodes.len() - 1);
        self.sketched(key.text_bytes());
        if self.seen(root.nth(self.object), key.text_bytes()) {
            let what = format!("the name {} stands twice in one object", quote(key.text().unwrap_or_default()));
            let place = key.span().start as usize;
            return Err(Box::new(TextProblem { code: ProblemCode::JsonDuplicateKey, place, what }));
        }
        Ok(())
    }

    /// Whether the sketch has the name, or another one that looks like it; then it has this one too.
    #[inline]
    fn sketched(&mut self, key: &[u8]) -> bool {
        let [first, middle, last] = match key {
            [first, .., last] => [*first, key.get(key.len() / 2).copied().unwrap_or(0), *last],
            key => [key.first().copied().unwrap_or(0); 3],
        };
        let looks = u32::from_le_bytes([first, middle, last, key.len() as u8]);
        let bit = looks.wrapping_mul(0x9E37_79B1) >> 23;
        let Some(word) = self.sketch.get_mut(bit as usize / 64) else { return true };
        let before = *word;
        *word |= 1 << (bit % 64);
        *word == before
    }

    fn seen(&mut self, object: Value<'_>, key: &[u8]) -> bool {
        if self.count < Self::FEW {
            return object.names(self.count).any(|name| name.text_bytes() == key);
        }
        let names = || object.names(self.count).map(|name| name.text_bytes().to_owned()).collect();
        !self.many.get_or_insert_with(names).insert(key.to_owned())
    }
}
