//! `dome ingest`: lines into a store, at once or as they come.

use dome_core::escaped;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use dome_binder::Rules;
use dome_replay::input::{self, ENVELOPES};
use dome_replay::{BUILT_IN, Masking};
use dome_store::{Error, Ingest, IngestSummary, Opening, Stop, StoreLimits, drop_off, ingest};
use serde_json::json;

use crate::args::RulesArgs;
use crate::exit::Exit;
use crate::output::{Printer, Watching, grouped, note};
use crate::settings::Settings;

/// Keep envelopes in a store, at once or as they come
///
/// Every line is masked, read and kept, before it is acknowledged: envelopes as facts, the others in
/// the quarantine with every reason. Reading goes on where it stopped; the same input again adds
/// nothing. The store is made when it is not there. What others left in its inbox is taken in as well.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome ingest night/ --store memory\n    my-wrapper | dome ingest - --store memory --follow\n    dome ingest night/ --store memory --wait 30\n    dome ingest job-17.jsonl --store memory --inbox"
)]
pub(crate) struct IngestArgs {
    /// Files, folders (walked for *.jsonl, *.jsonl.gz, *.jsonl.zst), or `-` for stdin
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The directory of the store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Go on as files grow, appear and are rotated, or as stdin goes on, until SIGTERM or SIGINT
    #[arg(long)]
    follow: bool,
    /// While another process writes to the store, wait for so many seconds [default: end at once]
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// Only leave the lines in the inbox of a store that stands, and wait for nobody: whoever writes to it or asks
    /// it next takes them in, and masks them then
    #[arg(long, conflicts_with_all = ["follow", "wait", "redact", "not_after", "mode", "policy", "reason_codes", "no_builtin_codes", "deny_quarantine"])]
    inbox: bool,
    /// Lines that are kept at once
    #[arg(long, value_name = "N", default_value = "1000")]
    batch_lines: std::num::NonZeroUsize,
    /// With --follow, how long a line waits for others at most, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500)]
    batch_ms: u64,
    /// Rules that mask secrets before anything is kept: a document, `built-in` or `off` [default: built-in]
    #[arg(long, value_name = "RULES")]
    redact: Option<PathBuf>,
    /// Quarantine lines whose `ts` is later than this, or `off` [default: a day ahead of the clock]
    #[arg(long, value_name = "TIME")]
    not_after: Option<String>,
    /// End with exit code 100 when a line was rejected
    #[arg(long)]
    deny_quarantine: bool,
    #[command(flatten, next_help_heading = "Of a new store")]
    rules: RulesArgs,
}

pub(crate) fn run(args: &IngestArgs, settings: &Settings, output: &mut Printer) -> anyhow::Result<Exit> {
    let watching = Watching::new("ingesting");
    if args.inbox {
        return leave(args, &watching, output);
    }
    let redact = args.redact.as_deref().unwrap_or(Path::new(BUILT_IN));
    let masking = Masking::load(Some(redact).filter(|rules| rules.as_os_str() != "off"))?;
    let stop = Stop::on_signals()?;
    let rules = |before: Option<&Rules>| rules(&args.rules, settings, before);
    let mut told = |batch: &dome_store::Acknowledged| {
        if args.follow && output.is_json() {
            output.object(batch).and_then(|()| output.flush()).map_err(unheard)?;
        }
        Ok(())
    };
    let what = Ingest {
        inputs: &args.inputs,
        follow: args.follow,
        masking,
        not_after: args.not_after.as_deref(),
        rules: &rules,
        opening: opening(args),
    };
    let ingested = ingest(&args.store, what, &stop, &mut told, &watching)?;
    drop(watching);
    let summary = IngestSummary::of(&args.store, &ingested)?;
    output.show(&summary, print)?;
    output.flush()?;
    if !ingested.is_complete {
        note("dome: stopped by a signal; the batch is kept. Run the same command again to go on");
        return Ok(Exit::Failed);
    }
    Ok(if args.deny_quarantine && summary.quarantined > 0 { Exit::Findings } else { Exit::Done })
}

fn opening(args: &IngestArgs) -> Opening {
    let (batch_lines, batch_age) = (args.batch_lines.get(), Duration::from_millis(args.batch_ms));
    let limits = StoreLimits { batch_lines, batch_age, ..StoreLimits::default() };
    Opening { limits, wait: args.wait.map_or(Duration::ZERO, Duration::from_secs) }
}

/// A store keeps the rules that it was made with; a new one has those of the flags and settings.
fn rules(flags: &RulesArgs, settings: &Settings, before: Option<&Rules>) -> dome_store::Result<Rules> {
    match before {
        Some(before) => flags.over(before),
        None => settings.rules(flags.clone()).map_err(|why| Error::invalid(format!("{why:#}")))?.load(),
    }
}

/// Whoever read our output may have gone.
fn unheard(error: anyhow::Error) -> Error {
    match error.downcast::<std::io::Error>() {
        Ok(error) => Error::caused("cannot print", error),
        Err(error) => Error::failed(error),
    }
}

fn leave(args: &IngestArgs, watching: &Watching, output: &mut Printer) -> anyhow::Result<Exit> {
    let mut sources = Vec::new();
    for source in input::find(&args.inputs, ENVELOPES, watching)? {
        sources.push(drop_off(&args.store, &mut source.open()?)?);
    }
    let store = args.store.display().to_string();
    let left = json!({"format_version": "1", "sources": sources, "store": store});
    output.show(&left, |_, output| {
        sources.iter().try_for_each(|name| writeln!(output, "waits in the inbox: {name}"))?;
        writeln!(output, "store: {}", escaped(&store))
    })?;
    Ok(Exit::Done)
}

fn print(summary: &IngestSummary, output: &mut Printer) -> anyhow::Result<()> {
    let sign = if summary.new_facts < 0 { "-" } else { "" };
    let new_facts = format!("{sign}{}", grouped(summary.new_facts.unsigned_abs()));
    let counts = [summary.lines, summary.blank, summary.batches, summary.total_facts, summary.quarantined];
    let [lines, blank, batches, facts, quarantined] = counts.map(grouped);
    writeln!(output, "{lines:>12}  lines read, {blank} blank, in {batches} batches")?;
    writeln!(output, "{new_facts:>12}  new facts, {facts} in all")?;
    writeln!(output, "{quarantined:>12}  quarantined")?;
    if let Some(watermark) = summary.watermark {
        writeln!(output, "complete up to {watermark}, as far as the sources were read")?;
    }
    if summary.quarantined > 0 {
        writeln!(output, "`dome store quarantine list --store {}` says why", escaped(&summary.store))?;
    }
    writeln!(output, "store: {}", escaped(&summary.store))
}
