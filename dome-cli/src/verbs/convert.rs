//! `dome convert`: a real tool's output to envelopes.

mod checkout;
mod tested;

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::Context;
use clap::{Args, ValueEnum};
use dome_adapters::{
    Conversion, ConvertOptions, Converter, FileReport, Finding, FindingCode, Format, HEAD_BYTES, Head, RecordCounts,
    SourceFile, ToolFile, Zone, convert,
};
use dome_core::{CodeTable, Envelope, HashingReader, Timestamp, canonical, escaped, escaped_path};
use dome_replay::input;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::exit::{Exit, invalid, usage};
use crate::output::{Printer, Watching, grouped, note};
use crate::whole::{self, WholeFile};

use tested::TestedArgs;

const SHOWN_FINDINGS: usize = 10;

/// Turn a real tool's output into envelopes
///
/// FORMAT is one of `--list`, or `auto`: each file then says by its content what it is. What the
/// data does not say is never made up: it comes from the options below, or the record is left out
/// and named. A file that cannot be read as its format is reported with the place; the others are
/// converted all the same.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n    dome convert terminal-bench runs/ --out night.jsonl\n    dome convert junit reports/ --run-id ci-8154 --zone Z --lane main --revision 46ea5e0 --out ci.jsonl --codes codes.json\n    dome convert --reason-codes terminal-bench > codes.json"
)]
pub(crate) struct ConvertArgs {
    /// The format of the input (see --list), or `auto`
    #[arg(required_unless_present_any = ["list", "reason_codes"], value_name = "FORMAT")]
    tool: Option<String>,
    /// Files, folders (walked in name order), or `-` for stdin
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The file to write [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The file to write a table of reason codes to, with every code that the envelopes carry, for
    /// `dome replay --reason-codes`; a table that stands there is added to
    #[arg(long, value_name = "FILE")]
    codes: Option<PathBuf>,
    /// The file to write every finding to, as JSON Lines; stderr has the first of each kind
    #[arg(long, value_name = "FILE")]
    findings: Option<PathBuf>,
    /// When records happened that have no time of their own
    #[arg(long, value_name = "TIME")]
    ts: Option<Timestamp>,
    /// The offset of times that the data writes without one: `Z`, `+02:00`
    #[arg(long, value_name = "OFFSET", allow_hyphen_values = true)]
    zone: Option<Zone>,
    /// The order of files, which is that of their records inside of a run. With `mtime` a file's
    /// own time also stands in for the time of records that have none [default: name]
    #[arg(long, value_enum, value_name = "ORDER", hide_possible_values = true)]
    sequence_from: Option<FileOrder>,
    /// Name the formats
    #[arg(long, conflicts_with = "tool")]
    list: bool,
    /// Print the table of reason codes that a format emits
    #[arg(long, value_name = "FORMAT", conflicts_with = "tool")]
    reason_codes: Option<String>,
    #[command(flatten)]
    tested: TestedArgs,
}

/// `--sequence-from files|mtime|name`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FileOrder {
    /// As they are given.
    Files,
    /// By the time of their last change, then by name.
    Mtime,
    /// By name, then by content.
    Name,
}

pub(crate) fn run(args: &ConvertArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    if args.list {
        list(output)?;
        return Ok(Exit::Done);
    }
    if let Some(name) = &args.reason_codes {
        output.bytes(&document(&named(name)?.reason_codes())?)?;
        return Ok(Exit::Done);
    }
    let tool = args.tool.as_deref().ok_or_else(|| usage("name the format, or `auto`"))?;
    let wanted = if tool == "auto" { None } else { Some(named(tool)?) };
    if args.inputs.is_empty() {
        return Err(usage(format!("`dome convert {tool}` wants at least one INPUT: a file, a folder or `-`")));
    }
    distinct(args)?;
    let written = [&args.out, &args.codes, &args.findings].into_iter().flatten();
    let ours: Vec<_> = args.inputs.iter().chain(written).map(PathBuf::as_path).collect();
    let options = ConvertOptions { ts: args.ts, zone: args.zone.clone(), ..args.tested.options(&ours)? };
    let mut report = ConvertReport::default();
    let known = args.codes.as_deref().map(known_codes).transpose()?.flatten();
    let files = find(args, wanted, &mut report)?;
    let mut sink = EnvelopeSink::open(args.out.as_deref().unwrap_or(Path::new("-")))?;
    let codes = every(&files, &options, &mut sink, &mut report);
    // A table that contradicts the one that is there leaves both files as they are.
    let codes = match (known, &args.codes) {
        (Some(known), Some(path)) => known.extended(codes).map_err(|why| no_table(path, &why))?,
        _ => codes,
    };
    // A file of an earlier, good run outlives an input of which nothing converts.
    let keep = !report.is_in_vain();
    sink.close(keep)?;
    if let Some(path) = args.codes.as_ref().filter(|_| keep) {
        whole::write(path, &document(&codes)?)?;
    }
    if let Some(path) = &args.findings {
        whole::write(path, &report.every_finding()?)?;
    }
    report.end(files.len())
}

