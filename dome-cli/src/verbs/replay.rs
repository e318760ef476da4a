//! `dome replay`: the main job.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use dome_binder::Verdict;
use dome_core::{BinderVersion, Timestamp, escaped_path};
use dome_replay::input::{self, ENVELOPES};
use dome_replay::{
    Destined, Input, KeepsFailing, Limits, Masking, MemorySize, RejectedCounts, Spec, Summary, Written,
    check_destination, replay_into,
};
use serde_json::{Value, json};

use crate::args::{RulesArgs, ThreadsArgs};
use crate::exit::Exit;
use crate::output::{Printer, Watching, grouped};
use crate::render::failing;
use crate::settings::Settings;

const SHOWN_CODES: usize = 3;

/// Turn envelopes into facts, capsules and views
///
/// Reads wrapper envelopes (JSON Lines), quarantines the bad ones with every reason, and writes
/// one directory of artifacts: facts, capsules, concepts, three views, lineage, quarantine and a
/// manifest with the digest of each. The same input gives the same bytes, whatever its order.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome replay night/ --out result\n    dome convert terminal-bench runs/ | dome replay - --out result\n    dome replay night/ --out result --redact built-in\n    dome replay year/ --out result --memory 512MiB"
)]
pub(crate) struct ReplayArgs {
    /// Files, folders (walked for *.jsonl, *.jsonl.gz, *.jsonl.zst), or `-` for stdin
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The directory to write; whole, or not at all
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    rules: RulesArgs,
    /// Bind by this binder; v2 is experimental, its rules may still change [default: v1]
    #[arg(long, value_name = "v1|v2")]
    binder_version: Option<BinderVersion>,
    /// Measure staleness at this instant [default: the last fact's time]
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Quarantine lines whose `ts` is later than this
    #[arg(long, value_name = "TIME")]
    not_after: Option<Timestamp>,
    /// Mask secrets before a line is read or kept: `built-in`, or a document of rules (see
    /// `dome schema redaction`) [default: off]
    #[arg(long, value_name = "built-in|FILE")]
    redact: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadsArgs,
    /// Memory to use, at least 64MiB, such as 512MiB or 2GB: what needs more is replayed by way of
    /// unnamed files beside DIR, with the same result [default: a tenth more than INPUT has
    /// bytes, from 64MiB to 2GiB]
    #[arg(long, value_name = "SIZE")]
    memory: Option<MemorySize>,
    /// Replace another result that stands in DIR
    #[arg(long)]
    force: bool,
    /// End with exit code 100 when a line was quarantined
    #[arg(long)]
    deny_quarantine: bool,
}

pub(crate) fn run(args: ReplayArgs, settings: &Settings, output: &mut Printer) -> anyhow::Result<Exit> {
    let given = &settings.replay;
    let binder = settings.word("replay.binder-version", args.binder_version, &given.binder_version)?;
    let as_of = settings.word("replay.as-of", args.as_of, &given.as_of)?;
    let memory = settings.word("replay.memory", args.memory, &given.memory)?;
    let not_after = settings.word("replay.not-after", args.not_after, &given.not_after)?;
    let rules = settings.load_rules(args.rules)?;
    let masking = Masking::load(args.redact.as_deref().or(given.redact.as_deref()))?;
    check_destination(&args.out)?;
    let watching = Watching::new("reading");
    let sources = input::find(&args.inputs, ENVELOPES, &watching)?;
    let spec = Spec {
        rules: &rules,
        binder: binder.unwrap_or(BinderVersion::V1),
        not_after,
        masking: &masking,
        threads: ThreadsArgs { threads: args.threads.threads.or(given.threads) }.count(),
        limits: Limits::within(memory.unwrap_or_else(|| MemorySize::for_sources(&sources)).bytes()),
    };
    let to = Destined { out: args.out, force: args.force };
    let written = replay_into(&to, spec, as_of, Input::Sources(&sources), &watching)?;
    drop(watching);
    let Summary { capsules, rejected, .. } = &written.summary;
    let failing = capsules.keeps_failing();
    match output.is_json() {
        true => output.object(&object(&written, &failing, &to.out)?)?,
        false => print(&written, &failing, &to.out, output)?,
    }
    let findings = (args.deny_quarantine || given.deny_quarantine) && rejected.lines > 0;
    Ok(if findings { Exit::Findings } else { Exit::Done })
}

