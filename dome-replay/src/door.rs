//! The one door: what a line of a source is (L-3).

use std::borrow::Cow;

use dome_core::redact::RedactionCounts;
use dome_core::{Envelope, Line, QuarantineRow, RawLine, Reader, Rejection, Source, Timestamp, line_too_long};

use crate::input::LongLine;
use crate::masking::{Masking, Seen};

/// What a line is.
#[derive(Debug)]
pub enum Admitted<'l> {
    /// Spaces, tabs and `\r` alone: it leaves nothing (M-121).
    Blank,
    /// An envelope, and the line as it was read: masked.
    Envelope(Box<Envelope>, Cow<'l, [u8]>),
    /// None, with every reason; and the line as it was read, unless it was too long to hold.
    Quarantined(Box<QuarantineRow>, Option<Cow<'l, [u8]>>),
}

/// Lines that were seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// All of them.
    pub lines: u64,
    /// Those that are blank.
    pub blank: u64,
}

impl std::ops::AddAssign for LineCounts {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.blank += other.blank;
    }
}

/// Admits lines: masks each, reads it, and says what it is. One per thread, since it keeps memory from line to line.
///
/// ```
/// use dome_replay::{Admitted, Door, Masking};
/// let masking = Masking::off();
/// let mut door = Door::new(&masking, None);
/// let line = dome_core::lines(dome_core::EXAMPLE_LINE, 1, 0).next().unwrap();
/// assert!(matches!(door.admit(&line, "a.jsonl"), Admitted::Envelope(..)));
/// assert_eq!(door.counts.lines, 1);
/// ```
pub struct Door<'m> {
    masking: &'m Masking,
    reader: Reader,
    /// Lines that went through.
    pub counts: LineCounts,
    /// Masks that were put over secrets.
    pub masks: RedactionCounts,
}

impl<'m> Door<'m> {
    /// One that masks by these rules, and quarantines lines whose `ts` is later than `not_after` (M-32).
    #[must_use]
    pub fn new(masking: &'m Masking, not_after: Option<Timestamp>) -> Self {
        let (counts, masks) = (LineCounts::default(), RedactionCounts::default());
        Self { masking, reader: Reader::new().not_after(not_after), counts, masks }
    }

    /// Admits a line of the source with this name.
    pub fn admit<'l>(&mut self, line: &Line<'l>, source: &str) -> Admitted<'l> {
        self.counts.lines += 1;
        if line.is_blank() {
            self.counts.blank += 1;
            return Admitted::Blank;
        }
        let bytes = match self.masking.line(line.bytes, &mut self.masks) {
            Seen::Whole(bytes) => bytes,
            Seen::TooLong(raw) => {
                let rejection = line_too_long(raw.length());
                return quarantined(raw, line.number, line.offset, source, rejection, None);
            }
        };
        match self.reader.read(&bytes) {
            Ok(envelope) => Admitted::Envelope(Box::new(envelope), bytes),
            Err(rejection) => {
                let raw = RawLine::of(&bytes);
                quarantined(raw, line.number, line.offset, source, rejection, Some(bytes))
            }
        }
    }

    /// Admits a line that was too long to hold.
    pub fn admit_long(&mut self, line: LongLine, source: &str) -> Admitted<'static> {
        self.counts.lines += 1;
        if line.blank {
            self.counts.blank += 1;
            return Admitted::Blank;
        }
        let raw = self.masking.long_line(&line.start, line.raw, &mut self.masks);
        let rejection = line_too_long(raw.length());
        quarantined(raw, line.number, line.offset, source, rejection, None)
    }
}

fn quarantined<'l>(
    raw: RawLine,
    line: u64,
    offset: u64,
    source: &str,
    rejection: Rejection,
    bytes: Option<Cow<'l, [u8]>>,
) -> Admitted<'l> {
    let source = Source { line, name: source.into() };
    Admitted::Quarantined(Box::new(raw.row(offset, source, rejection)), bytes)
}
