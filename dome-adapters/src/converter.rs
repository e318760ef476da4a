//! Files of any size, one after the other: a reader in, envelopes out as they come.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use dome_core::{CodeClass, Envelope, Sha256Hash, Timestamp};

use crate::convert::{Counts, Input, Options};
use crate::finding::{At, Finding, FindingCode};
use crate::format::{Converts, Format};
use crate::out::{Out, State};
use crate::reading::Reading;

/// What is known of a file before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path relative to what the user passed, `/`-separated; `-` for standard input.
    pub name: String,
    /// The SHA-256 of its content, decompressed: evidence names it, and so do ids.
    pub sha256: Sha256Hash,
    /// How many bytes that is.
    pub bytes: u64,
    /// When it was last changed, where that is to stand in for the time of records that have none.
    pub modified: Option<Timestamp>,
}

impl Source {
    /// A file that is held whole.
    #[must_use]
    pub fn of(input: &Input<'_>) -> Self {
        let (name, bytes) = (input.name.to_owned(), input.bytes.len() as u64);
        Self { name, sha256: Sha256Hash::of(input.bytes), bytes, modified: None }
    }

    /// The order of names, and of content where names are equal: the same whatever was passed first.
    #[must_use]
    pub fn cmp_by_name(&self, other: &Self) -> Ordering {
        (&self.name, self.sha256).cmp(&(&other.name, other.sha256))
    }
}

/// How one file was spent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// What was left out, and why; the first [`FINDINGS`](Self::FINDINGS) of each kind.
    pub problems: Vec<Finding>,
    /// What was converted, but not as the data has it; the first of each kind likewise.
    pub notes: Vec<Finding>,
    /// How its records were spent.
    pub counts: Counts,
    /// Envelopes that it gave.
    pub envelopes: u64,
    /// Whether it could not be read to its end as a file of the format: what came before stands.
    pub refused: bool,
}

impl FileReport {
    /// Findings of one code that are kept for a file; the last one says how many more there were.
    pub const FINDINGS: usize = 100;
}

/// Converts files one after the other, and keeps between them what makes ids and sequences of a run
/// whole: the order in which files are given is the order of their records inside of a run.
///
/// ```
/// use dome_adapters::{Converter, Format, Options, Source, Input};
/// let report = br#"<testsuite name="s" timestamp="2026-01-01T10:00:00Z"><testcase name="a" classname="c"/></testsuite>"#;
/// let options = Options { run_id: Some("nightly".parse()?), ..Options::default() };
/// let mut converter = Converter::new(options);
/// let mut envelopes = Vec::new();
/// let source = Source::of(&Input { name: "report.xml", bytes: report });
/// let format = "junit".parse::<Format>()?;
/// let done = converter.file(format, &source, &mut &report[..], &mut |envelope| envelopes.push(envelope));
/// assert_eq!((done.problems, envelopes.len()), (vec![], 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Converter {
    options: Options,
    state: State,
    seen: BTreeSet<(String, Sha256Hash)>,
}

impl Converter {
    /// Nothing converted yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Converts one file; `sink` gets each envelope as soon as it is there.
    ///
    /// A format whose files explain each other ([`Format::is_together`]) is converted by
    /// [`crate::convert`]; here each of its files would stand alone.
    pub fn file(
        &mut self,
        format: Format,
        source: &Source,
        reader: &mut dyn BufRead,
        sink: &mut dyn FnMut(Envelope),
    ) -> FileReport {
        if !self.seen.insert((source.name.clone(), source.sha256)) {
            let message = "another input of this name holds the same bytes and is taken once";
            let note = At { input: &source.name, place: "" }.found(FindingCode::RecordRepeated, message, "");
            return FileReport { notes: vec![note], ..FileReport::default() };
        }
        let mut reading = Reading::new(&source.name, reader);
        let mut out = Out::new(source, format.code_meanings(), &self.options, &mut self.state, sink);
        let ended = match format.converts() {
            Converts::Each(convert) => convert(&mut reading, &mut out),
            Converts::Together(convert) => reading.whole().map(|bytes| {
                let done = convert(&[Input { name: &source.name, bytes: &bytes }], &self.options);
                out.take(done);
            }),
        };
        out.finish(ended)
    }

    /// The failure codes that the envelopes carry so far, with their classes.
    #[must_use]
    pub const fn codes(&self) -> &BTreeMap<String, CodeClass> {
        &self.state.codes
    }
}
