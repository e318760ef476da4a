//! The reader itself: recursive descent over RFC 8259, stopping at the first problem (M-30).

use std::collections::BTreeSet;

use super::{Kind, PADDING, Tape, TapeNode, Value, look};
use crate::limits;
use crate::problem::ProblemCode;
use crate::text::{from_special, quote};

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
pub fn read<'t>(line: &str, tape: &'t mut Tape) -> Result<Value<'t>, TextProblem> {
    tape.line.clear();
    tape.line.push_str(line);
    tape.line.push_str(PADDING);
    tape.nodes.clear();
    tape.decoded.clear();
    let mut cursor = JsonCursor {
        line: &tape.line,
        rest: tape.line.as_bytes(),
        nodes: std::mem::take(&mut tape.nodes),
        decoded: std::mem::take(&mut tape.decoded),
    };
    let read = cursor.whole();
    (tape.nodes, tape.decoded) = (cursor.nodes, cursor.decoded);
    read.map_err(|problem| *problem)?;
    Ok(Value::root(tape))
}

/// The result of reading a piece; boxed, so that the good case is one word.
type Reading = Result<(), Box<TextProblem>>;

struct JsonCursor<'t> {
    /// With its padding.
    line: &'t str,
    rest: &'t [u8],
    nodes: Vec<TapeNode>,
    decoded: String,
}

impl<'t> JsonCursor<'t> {
    fn whole(&mut self) -> Reading {
        // Places are 32 bits wide.
        if u32::try_from(self.line.len()).is_err() {
            return Err(self.invalid("expected a text of less than 4 GiB"));
        }
        self.value(1)?;
        self.next();
        if self.is_at_end() { Ok(()) } else { Err(self.invalid("expected nothing more after the value")) }
    }

    #[inline(always)]
    const fn place(&self) -> usize {
        self.line.len() - self.rest.len()
    }

    const fn is_at_end(&self) -> bool {
        self.rest.len() == PADDING.len()
    }