/// Two kinds of output to one file would leave the last alone.
fn distinct(args: &ConvertArgs) -> anyhow::Result<()> {
    let ConvertArgs { out, codes, findings, .. } = args;
    let pairs = [(("--out", out), ("--codes", codes)), (("--out", out), ("--findings", findings))];
    for ((one, first), (other, second)) in pairs.into_iter().chain([(("--codes", codes), ("--findings", findings))]) {
        if first.as_ref().zip(second.as_ref()).is_some_and(|(first, second)| whole::is_same(first, second)) {
            return Err(usage(format!("`{one}` and `{other}` name the same file")));
        }
    }
    Ok(())
}

fn known_codes(path: &Path) -> anyhow::Result<Option<CodeTable>> {
    // Nothing, or what is written through: a FIFO, a device.
    if !path.is_file() {
        return Ok(None);
    }
    CodeTable::parse(&input::document(path)?).map(Some).map_err(|why| no_table(path, &why))
}

fn no_table(path: &Path, why: &dyn std::fmt::Display) -> anyhow::Error {
    invalid(format!("`{}`: {why}", escaped_path(path)))
}

fn list(output: &mut Printer) -> anyhow::Result<()> {
    Format::all().try_for_each(|format| {
        let (name, summary) = (format.name(), format.summary());
        let listed = json!({"format": name, "format_version": "1", "summary": summary});
        output.show(&listed, |_, output| writeln!(output, "{name:<16}{summary}"))
    })
}

fn named(name: &str) -> anyhow::Result<Format> {
    name.parse().map_err(usage)
}

/// A table as the document that `dome replay --reason-codes` takes.
fn document(table: &CodeTable) -> anyhow::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(table)?;
    bytes.push(b'\n');
    Ok(bytes)
}

struct ConvertFile {
    source: input::LineSource,
    known: SourceFile,
    format: Format,
}

/// The inputs' files, in the order that was asked for. One that cannot be read, or that no format takes, is reported.
fn find(args: &ConvertArgs, wanted: Option<Format>, report: &mut ConvertReport) -> anyhow::Result<Vec<ConvertFile>> {
    let order = args.sequence_from.unwrap_or(FileOrder::Name);
    let formats = Format::all().filter(|format| wanted.is_none_or(|wanted| wanted == *format));
    let mut endings: Vec<_> = formats.flat_map(|format| format.endings()).copied().collect();
    endings.sort_unstable();
    endings.dedup();
    let mut files = Vec::new();
    for source in input::find(&args.inputs, &endings, &Watching::new("converting"))? {
        match look(&source, order) {
            Ok((known, head)) => match wanted.map_or_else(|| recognised(&head, &source.name), Ok) {
                Ok(format) => files.push(ConvertFile { source, known, format }),
                Err(problem) => report.refused(problem),
            },
            Err(error) => report.unreadable(&source.name, &error),
        }
    }
    if order != FileOrder::Files {
        files.sort_by(|a, b| a.known.cmp_by_name(&b.known));
    }
    if order == FileOrder::Mtime {
        files.sort_by_key(|file| file.known.modified);
    }
    Ok(files)
}

/// Reads a file once, for its digest and its beginning.
fn look(source: &input::LineSource, order: FileOrder) -> anyhow::Result<(SourceFile, Vec<u8>)> {
    let (mut reader, mut head) = (HashingReader::new(source.open()?), Vec::new());
    let read = reader.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head);
    let read = read.and_then(|_| io::copy(&mut reader, &mut io::sink()));
    let (sha256, bytes) = (reader.sha256(), reader.length());
    read.with_context(|| format!("after {bytes} bytes"))?;
    let modified = if order == FileOrder::Mtime { Some(modified(source)?) } else { None };
    Ok((SourceFile { name: source.name.clone(), sha256, bytes, modified }, head))
}

