//! `dome replay`: the main job.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use dome_binder::Verdict;
use dome_core::redact::RedactionCounts;
use dome_core::{BinderVersion, Timestamp};
use dome_replay::input::{self, ENVELOPES};
use dome_replay::{
    DEFAULT_MEMORY, Destined, Input, Limits, Masking, MemorySize, RejectedCounts, Spec, Written, check_destination,
    replay_into,
};
use serde::Serialize;

use crate::args::{RulesArgs, ThreadsArgs, word};
use crate::exit::Exit;
use crate::failing::{self, Clock, Failing};
use crate::output::{Output, Watching, grouped};
use crate::settings::Settings;

/// Codes of problems that the summary names.
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
    #[arg(long, value_parser = word::<BinderVersion>, value_name = "v1|v2")]
    binder_version: Option<BinderVersion>,
    /// Measure staleness at this instant [default: the last fact's time]
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Quarantine lines whose `ts` is later than this
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    not_after: Option<Timestamp>,
    /// Mask secrets before a line is read or kept: `built-in`, or a document of rules (see
    /// `dome schema redaction`) [default: off]
    #[arg(long, value_name = "built-in|FILE")]
    redact: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadsArgs,
    /// Memory to use, at least 64MiB, such as 512MiB or 2GB: what needs more is replayed by way of
    /// unnamed files beside DIR, with the same result [default: 160MiB]
    #[arg(long, value_parser = word::<MemorySize>, value_name = "SIZE")]
    memory: Option<MemorySize>,
    /// Replace another result that stands in DIR
    #[arg(long)]
    force: bool,
    /// End with exit code 100 when a line was quarantined
    #[arg(long)]
    deny_quarantine: bool,
}

/// What a replay says at its end, its members in canonical order.
#[derive(Serialize)]
struct ReplaySummary {
    blank: u64,
    capsules: u64,
    capsules_by_verdict: BTreeMap<&'static str, u64>,
    concepts: u64,
    duplicates: u64,
    facts: u64,
    format_version: &'static str,
    keeps_failing: Vec<Failing>,
    lines: u64,
    out: String,
    quarantined: u64,
    quarantined_codes: Vec<(&'static str, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redacted: Option<RedactionCounts>,
    runs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    slowest_step: Option<(&'static str, u64)>,
    snapshot_digest: String,
    unchanged: bool,
}

/// Runs the verb.
pub(crate) fn run(args: ReplayArgs, settings: &Settings, output: &mut Output) -> anyhow::Result<Exit> {
    let (binder, as_of) = (settings.binder(args.binder_version)?, settings.as_of(args.as_of)?);
    let (not_after, memory) = (settings.not_after(args.not_after)?, settings.memory(args.memory)?);
    let rules = settings.load_rules(args.rules)?;
    let masking = Masking::load(settings.redact(args.redact).as_deref())?;
    check_destination(&args.out)?;
    let watching = Watching::new("reading");
    let sources = input::find(&args.inputs, ENVELOPES, &watching)?;
    let spec = Spec {
        rules: &rules,
        binder,
        not_after,
        masking: &masking,
        threads: settings.threads(args.threads),
        limits: Limits::within(memory.unwrap_or(DEFAULT_MEMORY).bytes()),
    };
    let to = Destined { out: args.out, force: args.force };
    let written = replay_into(&to, spec, as_of, Input::Sources(&sources), &watching)?;
    drop(watching);
    let clock = Clock { as_of: written.summary.totals.as_of, window_s: rules.policy.contradiction_window_s };
    let summary = ReplaySummary::of(&written, &to, clock);
    if output.is_json() {
        output.object(&summary)?;
    } else {
        summary.print(output)?;
    }
    let findings = settings.deny_quarantine(args.deny_quarantine) && summary.quarantined > 0;
    Ok(if findings { Exit::Findings } else { Exit::Done })
}

impl ReplaySummary {
    fn of(Written { manifest, unchanged, summary }: &Written, to: &Destined, clock: Clock) -> Self {
        let by_verdict = &summary.capsules.by_verdict;
        Self {
            blank: summary.lines.blank,
            capsules: summary.totals.capsules,
            capsules_by_verdict: by_verdict.iter().map(|(verdict, count)| (verdict.as_str(), *count)).collect(),
            concepts: summary.totals.concepts,
            duplicates: summary.totals.runs.duplicates,
            facts: summary.totals.facts,
            format_version: "1",
            keeps_failing: failing::keeps_failing(&summary.capsules.foremost, clock),
            lines: summary.lines.lines,
            out: to.out.display().to_string(),
            quarantined: summary.rejected.lines,
            quarantined_codes: commonest_codes(&summary.rejected),
            redacted: summary.redacted.as_ref().map(|redacted| redacted.counts.clone()),
            runs: summary.totals.runs.runs,
            slowest_step: summary.slowest_step(),
            snapshot_digest: manifest.snapshot_digest.to_string(),
            unchanged: *unchanged,
        }
    }

    fn print(&self, output: &mut Output) -> anyhow::Result<()> {
        let count = |name: &str, number: u64, more: &str| format!("{name:<12}{:>11}  {more}", grouped(number));
        let verdicts = [Verdict::Prescriptive, Verdict::Advisory, Verdict::Blocked].map(|verdict| {
            format!("{} {verdict}", self.capsules_by_verdict.get(verdict.as_str()).copied().unwrap_or(0))
        });
        let codes: Vec<_> = self.quarantined_codes.iter().map(|(code, count)| format!("{code} {count}")).collect();
        let masks = self.redacted.as_ref().map(|masks| {
            let rules: Vec<_> = masks.iter().map(|(rule, masks)| format!("{rule} {masks}")).collect();
            count("masked", masks.total(), &rules.join(", "))
        });
        let rows = [
            count("lines", self.lines, &format!("{} blank", grouped(self.blank))),
            count("facts", self.facts, &format!("in {} runs", grouped(self.runs))),
            count("duplicates", self.duplicates, ""),
            count("quarantined", self.quarantined, &codes.join(", ")),
            count("capsules", self.capsules, &verdicts.join(", ")),
            count("concepts", self.concepts, ""),
        ];
        for row in rows.into_iter().chain(masks) {
            output.line(row.trim_end())?;
        }
        failing::print(&self.keeps_failing, output)?;
        if let Some((step, share)) = self.slowest_step {
            output.line(&format!("\nslowest step: {step}, {share} % of the time"))?;
        }
        let state = if self.unchanged { " (the same result stood there already)" } else { "" };
        output.line(&format!("result: {}{state}\nsnapshot: {}", self.out, self.snapshot_digest))
    }
}

/// The commonest codes of quarantined lines: how many lines have each.
fn commonest_codes(rejected: &RejectedCounts) -> Vec<(&'static str, u64)> {
    let mut lines: Vec<_> = rejected.codes.iter().map(|(code, count)| (*code, *count)).collect();
    lines.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    lines.truncate(SHOWN_CODES);
    lines
}
