//! `dome store`: the verbs on a store that stands.

mod rollout;
mod tool;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dome_binder::Rules;
use dome_core::{Timestamp, escaped, escaped_path};
use dome_replay::{CapsuleCounts, DEFAULT_MEMORY, Destined, KeepsFailing, Limits as ReplayLimits, Written};
use dome_store::quarantine::{self, Retry};
use dome_store::{
    DerivedStore, Opening, SourceStatus, Status, StoreDifference, StoreLimits, StoreVerification, compact,
    compare_index, export, merge, rebuild, status, verify,
};
use serde_json::json;

use crate::args::{RulesArgs, ThreadsArgs};
use crate::exit::Exit;
use crate::output::{Printer, Watching, grouped, note};
use crate::render::{caret, failing};
use crate::settings::Settings;

/// Which store.
#[derive(Debug, Args)]
pub(crate) struct StoreAt {
    /// The directory of the store
    #[arg(long, value_name = "DIR")]
    pub(crate) store: PathBuf,
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
    Verify(StoreAt),
    /// Write the artifacts that a replay of everything ingested would write
    #[command(after_help = "Example:\n    dome store export --store memory --out result")]
    Export(StoreExportArgs),
    /// See what was rejected and why, and try again
    #[command(subcommand)]
    Quarantine(QuarantineVerb),
    /// Make a store that holds what two hold, in whichever order they are named
    #[command(after_help = "Example:\n    dome store merge monday tuesday --out both")]
    Merge {
        /// One store; it is only read
        #[arg(value_name = "A")]
        a: PathBuf,
        /// Another one
        #[arg(value_name = "B")]
        b: PathBuf,
        /// The store to make; whole, or not at all
        #[arg(long, value_name = "C")]
        out: PathBuf,
    },
    /// Say how far the store lets dome go, and look at it
    #[command(subcommand)]
    Rollout(rollout::StoreRolloutVerb),
    /// Say which tools remedies run, and look at how they conform
    #[command(subcommand)]
    Tool(tool::StoreToolVerb),
    /// Make the index as small as what it holds; the log is never shortened
    #[command(after_help = "Example:\n    dome store compact --store memory")]
    Compact(StoreAt),
    /// Derive the index again from the log, under another mode, policy or reason codes if they are given
    #[command(
        after_help = "Example:\n    dome store rebuild --store memory --policy policy.json\n    dome store rebuild --store memory --defaults --mode lenient"
    )]
    Rebuild(StoreRebuildArgs),
}

#[derive(Debug, Args)]
pub(crate) struct StoreExportArgs {
    #[command(flatten)]
    at: StoreAt,
    /// The directory to write; whole, or not at all
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Measure staleness at this instant [default: the last fact's time]
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    #[command(flatten)]
    threads: ThreadsArgs,
    /// Replace another result that stands in DIR
    #[arg(long)]
    force: bool,
}

/// See what was rejected and why, and try again
#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineVerb {
    /// Every rejected line: its position in the log, where it stood, and the codes of its problems
    #[command(after_help = "Example:\n    dome store quarantine list --store memory --source night.jsonl")]
    List {
        #[command(flatten)]
        at: StoreAt,
        /// Only lines of this source
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
    },
    /// One rejected line, with a caret under each problem
    #[command(after_help = "Example:\n    dome store quarantine show 17 --store memory")]
    Show {
        #[command(flatten)]
        at: StoreAt,
        /// The line's position in the log, as `list` shows it
        position: u64,
    },
    /// Read rejected lines again: those that are envelopes now are admitted, where they stood
    #[command(after_help = "Example:\n    dome store quarantine retry --store memory")]
    Retry(QuarantineRetryArgs),
}

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

pub(crate) fn run(verb: &StoreVerb, settings: &Settings, output: &mut Printer) -> anyhow::Result<Exit> {
    match verb {
        StoreVerb::Status(at) => tell(&at.store, output),
        StoreVerb::Verify(at) => hold(&at.store, output),
        StoreVerb::Export(args) => take_out(args, output),
        StoreVerb::Quarantine(QuarantineVerb::List { at, source }) => list(&at.store, source.as_deref(), output),
        StoreVerb::Quarantine(QuarantineVerb::Show { at, position }) => show(&at.store, *position, output),
        StoreVerb::Quarantine(QuarantineVerb::Retry(args)) => retry(args, output),
        StoreVerb::Merge { a, b, out } => unite([a, b], out, output),
        StoreVerb::Rollout(verb) => rollout::run(verb, output),
        StoreVerb::Tool(verb) => tool::run(verb, output),
        StoreVerb::Compact(at) => make_small(&at.store, output),
        StoreVerb::Rebuild(args) => make_anew(args, settings, output),
    }
}

