//! `dome plan`: what another binder, policy or mode would do, before anything is written.

use std::path::PathBuf;

use clap::Args;
use dome_binder::{Comparison, Replay, Rules, Trace, compare, replay, trace};
use dome_core::{BinderVersion, Timestamp, WrapperPolicy};
use dome_replay::input::{self, ENVELOPES};
use dome_replay::{Masking, ResultDir, read_records};
use serde::Serialize;

use crate::args::{ThreadsArgs, word};
use crate::exit::{Exit, invalid};
use crate::output::{Output, Watching, grouped, note};
use crate::render::comparison::{self, Compared, Side};

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
    #[arg(long, value_parser = word::<BinderVersion>, value_name = "v1|v2")]
    binder_version: Option<BinderVersion>,
    /// Go by this policy document
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Bind every fact under this mode
    #[arg(long, value_parser = word::<WrapperPolicy>, value_name = "strict|hybrid|lenient")]
    mode: Option<WrapperPolicy>,
    /// A reason-code table that extends the pinned one, in place of those of the result
    #[arg(long, value_name = "FILE")]
    reason_codes: Vec<PathBuf>,
    /// Measure staleness at this instant
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Show only what this key of the result resolves to; its first digits are enough
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Threads to read with [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
}

/// Digits of a key that are enough to ask for it.
const LEAST_DIGITS: usize = 6;

/// A plan, its members in canonical order.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Plan {
    /// The result as it is.
    against: Side,
    /// What would differ.
    comparison: Comparison,
    /// The version of this document.
    format_version: &'static str,
    /// Every capsule's key, with the keys that it would resolve to; with `--key`, that one alone.
    keys: Vec<Trace>,
    /// The result as it would be.
    planned: Side,
}

/// Runs the verb.
pub(crate) fn run(args: &PlanArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let result = ResultDir::open(&args.against)?;
    result.check()?;
    let now = result.replay()?;
    let binder = args.binder_version.unwrap_or_else(|| result.binder());
    let rules = rules(args, &result)?;
    let then = planned(args, &result, &now, &rules, binder)?;
    let mut keys = trace(&now, &then);
    if let Some(key) = &args.key {
        keys = vec![traced(keys, key)?];
    }
    let plan = Plan {
        against: Side::of(&now, result.rules(), result.binder()),
        comparison: compare(&now, &then),
        format_version: "1",
        keys,
        planned: Side::of(&then, &rules, binder),
    };
    if output.is_json() {
        output.object(&plan)?;
    } else if args.key.is_some() {
        plan.keys.iter().flat_map(|trace| shown(trace, &then)).try_for_each(|row| output.line(&row))?;
    } else {
        plan.print(&now, &then, output)?;
    }
    Ok(Exit::Done)
}

/// The rules of the result, with what the arguments put in their place.
fn rules(args: &PlanArgs, result: &ResultDir) -> anyhow::Result<Rules> {
    let own = result.rules().clone();
    let policy = args.policy.as_deref().map(dome_replay::policy).transpose()?.unwrap_or(own.policy);
    let codes = if args.reason_codes.is_empty() { own.codes } else { dome_replay::codes(&args.reason_codes)? };
    Ok(Rules { policy, codes, mode: args.mode.or(own.mode) })
}

/// The replay that would be written.
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
    let threads = ThreadsArgs { threads: args.threads }.count();
    let read = read_records(&sources, binder, not_after, &masking, threads, &watching)?;
    if read.rejected > 0 {
        note(&format!("dome: note: bad lines left out: {}; `dome check` points at them", grouped(read.rejected)));
    }
    Ok(replay(read.records, rules, as_of))
}

impl Plan {
    fn print(&self, now: &Replay, then: &Replay, output: &mut Output) -> anyhow::Result<()> {
        output.line(&self.comparison.summary)?;
        output.line("")?;
        self.against.table(&self.planned, ["now", "planned"]).iter().try_for_each(|row| output.line(row))?;
        comparison::print(&Compared::new(&self.comparison, now, then), output)?;
        let moved = self.keys.iter().filter(|trace| !stays(trace)).count() as u64;
        output.line(&format!(
            "\nnothing was written; {} of {} keys would resolve to others (--key KEY shows one, --format json all)",
            grouped(moved),
            grouped(self.keys.len() as u64)
        ))
    }
}

/// The trace of the one capsule whose key begins like this.
///
/// # Errors
///
/// When no key or more than one does.
fn traced(keys: Vec<Trace>, key: &str) -> anyhow::Result<Trace> {
    if key.len() < LEAST_DIGITS {
        return Err(invalid(format!("`{key}`: expected at least {LEAST_DIGITS} digits of a key")));
    }
    let mut found = keys.into_iter().filter(|trace| trace.derived_key.to_string().starts_with(key));
    match (found.next(), found.next()) {
        (Some(trace), None) => Ok(trace),
        (None, _) => Err(invalid(format!("no capsule of the result has a key that begins with `{key}`"))),
        (Some(one), Some(other)) => Err(invalid(format!(
            "`{key}` begins more than one key, such as {} and {}",
            one.derived_key, other.derived_key
        ))),
    }
}

/// Whether a key resolves to itself alone, with all its facts.
fn stays(trace: &Trace) -> bool {
    let [became] = trace.becomes.as_slice() else { return false };
    became.derived_key == trace.derived_key && became.minted_count == trace.fact_count
}

/// The key and its followers, a line each.
fn shown(trace: &Trace, later: &Replay) -> Vec<String> {
    let facts = |count: u64| format!("{} {}", grouped(count), if count == 1 { "fact" } else { "facts" });
    let mut rows = vec![format!("{}  {}", trace.derived_key, facts(trace.fact_count))];
    for became in &trace.becomes {
        let find = |key| later.derived.capsules.binary_search_by_key(key, |capsule| capsule.derived_key);
        let all = find(&became.derived_key).ok().and_then(|place| later.derived.capsules.get(place));
        let support =
            all.map_or("no capsule".to_owned(), |capsule| format!("a capsule of {}", grouped(capsule.support_count)));
        rows.push(format!("  -> {}  {}, {support}", became.derived_key, facts(became.fact_count)));
    }
    if trace.gone_count > 0 {
        rows.push(format!("  -> nothing  {} no longer there", facts(trace.gone_count)));
    }
    rows
}
