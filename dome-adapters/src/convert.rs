//! Conversion: of whole files in memory ([`convert`]), or of files of any size, one after the other
//! ([`Converter`]).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use dome_core::{
    CodeClass, Envelope, Evidence, EvidencePath, Job, Lane, Repository, Revision, RunId, Sha256Hash, Timestamp,
};

use crate::finding::{Finding, FindingCode, KEPT};
use crate::format::{Converts, Format};
use crate::out::{ConverterState, Out};
use crate::reading::FileReader;
use crate::when::Zone;

/// One file of a tool, whole and decompressed.
#[derive(Clone, Copy, Debug)]
pub struct ToolFile<'a> {
    /// Its path relative to what the user passed, `/`-separated; `-` for standard input. It goes
    /// into evidence and findings.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What the user says beyond the data. Nothing of it is needed where the data says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConvertOptions {
    /// `--lane`: the stream of work that all records belong to. It outranks the data's own.
    pub lane: Option<Lane>,
    /// `--revision`: what was tested. It outranks the data's own, as the next four do.
    pub revision: Option<Revision>,
    /// `--repository`: where the revision is from.
    pub repository: Option<Repository>,
    /// `--job`: which leg of a matrix. It is also in the ids of records, so that legs of one run do not meet.
    pub job: Option<Job>,
    /// `--base-revision`: what the revision was branched from or merged into.
    pub base_revision: Option<Revision>,
    /// `--dirty`: whether the revision does not say all that was tested.
    pub dirty: Option<bool>,
    /// `--run-id`: the run of records whose own run the inputs do not say. `{name}` in it stands for
    /// the name of the file, so that each file is a run.
    pub run_id: Option<RunId>,
    /// Whether `run_id` is that of a CI system, which also outranks the ids that test reports have of
    /// their own: a run of CI has as many of those as it has jobs and steps.
    pub run_is_ci: bool,
    /// `--ts`: when records happened that have no time of their own.
    pub ts: Option<Timestamp>,
    /// `--zone`: the offset of times that are written without one.
    pub zone: Option<Zone>,
}

impl ConvertOptions {
    pub(crate) fn run_of(&self, file: &str) -> Option<String> {
        self.run_id.as_ref().map(|run| run.as_str().replace("{name}", file))
    }
}

/// The result of converting several inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// Valid envelopes, the runs one after the other, each by sequence. Each one's line is
    /// [`Envelope::to_canonical`] with a line feed.
    pub envelopes: Vec<Envelope>,
    /// What was left out, and why; sorted by input. With any, the exit code is 3.
    pub problems: Vec<Finding>,
    /// What was converted, but not as the data has it; sorted by input.
    pub notes: Vec<Finding>,
    /// What became of the records of the inputs.
    pub counts: RecordCounts,
    /// The failure codes that the envelopes carry, with their classes: what a table has to hold for
    /// them to be known.
    pub codes: BTreeMap<String, CodeClass>,
}

impl Conversion {
    pub(crate) fn left_out(&mut self, problem: Finding) {
        self.counts.left_out += 1;
        self.problems.push(problem);
    }
}

/// What became of records: `records` = envelopes + `repeated` + `left_out`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// Records that the inputs hold.
    pub records: u64,
    /// Records that say again what another one said.
    pub repeated: u64,
    /// Records that a problem left out.
    pub left_out: u64,
}

impl RecordCounts {
    /// Adds what another file holds.
    pub const fn add(&mut self, other: Self) {
        self.records += other.records;
        self.repeated += other.repeated;
        self.left_out += other.left_out;
    }
}

/// What is known of a file before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path relative to what the user passed, `/`-separated; `-` for standard input.
    pub name: String,
    /// The SHA-256 of its content, decompressed: evidence names it, and so do ids.
    pub sha256: Sha256Hash,
    /// How many bytes that is.
    pub bytes: u64,
    /// When it was last changed, where that is to stand in for the time of records that have none.
    pub modified: Option<Timestamp>,
}

impl SourceFile {
    /// A file that is held whole.
    #[must_use]
    pub fn of(file: &ToolFile<'_>) -> Self {
        let (name, bytes) = (file.name.to_owned(), file.bytes.len() as u64);
        Self { name, sha256: Sha256Hash::of(file.bytes), bytes, modified: None }
    }

    /// The order of names, and of content where names are equal: the same whatever was passed first.
    #[must_use]
    pub fn cmp_by_name(&self, other: &Self) -> Ordering {
        (&self.name, self.sha256).cmp(&(&other.name, other.sha256))
    }

