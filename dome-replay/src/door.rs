//! The one door: what a line of a source is (L-3), once its secrets are masked.

use std::borrow::Cow;
use std::path::Path;

use dome_core::redact::{REDACTION_VERSION, Redaction, RedactionCounts, RedactionError, RedactionRules};
use dome_core::{
    Envelope, Line, QuarantineRow, RawLine, Reader, Rejection, Sha256Hash, Source, Timestamp, escaped_path, limits,
    line_too_long,
};
use serde::Serialize;

use crate::error::{Context, Error, Result};
use crate::input::{LongLine, document};

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

impl Door<'static> {
    /// One for lines that were masked when they were first read.
    #[must_use]
    pub fn for_masked(not_after: Option<Timestamp>) -> Self {
        static OFF: Masking = Masking::off();
        Self::new(&OFF, not_after)
    }
}

impl<'m> Door<'m> {
    /// One that masks by these rules, and quarantines lines whose `ts` is later than `not_after` (M-32).
    #[must_use]
    pub fn new(masking: &'m Masking, not_after: Option<Timestamp>) -> Self {
        let (counts, masks) = (LineCounts::default(), RedactionCounts::default());
        Self { masking, reader: Reader::new().not_after(not_after), counts, masks }
    }

    /// Moves the instant that lines may not pass.
    pub fn set_not_after(&mut self, not_after: Option<Timestamp>) {
        self.reader = Reader::new().not_after(not_after);
    }

    /// Admits a line of the source with this name.
    pub fn admit<'l>(&mut self, line: &Line<'l>, source: &str) -> Admitted<'l> {
        self.counts.lines += 1;
        if line.is_blank() {
            self.counts.blank += 1;
            return Admitted::Blank;
        }
        let Some(bytes) = self.masking.masked(line.bytes, &mut self.masks) else {
            let raw = self.masking.start(line.bytes, RawLine::of(line.bytes), &mut self.masks);
            return quarantined(raw, (line.number, line.offset), source, None, None);
        };
        match self.reader.read(&bytes) {
            Ok(envelope) => Admitted::Envelope(Box::new(envelope), bytes),
            Err(rejection) => {
                let raw = RawLine::of(&bytes);
                quarantined(raw, (line.number, line.offset), source, Some(rejection), Some(bytes))
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
        let raw = self.masking.start(&line.start, line.raw, &mut self.masks);
        quarantined(raw, (line.number, line.offset), source, None, None)
    }

    /// A line as it is kept: masked. `None` for one of which only the start is kept. Nothing is counted.
    #[must_use]
    pub fn kept<'l>(&self, line: &'l [u8]) -> Option<Cow<'l, [u8]>> {
        self.masking.masked(line, &mut RedactionCounts::default())
    }
}

/// Without another reason, a line is too long.
fn quarantined<'l>(
    raw: RawLine,
    (line, offset): (u64, u64),
    source: &str,
    rejection: Option<Rejection>,
    bytes: Option<Cow<'l, [u8]>>,
) -> Admitted<'l> {
    let rejection = rejection.unwrap_or_else(|| line_too_long(raw.length()));
    let source = Source { line, name: source.into() };
    Admitted::Quarantined(Box::new(raw.row(offset, source, rejection)), bytes)
}

/// What `--redact` takes instead of a file; it wins over a file of that name.
pub const BUILT_IN: &str = "built-in";

/// The rules that lines go through before anything else looks at them; none lets them through.
pub struct Masking(Option<Redaction>);

/// What a manifest says of it, its members in canonical order.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Redacted {
    /// Masks put, by rule.
    pub counts: RedactionCounts,
    /// SHA-256 of the rules' canonical bytes.
    digest: Sha256Hash,
    /// The rules.
    rules: RedactionRules,
    /// The version of the built-in rules.
    version: String,
}

impl Redacted {
    /// What a manifest says of rules that were recorded: those of their own version, by which it was masked.
    ///
    /// # Errors
    ///
    /// When the document is not what this version of dome reads.
    pub fn recorded(rules: &serde_json::Value, counts: RedactionCounts) -> Result<Self> {
        let rules = RedactionRules::recorded(&written(rules)?).map_err(|why| wrong_record(&why))?;
        let digest = dome_core::canonical::digest(&rules);
        Ok(Self { counts, digest, version: rules.redaction_version.clone(), rules })
    }
}

fn written(rules: &serde_json::Value) -> Result<Vec<u8>> {
    serde_json::to_vec(rules).context(|| "cannot write the recorded redaction rules")
}

fn wrong_record(why: &RedactionError) -> Error {
    Error::invalid(format!("the recorded redaction rules: {why}"))
}

impl Masking {
    /// No rules: lines go through as they are.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Reads the rules that were asked for.
    ///
    /// # Errors
    ///
    /// When the document cannot be read or is wrong.
    pub fn load(asked: Option<&Path>) -> Result<Self> {
        let Some(path) = asked else { return Ok(Self(None)) };
        if path.as_os_str() == BUILT_IN {
            return Ok(Self(Some(Redaction::built_in())));
        }
        let parsed = Redaction::parse(&document(path)?);
        Ok(Self(Some(parsed.map_err(|why| Error::invalid(format!("`{}`: {why}", escaped_path(path))))?)))
    }

    /// The rules that a document says, as a session recorded it; none where there is no document.
    ///
    /// # Errors
    ///
    /// When the document is not what this version of dome reads.
    pub fn recorded(rules: Option<&serde_json::Value>) -> Result<Self> {
        let Some(rules) = rules else { return Ok(Self(None)) };
        Ok(Self(Some(Redaction::parse(&written(rules)?).map_err(|why| wrong_record(&why))?)))
    }

    /// The rules as a document.
    pub fn document(&self) -> Option<&RedactionRules> {
        self.0.as_ref().map(Redaction::document)
    }

    /// What the manifest says, if there are rules.
    pub fn redacted(&self, counts: RedactionCounts) -> Option<Redacted> {
        let redaction = self.0.as_ref()?;
        let (digest, rules) = (redaction.digest(), redaction.document().clone());
        Some(Redacted { counts, digest, rules, version: REDACTION_VERSION.to_owned() })
    }

    /// A masked line. `None` for one that is too long by what its source says, whatever masking would make of it.
    fn masked<'l>(&self, line: &'l [u8], counts: &mut RedactionCounts) -> Option<Cow<'l, [u8]>> {
        match &self.0 {
            None => Some(line.into()),
            Some(_) if line.len() > limits::LINE_BYTES => None,
            Some(redaction) => Some(redaction.redact(line, counts)),
        }
    }

    /// Masks what is kept of a line that is too long.
    fn start(&self, start: &[u8], raw: RawLine, counts: &mut RedactionCounts) -> RawLine {
        match &self.0 {
            None => raw,
            Some(redaction) => redaction.raw_start(start, raw.length(), counts),
        }
    }
}
