//! `dome convert`: a real tool's output to envelopes.

mod args;
mod files;
mod report;
mod sink;
mod target;

pub(crate) use args::ConvertArgs;
pub(crate) use report::Found;

use std::path::Path;

use anyhow::Context;
use dome_adapters::{Converter, Format, ToolFile, convert};
use dome_core::CodeTable;
use serde::Serialize;

use crate::exit::{Exit, invalid, usage};
use crate::output::Output;
use files::{File, Wanted};
use report::Report;
use sink::Sink;

/// Runs the verb.
pub(crate) fn run(args: &ConvertArgs, output: &mut Output) -> anyhow::Result<Exit> {
    if args.list {
        list(output)?;
        return Ok(Exit::Done);
    }
    if let Some(name) = &args.reason_codes {
        output.bytes(&document(&named(name)?.reason_codes())?)?;
        output.flush()?;
        return Ok(Exit::Done);
    }
    let tool = args.tool.as_deref().ok_or_else(|| usage("name the format, or `auto`"))?;
    let wanted = if tool == "auto" { Wanted::Any } else { Wanted::One(named(tool)?) };
    if args.inputs.is_empty() {
        return Err(usage(format!("`dome convert {tool}` wants at least one INPUT: a file, a folder or `-`")));
    }
    distinct(args)?;
    let mut report = Report::default();
    let known = args.codes.as_deref().map(known_codes).transpose()?.flatten();
    let files = files::find(args, wanted, &mut report)?;
    let mut sink = Sink::open(args.out.as_deref(), output)?;
    let codes = every(&files, args, &mut sink, &mut report);
    // A table that contradicts the one that is there leaves both files as they are.
    let codes = match (known, &args.codes) {
        (Some(known), Some(path)) => known.extended(codes).map_err(|why| no_table(path, &why))?,
        _ => codes,
    };
    // A file of an earlier, good run outlives an input of which nothing converts.
    let keep = !report.is_in_vain();
    sink.close(keep)?;
    if let Some(path) = args.codes.as_ref().filter(|_| keep) {
        sink::write_file(path, &document(&codes)?)?;
    }
    if let Some(path) = &args.findings {
        sink::write_file(path, &report.every_finding()?)?;
    }
    report.end(files.len())
}

/// Two kinds of output to one file would leave the last alone.
fn distinct(args: &ConvertArgs) -> anyhow::Result<()> {
    let ConvertArgs { out, codes, findings, .. } = args;
    let pairs = [(("--out", out), ("--codes", codes)), (("--out", out), ("--findings", findings))];
    for ((one, first), (other, second)) in pairs.into_iter().chain([(("--codes", codes), ("--findings", findings))]) {
        if first.as_ref().zip(second.as_ref()).is_some_and(|(first, second)| target::is_same(first, second)) {
            return Err(usage(format!("`{one}` and `{other}` name the same file")));
        }
    }
    Ok(())
}

/// The table that `--codes` adds to, if there is one.
fn known_codes(path: &Path) -> anyhow::Result<Option<CodeTable>> {
    // Nothing, or what is written through: a FIFO, a device.
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    CodeTable::parse(&bytes).map(Some).map_err(|why| no_table(path, &why))
}

fn no_table(path: &Path, why: &dyn std::fmt::Display) -> anyhow::Error {
    invalid(format!("`{}`: {why}", path.display()))
}

/// Converts the files that stand alone one by one, then each of the other formats as a whole. What
/// comes back is the table of the codes that were given out.
fn every(files: &[File], args: &ConvertArgs, sink: &mut Sink<'_>, report: &mut Report) -> CodeTable {
    let options = args.options();
    let mut converter = Converter::new(options.clone());
    for file in files.iter().filter(|file| !file.format.is_together()) {
        match file.reader() {
            Ok(mut reader) => {
                report.file(
                    converter.file(file.format, &file.known, &mut reader, &mut |envelope| sink.put(&envelope)),
                    &file.known.name,
                );
            }
            Err(error) => report.unreadable(&file.known.name, &error),
        }
    }
    let mut codes = converter.codes().clone();
    for format in Format::all().filter(|format| format.is_together()) {
        let contents = files::contents(files.iter().filter(|file| file.format == format), report);
        if contents.is_empty() {
            continue;
        }
        let inputs: Vec<_> = contents.iter().map(|(name, bytes)| ToolFile { name, bytes }).collect();
        let done = convert(format, &inputs, &options);
        done.envelopes.iter().for_each(|envelope| sink.put(envelope));
        codes.extend(done.codes.clone());
        report.whole(done);
    }
    dome_adapters::code_table(&codes)
}

/// One format of `--list --format json`.
#[derive(Serialize)]
struct Listed {
    format: &'static str,
    format_version: &'static str,
    summary: &'static str,
}

fn list(output: &mut Output) -> anyhow::Result<()> {
    for format in Format::all() {
        let listed = Listed { format: format.name(), format_version: "1", summary: format.summary() };
        if output.is_json() {
            output.object(&listed)?;
        } else {
            output.line(&format!("{:<16}{}", listed.format, listed.summary))?;
        }
    }
    output.flush()
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