    /// The byte where the cursor stands; 0 at the end of the line.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "no reading goes beyond the first byte of the padding")]
    const fn peek(&self) -> u8 {
        self.rest[0]
    }

    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "no reading goes beyond the first byte of the padding")]
    fn pass(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    /// The next byte that is no blank, where the cursor then stands.
    #[inline(always)]
    fn next(&mut self) -> u8 {
        match self.peek() {
            b' ' | b'\t' | b'\n' | b'\r' => self.behind_blanks(),
            byte => byte,
        }
    }

    #[cold]
    fn behind_blanks(&mut self) -> u8 {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
        self.peek()
    }

    #[inline(always)]
    fn take(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline(always)]
    fn push(&mut self, kind: Kind, start: usize, first: u32, last: u32) {
        let [start, end] = [start, self.place()].map(|place| place as u32);
        self.nodes.push(TapeNode { kind, start, end, first, last });
    }

    fn value(&mut self, level: usize) -> Reading {
        match self.next() {
            b'"' => self.string(),
            b'{' => self.nested(level, Kind::Object),
            b'[' => self.nested(level, Kind::Array),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Kind::Boolean),
            b'f' => self.word("false", Kind::Boolean),
            b'n' => self.word("null", Kind::Null),
            _ if self.is_at_end() => Err(self.invalid("the line ends where a JSON value was expected")),
            _ => Err(self.invalid("expected a JSON value")),
        }
    }

    fn word(&mut self, word: &str, kind: Kind) -> Reading {
        if !self.rest.starts_with(word.as_bytes()) {
            return Err(self.invalid("expected a JSON value"));
        }
        let start = self.place();
        self.pass(word.len());
        self.push(kind, start, 0, 0);
        Ok(())
    }

    #[inline(always)]
    fn string(&mut self) -> Reading {
        let start = self.place();
        if self.plain_string().is_some() {
            self.push(Kind::Text, start, 0, 0);
            Ok(())
        } else {
            self.escaped_string(start)
        }
    }

    /// Moves over the string that opens here, if it is written without escapes; else to its first one.
    #[inline(always)]
    fn plain_string(&mut self) -> Option<&'t [u8]> {
        self.pass(1);
        let opened = self.rest;
        self.rest = from_special(opened);
        let text = opened.get(..opened.len() - self.rest.len());
        if self.take(b'"') { text } else { None }
    }

    #[inline(never)]
    fn escaped_string(&mut self, start: usize) -> Reading {
        let first = self.decoded.len() as u32;
        self.decode(start)?;
        self.pass(1);
        self.push(Kind::EscapedText, start, first, self.decoded.len() as u32);
        Ok(())
    }

    /// Decodes a string that opens at `start`; the cursor stands at its first escape.
    fn decode(&mut self, start: usize) -> Reading {
        let mut plain_from = start + 1;
        loop {
            self.rest = from_special(self.rest);
            self.decoded.push_str(&self.line[plain_from..self.place()]);
            match self.peek() {
                b'"' => return Ok(()),
                b'\\' => {
                    let (character, taken) = escape(self.rest).map_err(|what| self.invalid(what))?;
                    self.pass(taken);
                    self.decoded.push(character);
                }
                _ if self.is_at_end() => return Err(self.invalid("the line ends inside a string")),
                _ => return Err(self.invalid("a control character in a string")),
            }
            plain_from = self.place();
        }
    }

    /// Moves over digits; their value, or more than [`limits::SAFE_INTEGER`] where it is that.
    fn digits(&mut self) -> Result<u64, Box<TextProblem>> {
        if !self.peek().is_ascii_digit() {
            return Err(self.invalid("expected a digit"));
        }
        let mut value = 0_u64;
        while let [digit @ b'0'..=b'9', rest @ ..] = self.rest {
            value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            self.rest = rest;
        }
        Ok(value)
    }

    fn number(&mut self) -> Reading {
        let start = self.place();
        self.take(b'-');
        let (first, leads_zero) = (self.place(), self.peek() == b'0');
        let magnitude = self.digits()?;
        let integer_end = self.place();
        if leads_zero && integer_end > first + 1 {
            return Err(self.invalid_at(first, "a number has no leading zero"));
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let kind = match magnitude {
            _ if self.place() > integer_end => Kind::Fraction,
            0..=limits::SAFE_INTEGER => Kind::Integer,
            _ => Kind::UnsafeInteger,
        };
        self.push(kind, start, magnitude as u32, (magnitude >> 32) as u32);
        Ok(())
    }

    fn nested(&mut self, level: usize, kind: Kind) -> Reading {
        if level > limits::DEPTH_LEVELS {
            let what = format!("nested deeper than {} levels", limits::DEPTH_LEVELS);
            return Err(Box::new(TextProblem { code: ProblemCode::JsonTooDeep, place: self.place(), what }));
        }
        let (start, index) = (self.place(), self.nodes.len());
        self.pass(1);
        self.push(kind, start, 0, 0);
        let count = match kind {
            Kind::Object => self.members(level, index)?,
            _ => self.entries(level)?,
        };
        let (end, after) = (self.place(), self.nodes.len());
        if let Some(node) = self.nodes.get_mut(index) {
            (node.end, node.first, node.last) = (end as u32, after as u32, count as u32);
        }
        Ok(())
    }

    fn entries(&mut self, level: usize) -> Result<usize, Box<TextProblem>> {
        if self.next() == b']' {
            self.pass(1);
            return Ok(0);
        }
        let mut count = 0;
        loop {
            self.value(level + 1)?;
            count += 1;
            match self.next() {
                b',' => self.pass(1),
                b']' => {
                    self.pass(1);
                    return Ok(count);
                }
                _ => return Err(self.invalid("expected `,` or `]`")),
            }
        }
    }

    fn members(&mut self, level: usize, object: usize) -> Result<usize, Box<TextProblem>> {
        if self.next() == b'}' {
            self.pass(1);
            return Ok(0);
        }
        let mut names = SeenNames::of(object);
        loop {
            if self.next() != b'"' {
                return Err(self.invalid("expected a member's name in double quotes"));
            }
            self.name(&mut names)?;
            // Most values are strings that stand right behind the colon.
            match self.rest {
                [b':', string @ ..] if string.first() == Some(&b'"') => {
                    self.rest = string;
                    self.string()?;
                }
                _ => {
                    if self.next() != b':' {
                        return Err(self.invalid("expected `:` after a member's name"));
                    }
                    self.pass(1);
                    self.value(level + 1)?;
                }
            }
            match self.next() {
                b',' => self.pass(1),
                b'}' => {
                    self.pass(1);
                    return Ok(names.count);
                }
                _ => return Err(self.invalid("expected `,` or `}`")),
            }
        }
    }

    #[inline(always)]
    fn name(&mut self, names: &mut SeenNames) -> Reading {
        let start = self.place();
        let look = match self.plain_string() {
            Some(name) => {
                let look = look(name);
                self.push(Kind::Text, start, look, 0);
                look
            }
            None => {
                self.escaped_string(start)?;
                look(self.last_text())
            }
        };
        if names.sketched(look) || names.count >= SeenNames::FEW {
            self.look_up(names)?;
        }
        names.count += 1;
        Ok(())
    }

    #[cold]
    fn invalid(&self, what: &str) -> Box<TextProblem> {
        self.invalid_at(self.place(), what)
    }

    #[cold]
    fn invalid_at(&self, place: usize, what: &str) -> Box<TextProblem> {
        Box::new(TextProblem { code: ProblemCode::JsonInvalid, place, what: what.to_owned() })
    }

    fn last_text(&self) -> &[u8] {
        self.nodes.last().map_or(&[], |node| self.text_of(*node))
    }

    fn text_of(&self, node: TapeNode) -> &[u8] {
        node.text(self.line.as_bytes(), &self.decoded)
    }

    #[inline(never)]
    fn look_up(&self, names: &mut SeenNames) -> Reading {
        let name = self.last_text();
        let mut before = names.before(&self.nodes).map(|node| self.text_of(node));
        let seen = if names.count < SeenNames::FEW {
            before.any(|before| before == name)
        } else {
            let all = || before.map(<[u8]>::to_owned).collect();
            !names.many.get_or_insert_with(all).insert(name.to_owned())
        };
        if !seen {
            return Ok(());
        }
        let what = format!("the name {} stands twice in one object", quote(&String::from_utf8_lossy(name)));
        let place = self.nodes.last().map_or(0, |node| node.start as usize);
        Err(Box::new(TextProblem { code: ProblemCode::JsonDuplicateKey, place, what }))
    }
}

