//! Documents: JSON over more than one line, read with the checks of envelopes.

use compact_str::CompactString;

use crate::ingress::check::Check;
use crate::ingress::line_too_long;
use crate::json::{self, Tape, Value};
use crate::limits;
use crate::problem::{Problem, ProblemCode, Rejection};

/// Reads a document with one check from its root.
pub(super) fn read<T>(document: &[u8], root: impl FnOnce(&mut Check, Value<'_>) -> Option<T>) -> Result<T, Rejection> {
    let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
    if document.len() > limits::LINE_BYTES {
        return Err(line_too_long(document.len() as u64));
    }
    let text = str::from_utf8(document).map_err(|why| {
        let place = why.valid_up_to();
        whole(ProblemCode::Utf8Invalid, format!("the document is not UTF-8 from byte {} on", place + 1), place)
    })?;
    let mut tape = Tape::default();
    let value = json::read(text, &mut tape).map_err(|problem| {
        whole(problem.code, format!("{} ({})", problem.what, place(text, problem.place)), problem.place)
    })?;
    let mut check = Check::default();
    let read = root(&mut check, value);
    match (Rejection::of(check.problems), read) {
        (None, Some(read)) => Ok(read),
        (Some(rejection), _) => Err(rejection),
        (None, None) => Err(whole(ProblemCode::JsonInvalid, "not the document that is expected".to_owned(), 0)),
    }
}

fn whole(code: ProblemCode, message: String, place: usize) -> Rejection {
    Problem { code, message, pointer: String::new(), span: place..place + 1 }.into()
}

/// A byte as line and column, each from 1.
fn place(text: &str, place: usize) -> String {
    let before = text.get(..place).unwrap_or(text);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    format!("line {}, column {}", before.matches('\n').count() + 1, column + 1)
}

impl Check {
    /// A string of at least one character.
    pub(super) fn filled(&mut self, at: Value<'_>) -> Option<CompactString> {
        let text = self.text(at)?;
        if text.is_empty() {
            self.report(ProblemCode::OutOfRange, at, "expected at least one character");
            return None;
        }
        Some(text.into())
    }

    /// An array of [`Check::filled`], as a set.
    pub(super) fn texts(&mut self, at: Value<'_>) -> Option<Vec<CompactString>> {
        self.set(at, Self::filled)
    }

    /// The one string that may stand here.
    pub(super) fn constant(&mut self, at: Value<'_>, code: ProblemCode, word: &str) -> Option<()> {
        let text = self.text(at)?;
        if text != word {
            let found = crate::text::quote(text);
            self.report(code, at, format_args!("expected `{word}`, found {found}"));
            return None;
        }
        Some(())
    }
}