/// Done, unless a store does not hold what it acknowledged.
const fn whole(is_whole: bool) -> Exit {
    if is_whole { Exit::Done } else { Exit::Unreproduced }
}

fn tell(store: &Path, output: &mut Printer) -> anyhow::Result<Exit> {
    let failing = |derived: &DerivedStore| {
        let mut counts = CapsuleCounts::default();
        derived.index.capsules(|capsule| {
            counts.add(capsule);
            Ok(())
        })?;
        Ok(counts.keeps_failing())
    };
    let status = status(store, StoreLimits::default(), failing, &Watching::new("reading"))?;
    output.show(&status, print_status)?;
    Ok(whole(status.damaged == 0))
}

fn print_status(status: &Status<KeepsFailing>, output: &mut Printer) -> anyhow::Result<()> {
    let mut count = |count: u64, what: &str| writeln!(output, "{:>12}  {what}", grouped(count));
    count(status.facts, &format!("facts in {} runs", grouped(status.runs)))?;
    count(status.duplicates, "duplicates")?;
    count(status.quarantined, &format!("quarantined, {} of them conflicts", grouped(status.conflicts)))?;
    count(status.capsules, "capsules")?;
    count(status.entries, &format!("entries, {} bytes in {} segments", grouped(status.bytes), status.segments))?;
    output.line("\n       lines    rejected       rate  source")?;
    for SourceStatus { bad_ppm, lines, rejected, name, open, unfinished, .. } in &status.sources {
        let [lines, rejected] = [*lines, *rejected].map(grouped);
        let rate = format!("{}.{:02} %", bad_ppm / 10_000, bad_ppm % 10_000 / 100);
        let end = match (open, unfinished) {
            (true, true) => "  (its last line has no end yet)",
            (true, false) => "  (not read to its end)",
            (false, _) => "",
        };
        writeln!(output, "{lines:>12}  {rejected:>10}  {rate:>9}  {name}{end}")?;
    }
    failing::print(&status.keeps_failing, output)?;
    if let Some(watermark) = status.watermark {
        writeln!(output, "\ncomplete up to {watermark}, as far as the sources were read")?;
    }
    if status.inbox > 0 {
        writeln!(output, "{} files wait in the inbox", grouped(status.inbox as u64))?;
    }
    if status.damaged > 0 {
        writeln!(output, "{} damaged places: `dome store verify` names them", grouped(status.damaged))?;
    }
    Ok(())
}

fn hold(store: &Path, output: &mut Printer) -> anyhow::Result<Exit> {
    let report = verify(store, compare_index)?;
    output.show(&report, print_report)?;
    Ok(whole(report.is_sound()))
}

fn print_report(report: &StoreVerification, output: &mut Printer) -> anyhow::Result<()> {
    report.damage.iter().try_for_each(|damage| writeln!(output, "damaged: {}", damage))?;
    report.aside.iter().try_for_each(|aside| writeln!(output, "no part of the log any more: `{aside}`"))?;
    for StoreDifference { expected, found, row, what } in &report.differences {
        writeln!(output, "{what} {row}:\n  expected {expected}\n  found    {found}")?;
    }
    report.records.iter().try_for_each(|why| writeln!(output, "damaged: {why}"))?;
    let [entries, facts] = [report.entries, report.facts as u64].map(grouped);
    let derived = if report.compared { format!(", {facts} facts derived again") } else { String::new() };
    writeln!(output, "{entries} entries in {} segments{derived}", report.segments)?;
    let (damage, differences, store) = (report.damage.len(), report.difference_count, escaped(&report.store));
    match (report.compared, damage, differences) {
        (false, 0, _) => {
            output.line("the log is whole; no index stands there that fits it, so the next question derives one")
        }
        (false, ..) => writeln!(
            output,
            "{damage} damaged places; the index was derived before that and still holds what is lost, so \
             the two are not compared. `dome store rebuild --store {store}` derives it from what is left"
        ),
        (true, 0, 0) => output.line("the log is whole, and the index is what it comes to"),
        (true, ..) => writeln!(output, "{damage} damaged places, {differences} differences"),
    }
}

