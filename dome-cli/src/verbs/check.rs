//! `dome check`: validate only, and point at every problem.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use dome_core::{Problem, QuarantineRow, Timestamp, lines};
use dome_replay::input::{self, Chunk, ENVELOPES, LineSource};
use dome_replay::{Admitted, Door, Masking};
use serde::Serialize;
use serde_json::json;

use crate::args::OutputFormat;
use crate::exit::Exit;
use crate::output::{Printer, Watching, grouped};
use crate::render::{caret, github};

/// Validate envelopes and point at every problem
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome check night.jsonl\n    my-wrapper | dome check - --format json\n    dome check envelopes/ --format github"
)]
pub(crate) struct CheckArgs {
    /// Files, folders (walked for *.jsonl, *.jsonl.gz, *.jsonl.zst), or `-` for stdin
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Find fault with lines whose `ts` is later than this
    #[arg(long, value_name = "TIME")]
    not_after: Option<Timestamp>,
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
                    total.add(door.admit(&line, &source.name), source, output)?;
                }
            }
            Chunk::Long(line) => total.add(door.admit_long(line, &source.name), source, output)?,
        }
    }
    output.show(&total, |CheckTotal { bad, blank, problems, sound }, output| {
        let [bad, blank, problems, sound] = [*bad, *blank, *problems, *sound].map(grouped);
        writeln!(output, "{sound} sound, {bad} bad ({problems} problems), {blank} blank")
    })?;
    Ok(if total.bad > 0 { Exit::Findings } else { Exit::Done })
}

impl CheckTotal {
    fn add(&mut self, admitted: Admitted<'_>, source: &LineSource, output: &mut Printer) -> anyhow::Result<()> {
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

fn show(line: u64, text: &str, source: &LineSource, problem: &Problem, output: &mut Printer) -> anyhow::Result<()> {
    let (path, (code, message)) = (source.shown(), (problem.code.as_str(), problem.message.as_str()));
    let column = text.get(..problem.span.start).map_or(0, |before| before.chars().count()) + 1;
    match output.format {
        OutputFormat::Json => {
            let (pointer, source) = (problem.pointer.as_str(), source.name.as_str());
            output.object(&json!({
                "code": code, "column": column, "line": line, "message": message, "path": path, "pointer": pointer,
                "source": source,
            }))
        }
        OutputFormat::Github => {
            let place = github::Annotated { file: source.is_file().then_some(path.as_str()), line, column };
            output.line(&github::annotation(&place, code, &problem.pointer, message))
        }
        _ => output.as_is(&caret::show(&path, line, text, problem, output.color)),
    }
}
