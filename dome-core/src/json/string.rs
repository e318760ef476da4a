//! Strings: escapes and surrogates (RFC 8259, section 7).

use super::read::{Cursor, Step, TextProblem};
use crate::problem::ProblemCode;
use crate::text::from_special;

impl Cursor<'_> {
    /// Decodes a string that opens at `start`; the cursor stands at its first escape.
    pub(super) fn decode(&mut self, start: usize) -> Step {
        let mut plain_from = start + 1;
        loop {
            self.rest = from_special(self.rest);
            self.decoded.push_str(self.line.get(plain_from..self.place()).unwrap_or_default());
            match self.peek() {
                b'"' => return Ok(()),
                b'\\' => {
                    let character = self.escape()?;
                    self.decoded.push(character);
                }
                _ if self.is_at_end() => return Err(self.invalid("the line ends inside a string")),
                _ => return Err(self.invalid("a control character in a string")),
            }
            plain_from = self.place();
        }
    }

    fn escape(&mut self) -> Result<char, Box<TextProblem>> {
        let start = self.place();
        self.pass(1);
        let simple = match self.peek() {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(start),
            _ => return Err(self.invalid_at(start, "no such escape in a string")),
        };
        self.pass(1);
        Ok(simple)
    }

    fn unicode_escape(&mut self, start: usize) -> Result<char, Box<TextProblem>> {
        let first = self.code_unit(start)?;
        let unit = match first {
            0xD800..=0xDBFF => {
                let low = self.rest.starts_with(b"\\u");
                self.pass(usize::from(low));
                let second = if low { self.code_unit(start)? } else { 0 };
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(self.invalid_at(start, "a lone surrogate escape"));
                }
                0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            unit => unit,
        };
        char::from_u32(unit).ok_or_else(|| self.invalid_at(start, "a lone surrogate escape"))
    }

    /// `u` and four hex digits.
    fn code_unit(&mut self, start: usize) -> Result<u32, Box<TextProblem>> {
        let digits = self.line.get(self.place() + 1..self.place() + 5);
        let unit = digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.invalid_at(start, "`\\u` wants four hex digits"))?;
        self.pass(5);
        Ok(unit)
    }

    #[cold]
    pub(super) fn invalid(&self, what: &str) -> Box<TextProblem> {
        self.invalid_at(self.place(), what)
    }

    #[cold]
    pub(super) fn invalid_at(&self, place: usize, what: &str) -> Box<TextProblem> {
        Box::new(TextProblem { code: ProblemCode::JsonInvalid, place, what: what.to_owned() })
    }
}