fn modified(source: &input::LineSource) -> anyhow::Result<Timestamp> {
    let path = source.path().context("standard input has no time of its own; `--sequence-from mtime` wants files")?;
    let since = std::fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH)?;
    Ok(Timestamp::from_unix(i64::try_from(since.as_secs())?, since.subsec_nanos())?)
}

fn recognised(head: &[u8], name: &str) -> Result<Format, Finding> {
    let names = |formats: &[Format]| formats.iter().map(|format| format!("`{format}`")).collect::<Vec<_>>().join(", ");
    let found: Vec<_> = Format::of(&Head::of(head)).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let expected = format!("one of {}", names(&Format::all().collect::<Vec<_>>()));
            let message = "nothing in it says which format it is";
            Err(Finding::of_file(FindingCode::FormatUnknown, name, message, expected))
        }
        several => {
            let message = format!("it could be {}", names(several));
            Err(Finding::of_file(FindingCode::FormatAmbiguous, name, message, "the format's name instead of `auto`"))
        }
    }
}

/// Converts files that stand alone one by one, each other format as a whole; returns the codes that were given out.
fn every(
    files: &[ConvertFile],
    options: &ConvertOptions,
    sink: &mut EnvelopeSink,
    report: &mut ConvertReport,
) -> CodeTable {
    let mut converter = Converter::new(options.clone());
    for ConvertFile { format, known, source } in files.iter().filter(|file| !file.format.is_together()) {
        match source.open() {
            Ok(reader) => {
                let mut reader = BufReader::with_capacity(1 << 16, reader);
                let done = converter.file(*format, known, &mut reader, &mut |envelope| sink.put(&envelope));
                report.file(done, &known.name);
            }
            Err(error) => report.unreadable(&known.name, &error.into()),
        }
    }
    let mut codes = converter.codes().clone();
    for format in Format::all().filter(|format| format.is_together()) {
        let contents = contents(files.iter().filter(|file| file.format == format), report);
        if contents.is_empty() {
            continue;
        }
        let inputs: Vec<_> = contents.iter().map(|(name, bytes)| ToolFile { name, bytes }).collect();
        let done = convert(format, &inputs, options);
        done.envelopes.iter().for_each(|envelope| sink.put(envelope));
        codes.extend(done.codes.clone());
        report.whole(done);
    }
    dome_adapters::code_table(&codes)
}

/// Files whole and decompressed; one that cannot be read is reported.
fn contents<'f>(files: impl Iterator<Item = &'f ConvertFile>, report: &mut ConvertReport) -> Vec<(String, Vec<u8>)> {
    let mut contents = Vec::new();
    for ConvertFile { known, source, .. } in files {
        let mut bytes = Vec::new();
        match source.open().map_err(Into::into).and_then(|mut reader| anyhow::Ok(reader.read_to_end(&mut bytes)?)) {
            Ok(_) => contents.push((known.name.clone(), bytes)),
            Err(error) => report.unreadable(&known.name, &error),
        }
    }
    contents
}

/// Standard output, or a file that is whole or not there at all. The first error ends the writing, and is told last.
struct EnvelopeSink {
    writer: BufWriter<WholeFile>,
    path: PathBuf,
    line: Vec<u8>,
    written: io::Result<()>,
}

impl EnvelopeSink {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let target = match path.as_os_str() == "-" {
            true => io::stdout().as_fd().try_clone_to_owned().map(|stdout| WholeFile::Through(stdout.into())),
            false => WholeFile::open(path),
        };
        let writer = BufWriter::new(target.with_context(|| format!("cannot write `{}`", escaped_path(path)))?);
        Ok(Self { writer, path: path.to_owned(), line: Vec::new(), written: Ok(()) })
    }

    fn put(&mut self, envelope: &Envelope) {
        if self.written.is_ok() {
            self.line.clear();
            envelope.write_canonical(&mut self.line);
            self.line.push(b'\n');
            self.written = self.writer.write_all(&self.line);
        }
    }

    /// Ends the writing: now the file is there. Where `keep` does not hold, what stood there stays.
    fn close(self, keep: bool) -> anyhow::Result<()> {
        let Self { writer, path, written, .. } = self;
        let keep = || if keep { writer.into_inner()?.keep() } else { Ok(()) };
        written.and_then(|()| keep()).with_context(|| format!("cannot write `{}`", escaped_path(&path)))
    }
}

