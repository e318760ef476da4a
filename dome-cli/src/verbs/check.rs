//! `dome check`: validate only, and point at every problem.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use dome_core::{CodeTable, Line, Placing, Problem, QuarantineRow, RawLine, Source, TaskSpec, Timestamp, lines};
use dome_replay::input::{self, Chunk, ENVELOPES, LineSource};
use dome_replay::{Admitted, CodeSources, Door, Masking};
use serde::Serialize;
use serde_json::json;

use crate::args::OutputFormat;
use crate::exit::Exit;
use crate::output::{Printer, Watching, grouped};
use crate::render::{caret, github};

/// Validate envelopes and point at every problem
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome check night.jsonl\n    my-wrapper | dome check - --format json\n    dome check envelopes/ --format github\n    dome check --task-spec task.json"
)]
pub(crate) struct CheckArgs {
    /// Files, folders (walked for *.jsonl, *.jsonl.gz, *.jsonl.zst), or `-` for stdin
    #[arg(required_unless_present = "task_spec", value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Validate a TaskSpec instead, a document of its own (see `dome schema task-spec`); `-` for stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["inputs", "not_after"])]
    task_spec: Option<PathBuf>,
    /// Find fault with lines whose `ts` is later than this
    #[arg(long, value_name = "TIME")]
    not_after: Option<Timestamp>,
    /// Find fault with reason codes that a table says may not stand where they do; may be given more than once
    #[arg(long, value_name = "FILE")]
    reason_codes: Vec<PathBuf>,
}

impl CheckArgs {
    fn codes(&self) -> anyhow::Result<CodeTable> {
        let built_in = [dome_adapters::built_in_codes()];
        let sources = CodeSources { contracts: None, built_in: &built_in, files: &self.reason_codes };
        Ok(dome_replay::codes(sources)?.0)
    }
}

/// The last record of `--format json`.
#[derive(Default, Serialize)]
struct CheckTotal {
    bad: u64,
    blank: u64,
    problems: u64,
    sound: u64,
}

pub(crate) fn run(args: &CheckArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    let codes = args.codes()?;
    if let Some(path) = &args.task_spec {
        return task_spec(path, &codes, output);
    }
    let sources = input::find(&args.inputs, ENVELOPES, &Watching::new("checking"))?;
    if output.is_json() {
        output.object(&json!({"format_version": "1"}))?;
    }
    let masking = Masking::off();
    let mut door = Door::new(&masking, args.not_after);
    let mut total = CheckTotal::default();
    for chunk in input::all_chunks(&sources) {
        let (index, chunk) = chunk?;
        let source = sources.get(index).context("a chunk belongs to a source")?;
        match chunk {
            Chunk::Lines { number, offset, bytes } => {
                for line in lines(&bytes, number, offset) {
                    let admitted = placed(door.admit(&line, &source.name), &line, &source.name, &codes);
                    total.add(admitted, &CheckedSource::of(source), output)?;
                }
            }
            Chunk::Long(line) => total.add(door.admit_long(line, &source.name), &CheckedSource::of(source), output)?,
        }
    }
    total.end(output)
}

/// An envelope whose codes may not stand where they do is ruled out when its run is settled (M-97).
fn placed<'l>(admitted: Admitted<'l>, line: &Line<'_>, source: &str, codes: &CodeTable) -> Admitted<'l> {
    let Admitted::Envelope(envelope, bytes) = admitted else { return admitted };
    let failure = &envelope.task_spec.failure_reason_code;
    let Placing::Misplaced(why) = codes.placing(failure, envelope.policy_reason_code.as_ref(), &envelope.guard_evals)
    else {
        return Admitted::Envelope(envelope, bytes);
    };
    let row = RawLine::of(&bytes).row(line.offset, Source { line: line.number, name: source.into() }, why);
    Admitted::Quarantined(Box::new(row), Some(bytes))
}