/// Most objects have few names, and a sketch says of most that they are new; a large object has a set.
struct SeenNames {
    object: usize,
    count: usize,
    sketch: u64,
    many: Option<BTreeSet<Vec<u8>>>,
}

impl SeenNames {
    const FEW: usize = 32;

    const fn of(object: usize) -> Self {
        Self { object, count: 0, sketch: 0, many: None }
    }

    /// Whether the sketch has a name that looks like this one; then it has this one too.
    #[inline(always)]
    const fn sketched(&mut self, look: u32) -> bool {
        let before = self.sketch;
        self.sketch |= 1 << (look % 64);
        self.sketch == before
    }

    fn before<'n>(&self, nodes: &'n [TapeNode]) -> impl Iterator<Item = TapeNode> + use<'n> {
        let mut index = self.object as u32 + 1;
        (0..self.count).map_while(move |_| {
            let name = *nodes.get(index as usize)?;
            index = nodes.get(index as usize + 1)?.next(index + 1);
            Some(name)
        })
    }
}

/// The character that the escape at the start of `text` writes, and the bytes that it takes (RFC 8259, section 7).
pub(crate) fn escape(text: &[u8]) -> Result<(char, usize), &'static str> {
    let simple = match text {
        [b'\\', kind @ (b'"' | b'\\' | b'/'), ..] => char::from(*kind),
        [b'\\', b'b', ..] => '\u{8}',
        [b'\\', b'f', ..] => '\u{c}',
        [b'\\', b'n', ..] => '\n',
        [b'\\', b'r', ..] => '\r',
        [b'\\', b't', ..] => '\t',
        [b'\\', b'u', ..] => return unicode_escape(text),
        _ => return Err("no such escape in a string"),
    };
    Ok((simple, 2))
}

fn unicode_escape(text: &[u8]) -> Result<(char, usize), &'static str> {
    const LONE: &str = "a lone surrogate escape";
    let first = code_unit(text)?;
    let (unit, taken) = match (first, text.get(6..)) {
        (0xD800..=0xDBFF, Some(pair @ [b'\\', b'u', ..])) => match code_unit(pair)? {
            second @ 0xDC00..=0xDFFF => (0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00), 12),
            _ => return Err(LONE),
        },
        _ => (first, 6),
    };
    char::from_u32(unit).map(|character| (character, taken)).ok_or(LONE)
}

fn code_unit(text: &[u8]) -> Result<u32, &'static str> {
    let unit = text
        .get(2..6)
        .and_then(|digits| digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?)));
    unit.ok_or("`\\u` wants four hex digits")
}
