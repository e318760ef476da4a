//! `dome convert`: a real tool's output to envelopes.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::Context;
use dome_adapters::{Conversion, Finding, Format, Input, Options, convert};
use serde::Serialize;

use crate::args::ConvertArgs;
use crate::exit::{Exit, invalid, usage};
use crate::input;
use crate::output::{Output, grouped, note};

/// Findings of one kind that are shown before the rest is only counted.
const SHOWN_FINDINGS: usize = 10;

/// Runs the verb.
pub(crate) fn run(args: &ConvertArgs, output: &mut Output) -> anyhow::Result<Exit> {
    if args.list {
        list(output)?;
        return Ok(Exit::Done);
    }
    if let Some(name) = &args.reason_codes {
        output.bytes(named(name)?.reason_codes())?;
        output.flush()?;
        return Ok(Exit::Done);
    }
    let format = named(args.tool.as_deref().unwrap_or_default())?;
    if args.inputs.is_empty() {
        return Err(usage(format!("`dome convert {format}` wants at least one INPUT: a file, a folder or `-`")));
    }
    let files = read(args, format)?;
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let options =
        Options { lane: args.lane.clone(), commit: args.commit.clone(), run_id: args.run_id.clone(), ts: args.ts };
    let done = convert(format, &inputs, &options);
    write(&done, args.out.as_deref(), output)?;
    report(&done);
    match (done.envelopes.is_empty(), done.problems.is_empty()) {
        (true, false) => Err(invalid(format!("nothing in the input could be converted from `{format}`"))),
        (false, false) => Ok(Exit::Findings),
        (_, true) => Ok(Exit::Done),
    }
}

/// One format of `--list --format json`.
#[derive(Serialize)]
struct Listed {
    format: &'static str,
    format_version: &'static str,
    summary: &'static str,
}

fn list(output: &mut Output) -> anyhow::Result<()> {
    for format in Format::ALL {
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

/// Every input, whole and decompressed.
fn read(args: &ConvertArgs, format: Format) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for source in input::find(&args.inputs, format.endings())? {
        let mut bytes = Vec::new();
        let read = source.open()?.read_to_end(&mut bytes);
        read.with_context(|| format!("cannot read `{}`", source.shown()))?;
        files.push((source.name, bytes));
    }
    Ok(files)
}

/// Writes the lines: to stdout, or to a file that is whole or not there at all.
fn write(done: &Conversion, out: Option<&Path>, output: &mut Output) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    for envelope in &done.envelopes {
        envelope.write_canonical(&mut bytes);
        bytes.push(b'\n');
    }
    match out.filter(|path| path.as_os_str() != "-") {
        Some(path) => write_file(path, &bytes).with_context(|| format!("cannot write `{}`", path.display())),
        None => {
            output.bytes(&bytes)?;
            output.flush()
        }
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Says on stderr how the records were spent, and what was left out.
fn report(done: &Conversion) {
    show("left out", &done.problems);
    show("note", &done.notes);
    let counts = done.counts;
    note(&format!(
        "dome: {} records: {} envelopes, {} repeated, {} left out",
        grouped(counts.records),
        grouped(done.envelopes.len() as u64),
        grouped(counts.repeated),
        grouped(counts.left_out),
    ));
}

fn show(what: &str, findings: &[Finding]) {
    for finding in findings.iter().take(SHOWN_FINDINGS) {
        note(&format!("dome: {what}: {finding}"));
    }
    if let Some(more) = findings.len().checked_sub(SHOWN_FINDINGS).filter(|more| *more > 0) {
        note(&format!("dome: {what}: and {} more", grouped(more as u64)));
    }
}
