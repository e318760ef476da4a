//! `dome plan`: what another binder, policy or mode would do, before anything is written.

mod keys;

use dome_binder::{Comparison, Replay, Rules, Trace, compare, trace};
use dome_core::BinderVersion;
use serde::Serialize;

use crate::args::PlanArgs;
use crate::comparison::{self, Shown, Side};
use crate::exit::Exit;
use crate::output::{Output, grouped, note};
use crate::replay;
use crate::result::ResultDir;
use dome_replay::Masking;

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
pub(crate) fn run(args: PlanArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let result = ResultDir::open(&args.against)?;
    result.check()?;
    let now = result.replay()?;
    let binder = args.binder_version.unwrap_or_else(|| result.binder());
    let rules = rules(&args, &result)?;
    let then = planned(&args, &result, &now, &rules, binder)?;
    let mut keys = trace(&now, &then);
    if let Some(key) = &args.key {
        keys = vec![keys::find(keys, key)?];
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
        plan.keys.iter().flat_map(|trace| keys::shown(trace, &then)).try_for_each(|row| output.line(&row))?;
    } else {
        plan.print(&now, &then, output)?;
    }
    output.flush()?;
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
        return Ok(replay::concluded(result.records_under(binder)?, rules, as_of));
    }
    let not_after = result.manifest().not_after;
    let masking = Masking::recorded(result.manifest().document.pointer("/redaction/rules"))?;
    let (records, bad) = replay::records(&args.inputs, binder, not_after, args.threads, &masking)?;
    if bad > 0 {
        note(&format!("dome: note: bad lines left out: {}; `dome check` points at them", grouped(bad)));
    }
    Ok(replay::concluded(records, rules, as_of))
}

impl Plan {
    fn print(&self, now: &Replay, then: &Replay, output: &mut Output) -> anyhow::Result<()> {
        output.line(&self.comparison.summary)?;
        output.line("")?;
        self.against.table(&self.planned, ["now", "planned"]).iter().try_for_each(|row| output.line(row))?;
        comparison::print(&Shown::new(&self.comparison, now, then), output)?;
        let moved = self.keys.iter().filter(|trace| !keys::stays(trace)).count() as u64;
        output.line(&format!(
            "\nnothing was written; {} of {} keys would resolve to others (--key KEY shows one, --format json all)",
            grouped(moved),
            grouped(self.keys.len() as u64)
        ))
    }
}
