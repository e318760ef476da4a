//! `dome replay`: the main job.

mod derive;
mod read;
mod spill;
mod spool;
mod summary;

pub(crate) use derive::{RunViews, derive};
pub(crate) use read::LineCounts;
pub(crate) use spool::Kept;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use dome_binder::{Record, Rules};
use dome_core::{BinderVersion, Timestamp};

use crate::artifacts::{self, Artifacts, Told, Written};
use crate::exit::Exit;
use crate::output::{Notes, Output};
use crate::settings::Replay;
use dome_replay::Masking;
use dome_replay::input::{self, ENVELOPES, Source};
use read::Reading;
use spool::Spool;
use summary::Summary;

/// How long each step took; told, never used.
#[derive(Default)]
pub(crate) struct Steps(Vec<(&'static str, Duration)>);

impl Steps {
    pub(crate) fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0.push((name, start.elapsed()));
        result
    }

    /// The slowest step, and its share of all in percent.
    fn slowest(&self) -> Option<(&'static str, u64)> {
        let all: Duration = self.0.iter().map(|(_, took)| *took).sum();
        let (name, took) = self.0.iter().max_by_key(|(_, took)| *took)?;
        let share = (took.as_micros() * 100).checked_div(all.as_micros())?;
        Some((name, u64::try_from(share).unwrap_or(100)))
    }
}

impl<'m> Reading<'m> {
    const fn of(args: &Replay, masking: &'m Masking, spool: Option<&'m Spool>) -> Self {
        Self { binder: args.binder, not_after: args.not_after, threads: args.threads, masking, spool }
    }
}

/// The sound lines of the inputs as records, for a replay that is not written, and how many are bad.
///
/// # Errors
///
/// When an input cannot be read.
#[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer moves, not the record")]
pub(crate) fn records(
    inputs: &[PathBuf],
    binder: BinderVersion,
    not_after: Option<Timestamp>,
    threads: Option<NonZeroUsize>,
    masking: &Masking,
) -> anyhow::Result<(Vec<Box<Record>>, u64)> {
    let sources = input::find(inputs, ENVELOPES, &Notes)?;
    let threads = threads.or(std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let input = read::read(&sources, &Reading { binder, not_after, threads, masking, spool: None })?;
    Ok((input.records, input.quarantine.len() as u64))
}

/// Everything that records come to, for a replay that is not written.
#[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer moves, not the record")]
pub(crate) fn concluded(records: Vec<Box<Record>>, rules: &Rules, as_of: Option<Timestamp>) -> dome_binder::Replay {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    derive(records, rules, threads, as_of, &mut Steps::default()).0
}

/// Runs the verb.
pub(crate) fn run(args: Replay, output: &mut Output) -> anyhow::Result<Exit> {
    let rules = dome_replay::load_rules(args.policy.as_deref(), &args.reason_codes, args.mode)?;
    with_rules(args, &rules, output)
}

/// Replays by rules that were read already.
pub(crate) fn with_rules(args: Replay, rules: &Rules, output: &mut Output) -> anyhow::Result<Exit> {
    let masking = Masking::load(args.redact.as_deref())?;
    artifacts::check_destination(&args.out)?;
    let sources = input::find(&args.inputs, ENVELOPES, &Notes)?;
    let mut steps = Steps::default();
    let known = spill::known_bytes(&sources);
    let (told, written) = match args.memory {
        Some(memory) if !spill::fits(known, memory) => {
            let shape = spill::Shape::of(memory, args.threads, known);
            spill::replay(&args, rules, &sources, &masking, shape, &mut steps)?
        }
        _ => in_memory(&args, rules, &sources, &masking, &mut steps)?,
    };
    let Written { manifest, unchanged } = written;
    let summary = Summary::of(&told, &manifest, unchanged, steps.slowest());
    summary.print(output)?;
    output.flush()?;
    let findings = args.deny_quarantine && told.rejected.lines > 0;
    Ok(if findings { Exit::Findings } else { Exit::Done })
}

/// Replays with everything in memory at once.
fn in_memory<'r>(
    args: &'r Replay,
    rules: &'r Rules,
    sources: &[Source],
    masking: &Masking,
    steps: &mut Steps,
) -> anyhow::Result<(Told<'r>, Written)> {
    let spool = Spool::beside(&args.out);
    let read = steps.time("reading", || read::read(sources, &Reading::of(args, masking, Some(&spool))))?;
    let kept = spool.kept();
    let (quarantine, counts, redacted) = (read.quarantine, read.counts, masking.redacted(read.masks));
    let (result, views) = derive(read.records, rules, args.threads, args.as_of, steps);
    let quarantine =
        steps.time("quarantine", || read::with_conflicts(quarantine, &result.ledger.conflicts, sources, masking))?;
    let artifacts = Artifacts {
        args,
        rules,
        result: &result,
        views: &views,
        kept: &kept,
        quarantine: &quarantine,
        counts,
        redacted,
    };
    let (told, written) = steps.time("writing", || artifacts::write(&artifacts))?;
    // The process is about to end: the system takes memory back faster than it can be dropped.
    std::mem::forget(result);
    Ok((told, written))
}
