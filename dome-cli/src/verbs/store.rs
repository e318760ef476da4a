//! `dome store`: the verbs on a store that stands.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dome_binder::Rules;
use dome_core::Timestamp;
use dome_replay::{CapsuleCounts, DEFAULT_MEMORY, Destined, Limits as ReplayLimits, Written};
use dome_store::quarantine::{self, Retry};
use dome_store::{
    Derived, Difference, Limits, Opening, Report, SourceStatus, Status, compact, compare_index, export, given, merge,
    rebuild, status, verify,
};
use serde::Serialize;

use crate::args::{RulesArgs, ThreadsArgs, word};
use crate::exit::Exit;
use crate::failing::{self, Clock, Failing};
use crate::output::{Output, Watching, grouped, note};
use crate::render::caret;
use crate::settings::Settings;

/// Which store.
#[derive(Debug, Args)]
pub(crate) struct StoreAt {
    /// The directory of the store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
}

/// Look at a store, check it, and take artifacts out of it
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n    dome store status --store memory")]
pub(crate) enum StoreVerb {
    /// What is in it, and how good its sources are
    #[command(after_help = "Example:\n    dome store status --store memory")]
    Status(StoreAt),
    /// Derive everything again from the log, and hold the index against it
    #[command(after_help = "Example:\n    dome store verify --store memory")]
    Verify(StoreVerifyArgs),
    /// Write the artifacts that a replay of everything ingested would write
    #[command(after_help = "Example:\n    dome store export --store memory --out result")]
    Export(StoreExportArgs),
    /// See what was rejected and why, and try again
    #[command(subcommand)]
    Quarantine(QuarantineVerb),
    /// Make a store that holds what two hold, in whichever order they are named
    #[command(after_help = "Example:\n    dome store merge monday tuesday --out both")]
    Merge(StoreMergeArgs),
    /// Make the index as small as what it holds; the log is never shortened
    #[command(after_help = "Example:\n    dome store compact --store memory")]
    Compact(StoreAt),
    /// Derive the index again from the log, under another mode, policy or reason codes if they are given
    #[command(
        after_help = "Example:\n    dome store rebuild --store memory --policy policy.json\n    dome store rebuild --store memory --defaults --mode lenient"
    )]
    Rebuild(StoreRebuildArgs),
}

/// `dome store verify`
#[derive(Debug, Args)]
pub(crate) struct StoreVerifyArgs {
    #[command(flatten)]
    at: StoreAt,
}

/// `dome store export`
#[derive(Debug, Args)]
pub(crate) struct StoreExportArgs {
    #[command(flatten)]
    at: StoreAt,
    /// The directory to write; whole, or not at all
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Measure staleness at this instant [default: the last fact's time]
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    as_of: Option<Timestamp>,
    #[command(flatten)]
    threads: ThreadsArgs,
    /// Replace another result that stands in DIR
    #[arg(long)]
    force: bool,
}

/// `dome store merge`
#[derive(Debug, Args)]
pub(crate) struct StoreMergeArgs {
    /// One store; it is only read
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Another one
    #[arg(value_name = "B")]
    b: PathBuf,
    /// The store to make; whole, or not at all
    #[arg(long, value_name = "C")]
    out: PathBuf,
}

/// See what was rejected and why, and try again
#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineVerb {
    /// Every rejected line: its position in the log, where it stood, and the codes of its problems
    #[command(after_help = "Example:\n    dome store quarantine list --store memory --source night.jsonl")]
    List(QuarantineListArgs),
    /// One rejected line, with a caret under each problem
    #[command(after_help = "Example:\n    dome store quarantine show 17 --store memory")]
    Show(QuarantineShowArgs),
    /// Read rejected lines again: those that are envelopes now are admitted, where they stood
    #[command(after_help = "Example:\n    dome store quarantine retry --store memory")]
    Retry(QuarantineRetryArgs),
}

