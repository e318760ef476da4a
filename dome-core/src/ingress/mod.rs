//! The door: bytes of a line in, an [`Envelope`] or every problem with it out (sections 2 to 4).

pub(crate) mod check;
mod envelope;
mod names;

pub(crate) use check::Check;
pub(crate) use names::MemberNames;

use crate::envelope::Envelope;
use crate::json::{self, Tape, Value};
use crate::limits;
use crate::lines::BYTE_ORDER_MARK;
use crate::problem::{Problem, ProblemCode, Rejection};
use crate::time::Timestamp;

/// Reads lines one after the other, without allocating for the reading itself.
///
/// ```
/// use dome_core::{ProblemCode, Reader};
/// let mut reader = Reader::new();
/// let rejection = reader.read(br#"{"envelope_version": "1", "singal": "failure"}"#).unwrap_err();
/// let unknown = rejection.problems().iter().find(|p| p.code == ProblemCode::UnknownField).unwrap();
/// assert_eq!(unknown.pointer, "/singal");
/// assert_eq!(unknown.message, "no such member `singal`; did you mean `signal`?");
/// ```
#[derive(Default)]
pub struct Reader {
    tape: Tape,
    not_after: Option<Timestamp>,
    any_length: bool,
}

impl Reader {
    /// A reader that takes any time and no line beyond [`limits::LINE_BYTES`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses lines whose `ts` is later than `limit` (M-32).
    #[must_use]
    pub fn not_after(self, limit: Option<Timestamp>) -> Self {
        Self { not_after: limit, ..self }
    }

    /// Reads lines of any length, as L-7 asks for canonical bytes that are read back.
    #[must_use]
    pub fn any_length(self) -> Self {
        Self { any_length: true, ..self }
    }

    /// Reads one line: without its end and without a byte order mark (M-31).
    ///
    /// # Errors
    ///
    /// All that is wrong with the line (M-30): one problem when it is not JSON as section 4 wants
    /// it, else every problem of every member.
    pub fn read(&mut self, line: &[u8]) -> Result<Envelope, Rejection> {
        if line.len() > limits::LINE_BYTES && !self.any_length {
            return Err(line_too_long(line.len() as u64));
        }
        let not_utf8 = |why: simdutf8::compat::Utf8Error| not_utf8("line", why.valid_up_to());
        let text = simdutf8::compat::from_utf8(line).map_err(not_utf8)?;
        let (place, not_after) = (|before: &str| format!("column {}", before.chars().count() + 1), self.not_after);
        checked(text, &mut self.tape, place, |check, at| check.envelope(at, not_after))
    }
}

/// The rejection of a line that is longer than [`limits::LINE_BYTES`], for callers that do not hold it.
#[must_use]
pub fn line_too_long(bytes: u64) -> Rejection {
    let message = format!("expected a line of at most {} bytes, found {bytes}", limits::LINE_BYTES);
    whole(ProblemCode::LineTooLong, message, 0)
}

/// Reads one line with a [`Reader`] of its own.
///
/// # Errors
///
/// As [`Reader::read`].
pub fn read(line: &[u8]) -> Result<Envelope, Rejection> {
    Reader::new().read(line)
}

/// Reads a document, JSON over more than one line, with one check from its root.
pub(crate) fn document<T>(
    document: &[u8],
    root: impl FnOnce(&mut Check, Value<'_>) -> Option<T>,
) -> Result<T, Rejection> {
    let document = without_mark(document);
    if document.len() > limits::LINE_BYTES {
        return Err(line_too_long(document.len() as u64));
    }
    let text = str::from_utf8(document).map_err(|why| not_utf8("document", why.valid_up_to()))?;
    let place = |before: &str| {
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        format!("line {}, column {}", before.matches('\n').count() + 1, column + 1)
    };
    checked(text, &mut Tape::default(), place, root)
}

pub(crate) fn without_mark(document: &[u8]) -> &[u8] {
    document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document)
}

/// A text as one check reads it; `place` says where the text before it ends.
fn checked<T>(
    text: &str,
    tape: &mut Tape,
    place: impl FnOnce(&str) -> String,
    root: impl FnOnce(&mut Check, Value<'_>) -> Option<T>,
) -> Result<T, Rejection> {
    let value = json::read(text, tape).map_err(|problem| {
        // Reading stops where a character begins.
        let (before, _) = text.split_at(problem.place);
        whole(problem.code, format!("{} ({})", problem.what, place(before)), problem.place)
    })?;
    let mut check = Check::default();
    let read = root(&mut check, value);
    match (check.rejection(value), read) {
        (None, Some(read)) => Ok(read),
        (Some(rejection), _) => Err(rejection),
        (None, None) => Err(whole(ProblemCode::JsonInvalid, "a check failed and did not say why".to_owned(), 0)),
    }
}

fn not_utf8(what: &str, place: usize) -> Rejection {
    let message = format!("the {what} is not UTF-8 from byte {} on", place + 1);
    whole(ProblemCode::Utf8Invalid, message, place)
}

fn whole(code: ProblemCode, message: String, place: usize) -> Rejection {
    Problem { code, message, pointer: String::new(), span: place..place + 1 }.into()
}
