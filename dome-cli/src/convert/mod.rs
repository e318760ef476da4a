//! `dome convert`: a real tool's output to envelopes.

mod args;
mod files;
mod report;
mod sink;

pub(crate) use args::ConvertArgs;

use std::path::Path;

use anyhow::Context;
use dome_adapters::{Converter, Format, Input, convert};
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
    let tool = args.tool.as_deref().unwrap_or_default();
    let wanted = if tool == "auto" { Wanted::Any } else { Wanted::One(named(tool)?) };
    if args.inputs.is_empty() {
        return Err(usage(format!("`dome convert {tool}` wants at least one INPUT: a file, a folder or `-`")));
    }
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
    sink.close()?;
    if let Some(path) = &args.codes {
        sink::write_file(path, &document(&codes)?).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    report.end(files.len())
}

/// The table that `--codes` adds to, if there is one.
fn known_codes(path: &Path) -> anyhow::Result<Option<CodeTable>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(CodeTable::parse(&bytes).map_err(|why| no_table(path, &why))?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
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
        let inputs: Vec<_> = contents.iter().map(|(name, bytes)| Input { name, bytes }).collect();
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