/// `dome store quarantine list`
#[derive(Debug, Args)]
pub(crate) struct QuarantineListArgs {
    #[command(flatten)]
    at: StoreAt,
    /// Only lines of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

/// `dome store quarantine show`
#[derive(Debug, Args)]
pub(crate) struct QuarantineShowArgs {
    #[command(flatten)]
    at: StoreAt,
    /// The line's position in the log, as `list` shows it
    position: u64,
}

/// `dome store quarantine retry`
#[derive(Debug, Args)]
pub(crate) struct QuarantineRetryArgs {
    #[command(flatten)]
    at: StoreAt,
    /// Positions in the log, as `list` shows them [default: all]
    positions: Vec<u64>,
    /// Only lines of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Admit lines up to this instant from now on, or `off` [default: a day ahead of the clock, or what is
    /// recorded if that is later]
    #[arg(long, value_name = "TIME")]
    not_after: Option<String>,
}

/// `dome store rebuild`
#[derive(Debug, Args)]
pub(crate) struct StoreRebuildArgs {
    #[command(flatten)]
    at: StoreAt,
    /// Begin with the defaults (and `dome.toml`) rather than with what the store derives by now
    #[arg(long)]
    defaults: bool,
    #[command(flatten)]
    rules: RulesArgs,
}

/// Runs one of the verbs.
pub(crate) fn run(verb: &StoreVerb, settings: &Settings, output: &mut Output) -> anyhow::Result<Exit> {
    match verb {
        StoreVerb::Status(at) => tell(&at.store, output),
        StoreVerb::Verify(args) => hold(&args.at.store, output),
        StoreVerb::Export(args) => take_out(args, output),
        StoreVerb::Quarantine(QuarantineVerb::List(args)) => list(args, output),
        StoreVerb::Quarantine(QuarantineVerb::Show(args)) => show(args, output),
        StoreVerb::Quarantine(QuarantineVerb::Retry(args)) => retry(args, output),
        StoreVerb::Merge(args) => unite(args, output),
        StoreVerb::Compact(at) => make_small(&at.store, output),
        StoreVerb::Rebuild(args) => make_anew(args, settings, output),
    }
}

/// Done, unless a store does not hold what it acknowledged.
const fn whole(is_whole: bool) -> Exit {
    if is_whole { Exit::Done } else { Exit::Unreproduced }
}

fn tell(store: &Path, output: &mut Output) -> anyhow::Result<Exit> {
    let failing = |derived: &Derived| {
        let clock = Clock { as_of: derived.index.as_of()?, window_s: derived.rules.policy.contradiction_window_s };
        let mut counts = CapsuleCounts::default();
        derived.index.capsules(|capsule| {
            counts.add(capsule);
            Ok(())
        })?;
        Ok(failing::keeps_failing(&counts.foremost, clock))
    };
    let status = status(store, Limits::default(), failing, &Watching::new("reading"))?;
    if output.is_json() {
        output.object(&status)?;
    } else {
        print_status(&status, output)?;
    }
    Ok(whole(status.damaged == 0))
}

fn print_status(status: &Status<Failing>, output: &mut Output) -> anyhow::Result<()> {
    let rows = [
        (status.facts, format!("facts in {} runs", grouped(status.runs))),
        (status.duplicates, "duplicates".to_owned()),
        (status.quarantined, format!("quarantined, {} of them conflicts", grouped(status.conflicts))),
        (status.capsules, "capsules".to_owned()),
        (status.entries, format!("entries, {} bytes in {} segments", grouped(status.bytes), status.segments)),
    ];
    for (count, what) in rows {
        output.line(&format!("{:>12}  {what}", grouped(count)))?;
    }
    output.line("\n       lines    rejected       rate  source")?;
    status.sources.iter().try_for_each(|source| output.line(&source_row(source)))?;
    failing::print(&status.keeps_failing, output)?;
    if let Some(watermark) = status.watermark {
        output.line(&format!("\ncomplete up to {watermark}, as far as the sources were read"))?;
    }
    if status.inbox > 0 {
        output.line(&format!("{} files wait in the inbox", grouped(status.inbox as u64)))?;
    }
    if status.damaged > 0 {
        output.line(&format!("{} damaged places: `dome store verify` names them", grouped(status.damaged)))?;
    }
    Ok(())
}

fn source_row(source: &SourceStatus) -> String {
    let per_cent = format!("{}.{:02} %", source.bad_ppm / 10_000, source.bad_ppm % 10_000 / 100);
    let end = match (source.open, source.unfinished) {
        (true, true) => "  (its last line has no end yet)",
        (true, false) => "  (not read to its end)",
        (false, _) => "",
    };
    format!("{:>12}  {:>10}  {:>9}  {}{end}", grouped(source.lines), grouped(source.rejected), per_cent, source.name)
}

fn hold(store: &Path, output: &mut Output) -> anyhow::Result<Exit> {
    let report = verify(store, compare_index)?;
    if output.is_json() {
        output.object(&report)?;
    } else {
        print_report(&report, output)?;
    }
    Ok(whole(report.is_sound()))
}

fn print_report(report: &Report, output: &mut Output) -> anyhow::Result<()> {
    for damage in &report.damage {
        output.line(&format!("damaged: {}", damage))?;
    }
    for aside in &report.aside {
        output.line(&format!("no part of the log any more: `{aside}`"))?;
    }
    for Difference { expected, found, row, what } in &report.differences {
        output.line(&format!("{what} {row}:\n  expected {expected}\n  found    {found}"))?;
    }
    let [entries, facts] = [report.entries, report.facts as u64].map(grouped);
    let derived = if report.compared { format!(", {facts} facts derived again") } else { String::new() };
    output.line(&format!("{entries} entries in {} segments{derived}", report.segments))?;
    output.line(&match (report.damage.len(), report.difference_count) {
        (0, _) if !report.compared => {
            "the log is whole; no index stands there that fits it, so the next question derives one".to_owned()
        }
        (damage, _) if !report.compared => format!(
            "{damage} damaged places; the index was derived before that and still holds what is lost, so \
             the two are not compared. `dome store rebuild --store {}` derives it from what is left",
            report.store
        ),
        (0, 0) => "the log is whole, and the index is what it comes to".to_owned(),
        (damage, differences) => format!("{damage} damaged places, {differences} differences"),
    })
}

fn take_out(args: &StoreExportArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let to = Destined { out: args.out.clone(), force: args.force };
    let limits = ReplayLimits::within(DEFAULT_MEMORY.bytes());
    let watching = Watching::new("exporting");
    let exported = export(&args.at.store, &to, args.as_of, args.threads.count(), limits, &watching)?;
    let Written { manifest, unchanged, .. } = exported.written;
    if output.is_json() {
        output.object(&manifest)?;
    } else {
        let state = if unchanged { " (the same result stood there already)" } else { "" };
        let [facts, capsules] = [manifest.counts.facts, manifest.counts.capsules].map(grouped);
        output.line(&format!("{facts} facts, {capsules} capsules"))?;
        output.line(&format!("result: {}{state}\nsnapshot: {}", to.out.display(), manifest.snapshot_digest))?;
    }
    Ok(whole(exported.damaged == 0))
}

/// The first record of the list of a quarantine.
#[derive(Serialize)]
struct QuarantineHeader {
    format_version: &'static str,
    quarantined: usize,
}

fn list(args: &QuarantineListArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let listed = quarantine::list(&args.at.store, args.source.as_deref(), &Watching::new("reading"))?;
    if output.is_json() {
        output.object(&QuarantineHeader { format_version: "1", quarantined: listed.len() })?;
        listed.iter().try_for_each(|row| output.object(row))?;
        return Ok(Exit::Done);
    }
    for row in &listed {
        output.line(&format!("{:>10}  {}:{}  {}", row.position, row.source, row.line, row.codes.join(", ")))?;
    }
    output.line(&format!("{} quarantined; `quarantine show POSITION` shows one", grouped(listed.len() as u64)))?;
    Ok(Exit::Done)
}

fn show(args: &QuarantineShowArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let shown = quarantine::show(&args.at.store, args.position, &Watching::new("reading"))?;
    if output.is_json() {
        output.object(&shown)?;
        return Ok(Exit::Done);
    }
    for problem in &shown.problems {
        output.as_is(&caret::show(&shown.source, shown.line, &shown.raw, problem, output.color()))?;
    }
    Ok(Exit::Done)
}

fn retry(args: &QuarantineRetryArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let (positions, source, not_after) = (&args.positions, args.source.as_deref(), args.not_after.as_deref());
    let what = Retry { positions, source, not_after };
    let retried = quarantine::retry(&args.at.store, what, Opening::default(), &Watching::new("reading"))?;
    if output.is_json() {
        output.object(&retried)?;
    } else {
        let (admitted, still) = (grouped(retried.admitted.len() as u64), grouped(retried.still_rejected));
        output.line(&format!("{admitted} admitted, {still} still rejected"))?;
    }
    Ok(Exit::Done)
}

fn unite(args: &StoreMergeArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let merged = merge(&args.a, &args.b, &args.out, Opening::default(), &Watching::new("merging"))?;
    if output.is_json() {
        output.object(&merged)?;
    } else {
        let [entries, sources] = [merged.entries, merged.sources as u64].map(grouped);
        output.line(&format!("{entries} entries of {sources} sources\nstore: {}", args.out.display()))?;
    }
    Ok(whole(merged.damaged == 0))
}

fn make_small(store: &Path, output: &mut Output) -> anyhow::Result<Exit> {
    let compacted = compact(store, &Watching::new("deriving"))?;
    if output.is_json() {
        output.object(&compacted)?;
    } else {
        let [before, after] = [compacted.bytes_before, compacted.bytes_after].map(grouped);
        output.line(&format!("index: {before} bytes before, {after} after; the log is never shortened"))?;
    }
    Ok(Exit::Done)
}

/// Rules that are not given stay what they are.
fn make_anew(args: &StoreRebuildArgs, settings: &Settings, output: &mut Output) -> anyhow::Result<Exit> {
    let flags = &args.rules;
    let load = || settings.load_rules(flags.clone()).map_err(|why| dome_store::Error::invalid(format!("{why:#}")));
    let rules = |before: Option<&Rules>| match before.filter(|_| !args.defaults) {
        Some(before) => given(before.clone(), flags.policy.as_deref(), &flags.reason_codes, flags.mode),
        // What the store derived by is not known any more, or is given up.
        None => load(),
    };
    let watching = Watching::new("deriving");
    let (rebuilt, writer) = rebuild(&args.at.store, Opening::default(), &rules, &watching)?;
    drop(writer);
    if output.is_json() {
        output.object(&rebuilt)?;
    } else {
        output.line(&format!("{} entries derived again", grouped(rebuilt.entries)))?;
    }
    output.flush()?;
    rebuilt
        .aside
        .iter()
        .for_each(|name| note(&format!("dome: bytes that are no part of the log are kept in `{name}`")));
    Ok(whole(rebuilt.is_whole()))
}