fn object(
    Written { manifest, unchanged, summary }: &Written,
    failing: &[KeepsFailing],
    out: &Path,
) -> anyhow::Result<Value> {
    let mut object = json!({
        "blank": summary.lines.blank,
        "capsules": summary.totals.capsules,
        "capsules_by_verdict": summary.capsules.by_verdict,
        "concepts": summary.totals.concepts,
        "duplicates": summary.totals.runs.duplicates,
        "facts": summary.totals.facts,
        "format_version": "1",
        "keeps_failing": failing,
        "lines": summary.lines.lines,
        "out": out.display().to_string(),
        "quarantined": summary.rejected.lines,
        "quarantined_codes": commonest_codes(&summary.rejected),
        "runs": summary.totals.runs.runs,
        "snapshot_digest": manifest.snapshot_digest,
        "unchanged": unchanged,
    });
    let redacted = summary.redacted.as_ref().map(|redacted| ("redacted", json!(redacted.counts)));
    let step = summary.slowest_step().map(|step| ("slowest_step", json!(step)));
    let more = redacted.into_iter().chain(step).map(|(name, value)| (name.to_owned(), value));
    object.as_object_mut().context("a summary is an object")?.extend(more);
    Ok(object)
}

fn print(written: &Written, failing: &[KeepsFailing], out: &Path, output: &mut Printer) -> anyhow::Result<()> {
    let Summary { totals, lines, rejected, capsules, redacted, .. } = &written.summary;
    let mut count = |name: &str, number: u64, more: &str| {
        output.line(format!("{name:<12}{:>11}  {more}", grouped(number)).trim_end())
    };
    let verdicts = [Verdict::Prescriptive, Verdict::Advisory, Verdict::Blocked].map(|verdict| {
        let count = capsules.by_verdict.get(&verdict).copied().unwrap_or(0);
        format!("{count} {verdict}")
    });
    let codes: Vec<_> = commonest_codes(rejected).iter().map(|(code, count)| format!("{code} {count}")).collect();
    count("lines", lines.lines, &format!("{} blank", grouped(lines.blank)))?;
    count("facts", totals.facts, &format!("in {} runs", grouped(totals.runs.runs)))?;
    count("duplicates", totals.runs.duplicates, "")?;
    count("quarantined", rejected.lines, &codes.join(", "))?;
    count("capsules", totals.capsules, &verdicts.join(", "))?;
    count("concepts", totals.concepts, "")?;
    if let Some(masks) = redacted.as_ref().map(|redacted| &redacted.counts) {
        let rules: Vec<_> = masks.iter().map(|(rule, masks)| format!("{rule} {masks}")).collect();
        count("masked", masks.total(), &rules.join(", "))?;
    }
    failing::print(failing, output)?;
    if let Some((step, share)) = written.summary.slowest_step() {
        writeln!(output, "\nslowest step: {step}, {share} % of the time")?;
    }
    let state = if written.unchanged { " (the same result stood there already)" } else { "" };
    writeln!(output, "result: {}{state}\nsnapshot: {}", escaped_path(out), written.manifest.snapshot_digest)
}

fn commonest_codes(rejected: &RejectedCounts) -> Vec<(&'static str, u64)> {
    let mut lines: Vec<_> = rejected.codes.iter().map(|(code, count)| (*code, *count)).collect();
    lines.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    lines.truncate(SHOWN_CODES);
    lines
}