    /// The file as evidence, and a note if its name cannot stand there (M-12); standard input has no name to miss.
    pub(crate) fn evidence(&self) -> (Evidence, Option<Finding>) {
        let path = EvidencePath::new(&self.name);
        let note = path.as_ref().err().map(|error| {
            let message = format!("evidence is named by its SHA-256 alone: {error}");
            Finding::of_file(FindingCode::PathLeftOut, &self.name, message, "")
        });
        let path = path.ok().filter(|path| path.as_str() != "-");
        (Evidence { bytes: Some(self.bytes), path, sha256: Some(self.sha256) }, note)
    }
}

/// The result of converting one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// What was left out, and why; the first [`FINDINGS`](Self::FINDINGS) of each kind.
    pub problems: Vec<Finding>,
    /// What was converted, but not as the data has it; the first of each kind likewise.
    pub notes: Vec<Finding>,
    /// What became of its records.
    pub counts: RecordCounts,
    /// Envelopes that it gave.
    pub envelopes: u64,
    /// Whether it could not be read to its end as a file of the format: what came before stands.
    pub refused: bool,
}

impl FileReport {
    /// Findings of one code that are kept for a file; the last one says how many more there were.
    pub const FINDINGS: usize = KEPT;
}

/// Converts files one after the other, and keeps between them what makes ids and sequences of a run
/// whole: the order in which files are given is the order of their records inside of a run.
///
/// ```
/// use dome_adapters::{ConvertOptions, Converter, Format, SourceFile, ToolFile};
/// let report = br#"<testsuite name="s" timestamp="2026-01-01T10:00:00Z"><testcase name="a" classname="c"/></testsuite>"#;
/// let options = ConvertOptions { run_id: Some("nightly".parse()?), ..ConvertOptions::default() };
/// let mut converter = Converter::new(options);
/// let mut envelopes = Vec::new();
/// let source = SourceFile::of(&ToolFile { name: "report.xml", bytes: report });
/// let format = "junit".parse::<Format>()?;
/// let done = converter.file(format, &source, &mut &report[..], &mut |envelope| envelopes.push(envelope));
/// assert_eq!((done.problems, envelopes.len()), (vec![], 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Converter {
    options: ConvertOptions,
    state: ConverterState,
    seen: BTreeSet<(String, Sha256Hash)>,
}

impl Converter {
    /// Nothing converted yet.
    #[must_use]
    pub fn new(options: ConvertOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// Converts one file; `sink` gets each envelope as soon as it is there.
    ///
    /// A format whose files explain each other ([`Format::is_together`]) is converted by
    /// [`crate::convert`]; here each of its files would stand alone.
    pub fn file(
        &mut self,
        format: Format,
        source: &SourceFile,
        reader: &mut dyn BufRead,
        sink: &mut dyn FnMut(Envelope),
    ) -> FileReport {
        if !self.seen.insert((source.name.clone(), source.sha256)) {
            let message = "another input of this name holds the same bytes and is taken once";
            let note = Finding::of_file(FindingCode::RecordRepeated, &source.name, message, "");
            return FileReport { notes: vec![note], ..FileReport::default() };
        }
        let mut reading = FileReader::new(&source.name, reader);
        let mut out = Out::new(source, format.code_meanings(), &self.options, &mut self.state, sink);
        let ended = match format.converts() {
            Converts::Each(convert) => convert(&mut reading, &mut out),
            Converts::Together(_) => reading.whole().map(|bytes| {
                out.absorb(convert(format, &[ToolFile { name: &source.name, bytes: &bytes }], &self.options));
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

/// Converts files of one format, in the order of their names.
///
/// It never fails as a whole: a file or a record that cannot be converted is a problem, and the
/// others are converted all the same. The order of `inputs` changes nothing. For files that are
/// larger than memory, and for another order, see [`Converter`].
#[must_use]
pub fn convert(format: Format, inputs: &[ToolFile<'_>], options: &ConvertOptions) -> Conversion {
    let mut done = match format.converts() {
        Converts::Together(convert) => convert(inputs, options),
        Converts::Each(_) => one_by_one(format, inputs, options),
    };
    done.problems.sort_by(|a, b| a.input.cmp(&b.input));
    done.notes.sort_by(|a, b| a.input.cmp(&b.input));
    done
}

fn one_by_one(format: Format, inputs: &[ToolFile<'_>], options: &ConvertOptions) -> Conversion {
    let mut files: Vec<_> = inputs.iter().map(|input| (SourceFile::of(input), input.bytes)).collect();
    files.sort_by(|(a, _), (b, _)| a.cmp_by_name(b));
    let mut converter = Converter::new(options.clone());
    let mut done = Conversion::default();
    for (source, mut bytes) in files {
        let report = converter.file(format, &source, &mut bytes, &mut |envelope| done.envelopes.push(envelope));
        done.problems.extend(report.problems);
        done.notes.extend(report.notes);
        done.counts.add(report.counts);
    }
    done.codes = converter.state.codes;
    // Files of several runs: the envelopes of a run stand together.
    done.envelopes.sort_by(|a, b| a.run_id.cmp(&b.run_id));
    done
}
