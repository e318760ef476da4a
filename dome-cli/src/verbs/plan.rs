//! `dome plan`: what another binder, policy or mode would do, before anything is written.

use std::path::PathBuf;

use clap::Args;
use dome_binder::{Comparison, Replay, Rules, Trace, compare, replay, trace};
use dome_core::{BinderVersion, Timestamp};
use dome_replay::input::{self, ENVELOPES};
use dome_replay::{Masking, ResultDir, read_records};
use serde::Serialize;

use crate::args::{RulesArgs, ThreadsArgs};
use crate::exit::{Exit, invalid};
use crate::output::{Printer, Watching, grouped, note};
use crate::render::comparison::{self, ComparedSide};

/// Digits of a key that are enough to ask for it.
const LEAST_DIGITS: usize = 6;

/// Show what another binder, policy or mode would do, before anything is written
///
/// Takes the rules of the result for granted, but for those that are given here: how its capsules
/// would split, merge, move and change verdict, with the largest moves and two input lines that show
/// each, and which new keys an old one resolves to.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome plan --against result --binder-version v2\n    dome plan night/ --against result --policy stricter.json\n    dome plan --against result --binder-version v2 --key 7ab9b547fec3"
)]
pub(crate) struct PlanArgs {
    /// Envelopes to plan with; without any, the facts of the result itself
    #[arg(value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The result that stands
    #[arg(long, value_name = "DIR")]
    against: PathBuf,
    /// Bind by this binder; v2 is experimental, its rules may still change
    #[arg(long, value_name = "v1|v2")]
    binder_version: Option<BinderVersion>,
    #[command(flatten)]
    rules: RulesArgs,
    /// Measure staleness at this instant
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Show only what this key of the result resolves to; its first digits are enough
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    threads: ThreadsArgs,
}

/// A plan, its members in canonical order.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Plan")]
pub(crate) struct PlanDocument {
    /// The result as it is.
    against: ComparedSide,
    /// What would differ.
    comparison: Comparison,
    /// The version of this document.
    format_version: &'static str,
    /// Every capsule's key, with the keys that it would resolve to; with `--key`, that one alone.
    keys: Vec<Trace>,
    /// The result as it would be.
    planned: ComparedSide,
}

pub(crate) fn run(args: &PlanArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    let result = ResultDir::open(&args.against)?;
    result.check()?;
    let now = result.replay()?;
    let binder = args.binder_version.unwrap_or_else(|| result.binder());
    let rules = args.rules.over(result.rules())?;
    let then = planned(args, &result, &now, &rules, binder)?;
    let mut keys = trace(&now, &then);
    if let Some(key) = &args.key {
        keys = vec![traced(keys, key)?];
    }
    let plan = PlanDocument {
        against: ComparedSide::of(&now, result.rules(), result.binder()),
        comparison: compare(&now, &then),
        format_version: "1",
        keys,
        planned: ComparedSide::of(&then, &rules, binder),
    };
    output.show(&plan, |plan, output| match args.key {
        Some(_) => plan.keys.iter().try_for_each(|trace| print_trace(trace, &then, output)),
        None => plan.print(&now, &then, output),
    })?;
    Ok(Exit::Done)
}

fn planned(
    args: &PlanArgs,
    result: &ResultDir,
    now: &Replay,
    rules: &Rules,
    binder: BinderVersion,
) -> anyhow::Result<Replay> {
    // An instant that is the last fact's was not asked for: it moves with the facts.
    let own = result.as_of().filter(|as_of| Some(*as_of) != now.ledger.last_ts());
    let as_of = args.as_of.or(own);
    if args.inputs.is_empty() {
        return Ok(replay(result.records_under(binder)?, rules, as_of));
    }
    let not_after = result.manifest().not_after;
    let masking = Masking::recorded(result.manifest().document.pointer("/redaction/rules"))?;
    let watching = Watching::new("reading");
    let sources = input::find(&args.inputs, ENVELOPES, &watching)?;
    let read = read_records(&sources, binder, not_after, &masking, args.threads.count(), &watching)?;
    if read.rejected > 0 {
        note(&format!("dome: note: bad lines left out: {}; `dome check` points at them", grouped(read.rejected)));
    }
    Ok(replay(read.records, rules, as_of))
}

impl PlanDocument {
    fn print(&self, now: &Replay, then: &Replay, output: &mut Printer) -> anyhow::Result<()> {
        writeln!(output, "{}\n", self.comparison.summary)?;
        self.against.print_beside(&self.planned, ["now", "planned"], output)?;
        comparison::print(&self.comparison, now, then, output)?;
        let moved = self.keys.iter().filter(|trace| !stays(trace)).count();
        let [moved, keys] = [moved, self.keys.len()].map(|count| grouped(count as u64));
        writeln!(
            output,
            "\nnothing was written; {moved} of {keys} keys would resolve to others (--key KEY shows one, --format json all)"
        )
    }
}

/// The trace of the one capsule whose key begins like this.
fn traced(keys: Vec<Trace>, key: &str) -> anyhow::Result<Trace> {
    if key.len() < LEAST_DIGITS {
        return Err(invalid(format!("`{key}`: expected at least {LEAST_DIGITS} digits of a key")));
    }
    let mut found = keys.into_iter().filter(|trace| trace.derived_key.to_string().starts_with(key));
    match (found.next(), found.next()) {
        (Some(trace), None) => Ok(trace),
        (None, _) => Err(invalid(format!("no capsule of the result has a key that begins with `{key}`"))),
        (Some(Trace { derived_key: one, .. }), Some(Trace { derived_key: other, .. })) => {
            Err(invalid(format!("`{key}` begins more than one key, such as {one} and {other}")))
        }
    }
}

/// Whether a key resolves to itself alone, with all its facts.
fn stays(trace: &Trace) -> bool {
    let [became] = trace.becomes.as_slice() else { return false };
    became.derived_key == trace.derived_key && became.minted_count == trace.fact_count
}

fn print_trace(trace: &Trace, later: &Replay, output: &mut Printer) -> anyhow::Result<()> {
    let facts = |count: u64| format!("{} {}", grouped(count), if count == 1 { "fact" } else { "facts" });
    writeln!(output, "{}  {}", trace.derived_key, facts(trace.fact_count))?;
    for became in &trace.becomes {
        let capsule = later.derived.capsules.iter().find(|capsule| capsule.derived_key == became.derived_key);
        let support = capsule
            .map_or("no capsule".to_owned(), |capsule| format!("a capsule of {}", grouped(capsule.support_count)));
        writeln!(output, "  -> {}  {}, {support}", became.derived_key, facts(became.fact_count))?;
    }
    if trace.gone_count > 0 {
        writeln!(output, "  -> nothing  {} no longer there", facts(trace.gone_count))?;
    }
    Ok(())
}