/// A document over several lines: each problem is shown on its own.
fn task_spec(path: &Path, codes: &CodeTable, output: &mut Printer) -> anyhow::Result<Exit> {
    let bytes = input::document(path)?;
    if output.is_json() {
        output.object(&json!({"format_version": "1"}))?;
    }
    let name = path.display().to_string();
    let source = CheckedSource { path: name.clone(), name: &name, is_file: path.as_os_str() != "-" };
    let mut total = CheckTotal::default();
    let placed = |spec: TaskSpec| match codes.placing(&spec.failure_reason_code, None, &[]) {
        Placing::Misplaced(why) => Err(why.at(|pointer| pointer.trim_start_matches("/task_spec").to_owned())),
        Placing::Right | Placing::Unsaid => Ok(()),
    };
    match TaskSpec::parse(&bytes).and_then(placed) {
        Ok(()) => total.sound += 1,
        Err(rejection) => {
            total.bad += 1;
            total.problems += rejection.problems().len() as u64;
            for problem in rejection.problems() {
                let (number, line, problem) = on_its_line(&bytes, problem);
                show(number, &line, &source, &problem, output)?;
            }
        }
    }
    total.end(output)
}

/// The line of a document that a problem stands on, its number from 1, and the problem with its place on that line.
fn on_its_line(document: &[u8], problem: &Problem) -> (u64, String, Problem) {
    let document = document.strip_prefix("\u{feff}".as_bytes()).unwrap_or(document);
    let (before, rest) = document.split_at(problem.span.start.min(document.len()));
    let begins = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let ends = rest.iter().position(|byte| *byte == b'\n').map_or(document.len(), |end| before.len() + end);
    let line = String::from_utf8_lossy(document.get(begins..ends).unwrap_or_default());
    let [start, end] = [problem.span.start, problem.span.end].map(|place| place.saturating_sub(begins));
    let number = before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    (number, line.trim_end_matches('\r').to_owned(), Problem { span: start..end, ..problem.clone() })
}

/// What problems are told of.
struct CheckedSource<'s> {
    path: String,
    name: &'s str,
    is_file: bool,
}

impl<'s> CheckedSource<'s> {
    fn of(source: &'s LineSource) -> Self {
        Self { path: source.shown(), name: &source.name, is_file: source.is_file() }
    }
}

impl CheckTotal {
    fn end(&self, output: &mut Printer) -> anyhow::Result<Exit> {
        output.show(self, |CheckTotal { bad, blank, problems, sound }, output| {
            let [bad, blank, problems, sound] = [*bad, *blank, *problems, *sound].map(grouped);
            writeln!(output, "{sound} sound, {bad} bad ({problems} problems), {blank} blank")
        })?;
        Ok(if self.bad > 0 { Exit::Findings } else { Exit::Done })
    }

    fn add(&mut self, admitted: Admitted<'_>, source: &CheckedSource<'_>, output: &mut Printer) -> anyhow::Result<()> {
        match admitted {
            Admitted::Blank => self.blank += 1,
            Admitted::Envelope(..) => self.sound += 1,
            Admitted::Quarantined(row, line) => {
                self.bad += 1;
                self.problems += row.problems.len() as u64;
                let QuarantineRow { source: place, problems, raw, .. } = &*row;
                // Of a line that was too long to hold, there is its start.
                let start = raw.as_deref().map_or(&[][..], str::as_bytes);
                let text = String::from_utf8_lossy(line.as_deref().unwrap_or(start));
                problems.iter().try_for_each(|problem| show(place.line, &text, source, problem, output))?;
            }
        }
        Ok(())
    }
}

fn show(
    line: u64,
    text: &str,
    source: &CheckedSource<'_>,
    problem: &Problem,
    output: &mut Printer,
) -> anyhow::Result<()> {
    let (path, (code, message)) = (source.path.as_str(), (problem.code.as_str(), problem.message.as_str()));
    let column = text.get(..problem.span.start).map_or(0, |before| before.chars().count()) + 1;
    match output.format {
        OutputFormat::Json => {
            let (pointer, source) = (problem.pointer.as_str(), source.name);
            output.object(&json!({
                "code": code, "column": column, "line": line, "message": message, "path": path, "pointer": pointer,
                "source": source,
            }))
        }
        OutputFormat::Github => {
            let place = github::Annotated { file: source.is_file.then_some(path), line, column };
            output.line(&github::annotation(&place, code, &problem.pointer, message))
        }
        _ => output.as_is(&caret::show(path, line, text, problem, output.color)),
    }
}