/// A line of `--findings FILE`, its members in canonical order.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConvertFinding<'f> {
    /// What kind of finding it is; docs/formats lists the codes.
    code: &'static str,
    /// What would have been right; empty where the message says it all.
    expected: &'f str,
    /// The input's name.
    input: &'f str,
    kind: FindingKind,
    /// What is wrong.
    message: &'f str,
    /// Where in the input: a JSON Pointer, a line or a byte; empty for the whole of it.
    place: &'f str,
}

/// What a finding means for the exit code.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Kind")]
enum FindingKind {
    /// Something was left out.
    Problem,
    /// It is mentioned, and changes nothing.
    Note,
}

/// What is said on stderr: what was left out, how the records were spent, which files did not convert.
#[derive(Default)]
struct ConvertReport {
    problems: Vec<Finding>,
    notes: Vec<Finding>,
    counts: RecordCounts,
    envelopes: u64,
    /// Files that did not convert, or not to their end.
    refused: Vec<String>,
    /// Those that were not even begun.
    unread: usize,
}

impl ConvertReport {
    fn file(&mut self, done: FileReport, name: &str) {
        if done.refused {
            self.refused.push(name.to_owned());
        }
        self.add(done.problems, done.notes, done.counts, done.envelopes);
    }

    fn whole(&mut self, done: Conversion) {
        let refused = done.problems.iter().filter(|problem| problem.is_of_file());
        self.refused.extend(refused.map(|problem| problem.input.clone()));
        self.add(done.problems, done.notes, done.counts, done.envelopes.len() as u64);
    }

    fn add(&mut self, problems: Vec<Finding>, notes: Vec<Finding>, counts: RecordCounts, envelopes: u64) {
        self.problems.extend(problems);
        self.notes.extend(notes);
        self.counts.add(counts);
        self.envelopes += envelopes;
    }

    fn refused(&mut self, problem: Finding) {
        self.refused.push(problem.input.clone());
        self.problems.push(problem);
        self.unread += 1;
    }

    fn unreadable(&mut self, name: &str, error: &anyhow::Error) {
        let message = format!("it cannot be read: {error:#}");
        self.refused(Finding::of_file(FindingCode::ReadFailed, name, message, ""));
    }

    /// All findings as JSON Lines: problems, then notes.
    fn every_finding(&self) -> anyhow::Result<Vec<u8>> {
        let problems = self.problems.iter().map(|found| (FindingKind::Problem, found));
        let notes = self.notes.iter().map(|found| (FindingKind::Note, found));
        let mut lines = Vec::new();
        for (kind, Finding { code, input, place, message, expected, .. }) in problems.chain(notes) {
            let code = code.as_str();
            lines.extend(canonical::to_vec(&ConvertFinding { code, expected, input, kind, message, place })?);
            lines.push(b'\n');
        }
        Ok(lines)
    }

    /// Whether nothing converted, although something was there.
    fn is_in_vain(&self) -> bool {
        self.envelopes == 0 && !(self.problems.is_empty() && self.refused.is_empty())
    }

    /// A file that did not convert is invalid input, whatever became of the others; a record left out is a finding.
    fn end(mut self, files: usize) -> anyhow::Result<Exit> {
        print("left out", &self.problems);
        print("note", &self.notes);
        let RecordCounts { records, repeated, left_out } = self.counts;
        let [records, envelopes, repeated, left_out] = [records, self.envelopes, repeated, left_out].map(grouped);
        note(&format!("dome: {records} records: {envelopes} envelopes, {repeated} repeated, {left_out} left out"));
        self.refused.sort();
        self.refused.dedup();
        if !self.refused.is_empty() {
            let names: Vec<_> = self.refused.iter().map(|name| format!("\n  {}", escaped(name))).collect();
            let all = files + self.unread;
            return Err(invalid(format!("{} of {all} files did not convert:{}", self.refused.len(), names.concat())));
        }
        match (self.envelopes, self.problems.is_empty()) {
            (_, true) => Ok(Exit::Done),
            (0, false) => Err(invalid("nothing in the input could be converted")),
            (_, false) => Ok(Exit::Findings),
        }
    }
}

fn print(what: &str, findings: &[Finding]) {
    for finding in findings.iter().take(SHOWN_FINDINGS) {
        note(&format!("dome: {what}: {}", escaped(&finding.to_string())));
    }
    if let Some(more @ 1..) = findings.len().checked_sub(SHOWN_FINDINGS) {
        note(&format!("dome: {what}: and {} more (`--findings FILE` has all)", grouped(more as u64)));
    }
}
