//! The door: bytes of a line in, an [`Envelope`] or every problem with it out (sections 2 to 4).

pub(crate) mod check;
mod envelope;
pub(crate) mod names;
mod parts;
mod spec;

use crate::envelope::Envelope;
use crate::json::{self, Tape};
use crate::limits;
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
        let text = self.text(line)?;
        let root = json::read(text, &mut self.tape).map_err(|problem| {
            let message = format!("{} (column {})", problem.what, column(text, problem.place));
            whole_line(problem.code, message, problem.place)
        })?;
        let mut check = check::Check::default();
        let envelope = check.envelope(root, self.not_after);
        match (Rejection::of(check.problems), envelope) {
            (None, Some(envelope)) => Ok(envelope),
            (Some(rejection), _) => Err(rejection),
            (None, None) => Err(whole_line(ProblemCode::JsonInvalid, "the line is no envelope".to_owned(), 0)),
        }
    }

    fn text<'l>(&self, line: &'l [u8]) -> Result<&'l str, Rejection> {
        if line.len() > limits::LINE_BYTES && !self.any_length {
            return Err(line_too_long(line.len() as u64));
        }
        simdutf8::compat::from_utf8(line).map_err(|error| {
            let place = error.valid_up_to();
            let message = format!("the line is not UTF-8 from byte {} on", place + 1);
            whole_line(ProblemCode::Utf8Invalid, message, place)
        })
    }
}

/// The rejection of a line that is longer than [`limits::LINE_BYTES`], for who does not hold it.
#[must_use]
pub fn line_too_long(bytes: u64) -> Rejection {
    let message = format!("expected a line of at most {} bytes, found {bytes}", limits::LINE_BYTES);
    whole_line(ProblemCode::LineTooLong, message, 0)
}

/// Reads one line with a [`Reader`] of its own.
///
/// # Errors
///
/// As [`Reader::read`].
pub fn read(line: &[u8]) -> Result<Envelope, Rejection> {
    Reader::new().read(line)
}

fn whole_line(code: ProblemCode, message: String, place: usize) -> Rejection {
    Problem { code, message, pointer: String::new(), span: place..place + 1 }.into()
}

/// The column of a byte: characters from the start of the line, from 1.
fn column(line: &str, place: usize) -> usize {
    line.get(..place).map_or(place, |before| before.chars().count()) + 1
}
