//! `dome ingest`: lines into a store, at once or as they come.

mod follow;
mod intake;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]
mod laws;
mod progress;
mod stop;
mod summary;
mod tail;
mod terms;

use std::collections::BTreeSet;

pub(crate) use summary::{Acknowledged, Summary};

use anyhow::Context;

use crate::args::IngestArgs;
use crate::exit::{Exit, usage};
use crate::output::{Notes, Output, note};
use crate::settings::Settings;
use crate::store::Writer;
use dome_replay::input::{self, Chunk, Chunks, ENVELOPES, Source};
use intake::{BatchLimits, Intake};
use progress::{Start, find_start, skip};
use stop::Stop;
use summary::Totals;

/// Runs the verb.
pub(crate) fn run(args: &IngestArgs, settings: &Settings, output: &mut Output) -> anyhow::Result<Exit> {
    if args.follow && args.inputs.iter().any(|input| input.as_os_str() == "-") && args.inputs.len() > 1 {
        return Err(usage("with --follow, `-` stands alone: stdin is one stream, files are watched"));
    }
    let masking = terms::masking(args.redact.as_deref())?;
    let stop = Stop::listen()?;
    let mut writer = Writer::open(&args.store, || terms::rules(args, settings))?;
    terms::check(args, &writer)?;
    let terms = terms::of(args, &masking, &writer)?;
    let before = Totals::of(&writer)?;
    let limits = BatchLimits { lines: args.batch_lines.get(), age: std::time::Duration::from_millis(args.batch_ms) };
    let has_clock = args.not_after.is_none() && terms.not_after.is_some();
    let intake = Intake::new(&mut writer, terms, masking, limits);
    let mut intake = if has_clock { intake.with_clock() } else { intake };
    if args.follow && output.is_json() {
        intake = intake.telling(output);
    }
    intake.readmit()?;
    let complete = if args.follow {
        follow::follow(&args.inputs, &mut intake, &stop)?;
        true
    } else {
        at_once(args, &mut intake, &stop)?
    };
    intake.keep()?;
    let tally = intake.tally;
    let quarantined = summary::print(&args.store, &writer, tally, &before, output)?;
    output.flush()?;
    if !complete {
        note("dome: stopped by a signal; the batch is kept. Run the same command again to go on");
        return Ok(Exit::Failed);
    }
    Ok(if args.deny_quarantine && quarantined > 0 { Exit::Findings } else { Exit::Done })
}

/// Reads every source to its end; says whether it got there.
fn at_once(args: &IngestArgs, intake: &mut Intake<'_>, stop: &Stop) -> anyhow::Result<bool> {
    let mut in_use = BTreeSet::new();
    for source in input::find(&args.inputs, ENVELOPES, &Notes)? {
        if !read(&source, intake, &mut in_use, stop)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads a source from where it stopped to its end; says whether it got there.
fn read(source: &Source, intake: &mut Intake<'_>, in_use: &mut BTreeSet<String>, stop: &Stop) -> anyhow::Result<bool> {
    intake.keep_lines_of(&source.name)?;
    let known = intake.writer.index.checkpoints_of(&source.name)?;
    let Start { mut progress, note: remark } = find_start(source, &known, in_use)?;
    if let Some(remark) = remark {
        note(&format!("dome: note: {remark}"));
    }
    in_use.insert(progress.name.clone());
    let mut reader = source.open()?;
    let failed = || format!("cannot read `{}`", source.named());
    skip(&mut reader, progress.offset).with_context(failed)?;
    let mut chunks = Chunks::resumed(reader, progress.number(), progress.offset).peekable();
    while let Some(chunk) = chunks.next() {
        let chunk: Chunk = chunk.with_context(failed)?;
        let is_last = chunks.peek().is_none();
        if !intake.chunk_until(chunk, &mut progress, is_last, stop)? {
            return Ok(false);
        }
    }
    intake.ended(&mut progress, true);
    Ok(true)
}