fn take_out(args: &StoreExportArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    let to = Destined { out: args.out.clone(), force: args.force };
    let limits = ReplayLimits::within(DEFAULT_MEMORY.bytes());
    let watching = Watching::new("exporting");
    let exported = export(&args.at.store, &to, args.as_of, args.threads.count(), limits, &watching)?;
    let Written { manifest, unchanged, .. } = exported.written;
    output.show(&manifest, |manifest, output| {
        let state = if unchanged { " (the same result stood there already)" } else { "" };
        let [facts, capsules] = [manifest.counts.facts, manifest.counts.capsules].map(grouped);
        writeln!(output, "{facts} facts, {capsules} capsules")?;
        writeln!(output, "result: {}{state}\nsnapshot: {}", escaped_path(&to.out), manifest.snapshot_digest)
    })?;
    Ok(whole(exported.damaged == 0))
}

fn list(store: &Path, source: Option<&str>, output: &mut Printer) -> anyhow::Result<Exit> {
    let listed = quarantine::list(store, source, &Watching::new("reading"))?;
    if output.is_json() {
        output.object(&json!({"format_version": "1", "quarantined": listed.len()}))?;
        listed.iter().try_for_each(|row| output.object(row))?;
        return Ok(Exit::Done);
    }
    for row in &listed {
        writeln!(output, "{:>10}  {}:{}  {}", row.position, row.source, row.line, row.codes.join(", "))?;
    }
    writeln!(output, "{} quarantined; `quarantine show POSITION` shows one", grouped(listed.len() as u64))?;
    Ok(Exit::Done)
}

fn show(store: &Path, position: u64, output: &mut Printer) -> anyhow::Result<Exit> {
    let shown = quarantine::show(store, position, &Watching::new("reading"))?;
    output.show(&shown, |shown, output| {
        shown.problems.iter().try_for_each(|problem| {
            output.as_is(&caret::show(&shown.source, shown.line, &shown.raw, problem, output.color))
        })
    })?;
    Ok(Exit::Done)
}

fn retry(args: &QuarantineRetryArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    let (positions, source, not_after) = (&args.positions, args.source.as_deref(), args.not_after.as_deref());
    let what = Retry { positions, source, not_after };
    let retried = quarantine::retry(&args.at.store, what, Opening::default(), &Watching::new("reading"))?;
    output.show(&retried, |retried, output| {
        let [admitted, still] = [retried.admitted.len() as u64, retried.still_rejected].map(grouped);
        writeln!(output, "{admitted} admitted, {still} still rejected")
    })?;
    Ok(Exit::Done)
}

fn unite([a, b]: [&Path; 2], out: &Path, output: &mut Printer) -> anyhow::Result<Exit> {
    let merged = merge(a, b, out, Opening::default(), &Watching::new("merging"))?;
    output.show(&merged, |merged, output| {
        let [entries, sources] = [merged.entries, merged.sources as u64].map(grouped);
        writeln!(output, "{entries} entries of {sources} sources\nstore: {}", escaped_path(out))
    })?;
    Ok(whole(merged.damaged == 0))
}

fn make_small(store: &Path, output: &mut Printer) -> anyhow::Result<Exit> {
    let compacted = compact(store, &Watching::new("deriving"))?;
    output.show(&compacted, |compacted, output| {
        let [before, after] = [compacted.bytes_before, compacted.bytes_after].map(grouped);
        writeln!(output, "index: {before} bytes before, {after} after; the log is never shortened")
    })?;
    Ok(Exit::Done)
}

/// Rules that are not given stay what they are.
fn make_anew(args: &StoreRebuildArgs, settings: &Settings, output: &mut Printer) -> anyhow::Result<Exit> {
    let flags = &args.rules;
    let rules = |before: Option<&Rules>| match before.filter(|_| !args.defaults) {
        Some(before) => flags.over(before),
        // What the store derived by is not known any more, or is given up.
        None => settings.load_rules(flags.clone()).map_err(|why| dome_store::Error::invalid(format!("{why:#}"))),
    };
    let watching = Watching::new("deriving");
    let (rebuilt, writer) = rebuild(&args.at.store, Opening::default(), &rules, &watching)?;
    drop(writer);
    output.show(&rebuilt, |rebuilt, output| writeln!(output, "{} entries derived again", grouped(rebuilt.entries)))?;
    output.flush()?;
    for name in &rebuilt.aside {
        note(&format!("dome: bytes that are no part of the log are kept in `{name}`"));
    }
    Ok(whole(rebuilt.is_whole()))
}
