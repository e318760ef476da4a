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

use anyhow::Context;

use crate::args::IngestArgs;
use crate::exit::{Exit, usage};
use crate::input::{self, Chunk, Chunks, ENVELOPES, Source};
use crate::output::{Output, note};
use crate::settings::Settings;
use crate::store::Writer;
use intake::{BatchLimits, Intake};
use progress::{Start, find_start, skip};
use stop::Stop;

/// Runs the verb.
pub(crate) fn run(args: &IngestArgs, settings: &Settings, output: &mut Output) -> anyhow::Result<Exit> {
    if args.follow && args.inputs.iter().any(|input| input.as_os_str() == "-") && args.inputs.len() > 1 {
        return Err(usage("with --follow, `-` stands alone: stdin is one stream, files are watched"));
    }
    let masking = terms::masking(args.redact.as_deref())?;
    let stop = Stop::listen()?;
    let mut writer = Writer::open(&args.store, || terms::rules(args, settings))?;
    terms::check(args, settings, &writer)?;
    let terms = terms::of(args, &masking, &writer)?;
    let facts_before = writer.index.count("SELECT coalesce(sum(facts), 0) FROM runs")?;
    let limits = BatchLimits { lines: args.batch_lines.get(), age: std::time::Duration::from_millis(args.batch_ms) };
    let mut intake = Intake::new(&mut writer, terms, masking, limits);
    let complete = if args.follow {
        follow::follow(&args.inputs, &mut intake, &stop, output)?;
        true
    } else {
        at_once(args, &mut intake, &stop)?
    };
    intake.keep()?;
    let tally = intake.tally;
    summary::print(&args.store, &writer, tally, facts_before, output)?;
    output.flush()?;
    if !complete {
        note("dome: stopped by a signal; the batch is kept. Run the same command again to go on");
        return Ok(Exit::Failed);
    }
    Ok(if args.deny_quarantine && tally.rejected > 0 { Exit::Findings } else { Exit::Done })
}

/// Reads every source to its end; says whether it got there.
fn at_once(args: &IngestArgs, intake: &mut Intake<'_>, stop: &Stop) -> anyhow::Result<bool> {
    for source in input::find(&args.inputs, ENVELOPES)? {
        if !read(&source, intake, stop)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads a source from where it stopped to its end; says whether it got there.
fn read(source: &Source, intake: &mut Intake<'_>, stop: &Stop) -> anyhow::Result<bool> {
    // Two sources may have one name: what was read under it until now counts.
    intake.keep()?;
    let known = intake.writer.known_sources()?;
    let Start { mut progress, note: remark } = find_start(source, &known)?;
    if let Some(remark) = remark {
        note(&format!("dome: note: {remark}"));
    }
    let mut reader = source.open()?;
    let failed = || format!("cannot read `{}`", source.shown());
    skip(&mut reader, progress.offset).with_context(failed)?;
    let mut chunks = Chunks::resumed(reader, progress.number(), progress.offset).peekable();
    while let Some(chunk) = chunks.next() {
        let chunk: Chunk = chunk.with_context(failed)?;
        let is_last = chunks.peek().is_none();
        if !intake.chunk_until(chunk, &mut progress, is_last, stop)? {
            return Ok(false);
        }
    }
    Ok(true)
}
