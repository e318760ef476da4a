//! `dome check`: validate only, and point at every problem.

pub(crate) mod github;
pub(crate) mod render;

use anyhow::Context;
use dome_core::{Line, Problem, Reader, lines};
use serde::Serialize;

use crate::args::CheckArgs;
use crate::exit::Exit;
use crate::output::{Notes, Output, grouped};
use dome_replay::input::{self, Chunk, ENVELOPES, Source};

/// The first record of `--format json`.
#[derive(Serialize)]
struct Header {
    format_version: &'static str,
}

/// One problem of `--format json`, its members in canonical order.
#[derive(Serialize)]
struct Finding<'p> {
    code: &'static str,
    /// The character on the line, from 1.
    column: usize,
    line: u64,
    message: &'p str,
    /// The file to open: the source below its INPUT.
    path: &'p str,
    pointer: &'p str,
    source: &'p str,
}

/// The last record of `--format json`.
#[derive(Serialize)]
struct Total {
    bad: u64,
    blank: u64,
    problems: u64,
    sound: u64,
}

/// What was found.
#[derive(Default)]
struct Tally {
    lines: u64,
    blank: u64,
    bad: u64,
    problems: u64,
}

/// Runs the verb.
pub(crate) fn run(args: &CheckArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let sources = input::find(&args.inputs, ENVELOPES, &Notes)?;
    if output.is_json() {
        output.object(&Header { format_version: "1" })?;
    }
    let mut reader = Reader::new().not_after(args.not_after);
    let mut checker = Checker { output, tally: Tally::default() };
    for chunk in input::all_chunks(&sources) {
        let (index, chunk) = chunk?;
        let source = sources.get(index).context("a chunk belongs to a source")?;
        match chunk {
            Chunk::Lines { number, offset, bytes } => {
                for line in lines(&bytes, number, offset) {
                    checker.line(&line, source, &mut reader)?;
                }
            }
            Chunk::Long(line) if line.blank => checker.tally.blank(),
            Chunk::Long(line) => {
                let rejection = dome_core::line_too_long(line.raw.length());
                let row =
                    line.raw.row(line.offset, dome_core::Source { line: line.number, name: "".into() }, rejection);
                let start = row.raw.unwrap_or_default().into_bytes();
                let shown = Line { number: line.number, offset: line.offset, bytes: &start };
                checker.rejected(&shown, source, &row.problems)?;
            }
        }
    }
    checker.end()
}

impl Tally {
    const fn blank(&mut self) {
        self.lines += 1;
        self.blank += 1;
    }
}

struct Checker<'o> {
    output: &'o mut Output,
    tally: Tally,
}

impl Checker<'_> {
    fn line(&mut self, line: &Line<'_>, source: &Source, reader: &mut Reader) -> anyhow::Result<()> {
        if line.is_blank() {
            self.tally.blank();
            return Ok(());
        }
        match reader.read(line.bytes) {
            Ok(_) => {
                self.tally.lines += 1;
                Ok(())
            }
            Err(rejection) => self.rejected(line, source, rejection.problems()),
        }
    }

    fn rejected(&mut self, line: &Line<'_>, source: &Source, problems: &[Problem]) -> anyhow::Result<()> {
        self.tally.lines += 1;
        self.tally.bad += 1;
        self.tally.problems += problems.len() as u64;
        let text = String::from_utf8_lossy(line.bytes);
        for problem in problems {
            self.show(line.number, &text, source, problem)?;
        }
        Ok(())
    }

    fn show(&mut self, line: u64, text: &str, source: &Source, problem: &Problem) -> anyhow::Result<()> {
        let (path, (code, message)) = (source.shown(), (problem.code.as_str(), problem.message.as_str()));
        let column = text.get(..problem.span.start).map_or(0, |before| before.chars().count()) + 1;
        if self.output.is_json() {
            let (pointer, source) = (problem.pointer.as_str(), source.name.as_str());
            self.output.object(&Finding { code, column, line, message, path: &path, pointer, source })
        } else if self.output.is_github() {
            let place = github::Place { file: source.is_file().then_some(path.as_str()), line, column };
            self.output.line(&github::annotation(&place, code, &problem.pointer, message))
        } else {
            let shown = render::show(&path, line, text, problem, self.output.color());
            self.output.as_is(&shown)
        }
    }

    fn end(self) -> anyhow::Result<Exit> {
        let Tally { lines, blank, bad, problems } = self.tally;
        if self.output.is_json() {
            self.output.object(&Total { bad, blank, problems, sound: lines - blank - bad })?;
        } else {
            let envelopes = grouped(lines - blank - bad);
            let [problems, bad] = [grouped(problems), grouped(bad)];
            self.output.line(&format!("{envelopes} sound, {bad} bad ({problems} problems), {blank} blank"))?;
        }
        self.output.flush()?;
        Ok(if bad > 0 { Exit::Findings } else { Exit::Done })
    }
}
