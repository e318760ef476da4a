//! `dome backtest`: what each rollout mode would have done on a history; 80 columns wide.

use std::path::PathBuf;

use clap::Args;
use dome_binder::backtest::{Backtest, BacktestPart, ModeFigures, ReasonFigures, Score, SweepFigures, backtest};

use crate::exit::Exit;
use crate::known::At;
use crate::output::{Output, grouped};
use crate::render::chart::{bar, ppm, share};
use crate::table::cut;

/// Failure codes that are shown, those with most decisions; JSON has them all.
const SHOWN_CODES: usize = 8;
/// Columns of a failure code.
const CODE_COLUMNS: usize = 24;

/// Show what each rollout mode would have done on a history
///
/// Walks the facts in total order. Before each failing fact it asks for priors, with only what was
/// known then; then it looks how that failure ended: resolved by the remedy that was offered, by
/// another one, or not. By mode, by failure code, over time, and with thresholds swept, so that a
/// threshold can be chosen by what it would have bought.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome backtest --from result\n    dome backtest --store memory --policy stricter.json --format json"
)]
pub(crate) struct BacktestArgs {
    #[command(flatten)]
    at: At,
    /// Go by this policy document (see `dome schema policy`) [default: that of the result or store]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(args: &BacktestArgs, output: &mut Output) -> anyhow::Result<Exit> {
    let (ledger, rules) = args.at.history(args.policy.as_deref())?;
    let tested = backtest(&ledger, &rules);
    if output.is_json() {
        output.object(&tested)?;
    } else {
        print(&tested, output)?;
    }
    Ok(Exit::Done)
}

/// Prints a backtest.
fn print(tested: &Backtest, output: &mut Output) -> anyhow::Result<()> {
    let (decisions, facts) = (grouped(tested.decisions), grouped(tested.facts));
    let mut lines = vec![format!("backtest: {facts} facts, {decisions} of them failing: {decisions} decisions")];
    if tested.decisions > 0 {
        lines.extend(span(tested));
        lines.extend(known(tested));
        lines.extend(endings(tested));
        lines.extend(modes(tested));
        lines.extend(over_time(&tested.over_time));
        lines.extend(codes(&tested.reasons));
        lines.extend(sweep(tested));
    }
    lines.iter().try_for_each(|line| output.line(line))
}

fn span(tested: &Backtest) -> Option<String> {
    let (first, last) = tested.over_time.first().zip(tested.over_time.last())?;
    Some(format!("from {} to {}", day(&first.first_ts), day(&last.last_ts)))
}

fn day(ts: &dome_core::Timestamp) -> String {
    ts.to_string().chars().take(10).collect()
}

fn known(tested: &Backtest) -> Vec<String> {
    let row = |what: &str, count: u64| {
        let part = ppm(count, tested.decisions);
        format!("  {what:<34}{:>9} {:>8}  {}", grouped(count), share(part), bar(part.unwrap_or(0)))
    };
    let known = &tested.known;
    vec![
        String::new(),
        "known before the failure:".to_owned(),
        row("something of this task line", known.exact),
        row("  this very failure", known.repeated),
        row("    and it was answered first", known.foreseen),
        row("  also on another line", known.elsewhere),
        row("a concept", known.concept),
        row("nothing", known.nothing),
    ]
}

fn endings(tested: &Backtest) -> Vec<String> {
    let (ended, guards) = (&tested.endings, &tested.guards);
    vec![
        String::new(),
        "how the failures ended:".to_owned(),
        format!(
            "  resolved {} ({}), by a named remedy {}, failed again soon {}; open {}",
            grouped(ended.resolved),
            share(ppm(ended.resolved, tested.decisions)),
            grouped(ended.with_remedy),
            grouped(ended.contradicted),
            grouped(ended.open)
        ),
        format!(
            "  denials {}, {} of them against a prescription; a guard held back {}",
            grouped(guards.denials),
            grouped(guards.conflicts),
            grouped(guards.held)
        ),
    ]
}

fn modes(tested: &Backtest) -> Vec<String> {
    let mut lines = vec![String::new(), "what each mode would have done:".to_owned()];
    for mode in &tested.modes {
        lines.push(format!("  {:<14}{}", mode.mode.as_str(), shown(mode)));
        lines.extend(offers("advice", &mode.advised));
        lines.extend(offers("prescription", &mode.prescribed));
    }
    lines
}

fn shown(mode: &ModeFigures) -> String {
    match mode.recorded {
        0 => format!("answers {} x", grouped(mode.answered)),
        recorded => format!("answers nothing, records {} x", grouped(recorded)),
    }
}

fn offers(what: &str, score: &Score) -> Vec<String> {
    if score.offered == 0 {
        return Vec::new();
    }
    let held = score.same_remedy.saturating_sub(score.contradicted);
    vec![
        format!(
            "    {what:<13}{:>9} x, held {:>7} {:>8}  {}",
            grouped(score.offered),
            grouped(held),
            share(score.precision_ppm),
            bar(score.precision_ppm.unwrap_or(0))
        ),
        format!(
            "      contradicted {}, other remedy {}, no remedy named {}, open {}",
            grouped(score.contradicted),
            grouped(score.other_remedy),
            grouped(score.unnamed_remedy),
            grouped(score.open)
        ),
    ]
}

fn over_time(parts: &[BacktestPart]) -> Vec<String> {
    let row = |part: &BacktestPart| {
        let known = ppm(part.known, part.decisions);
        format!(
            "  {}  {:>9}  {} {:>8} {:>8} {:>9}",
            day(&part.first_ts),
            grouped(part.decisions),
            bar(known.unwrap_or(0)),
            share(known),
            share(part.advised.precision_ppm),
            grouped(part.prescribed.offered)
        )
    };
    let head =
        format!("  {:<10}  {:>9}  {:<29} {:>8} {:>9}", "from", "decisions", "something known", "advice", "prescr.");
    [String::new(), "over time (advice: share that held):".to_owned(), head]
        .into_iter()
        .chain(parts.iter().map(row))
        .collect()
}

fn codes(reasons: &[ReasonFigures]) -> Vec<String> {
    let mut reasons: Vec<&ReasonFigures> = reasons.iter().collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.decisions));
    let row = |reason: &&ReasonFigures| {
        format!(
            "  {:<CODE_COLUMNS$}{:>9} {:>8} {:>8} {:>8} {:>8} {:>8}",
            cut(reason.failure_reason_code.as_str(), CODE_COLUMNS),
            grouped(reason.decisions),
            share(ppm(reason.known, reason.decisions)),
            share(ppm(reason.endings.resolved, reason.decisions)),
            share(reason.advised.precision_ppm),
            grouped(reason.prescribed.offered),
            share(reason.prescribed.precision_ppm)
        )
    };
    let head = format!(
        "  {:<CODE_COLUMNS$}{:>9} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "by failure code", "decisions", "known", "resolved", "advice", "prescr.", "held"
    );
    let mut lines = vec![String::new(), head];
    lines.extend(reasons.iter().take(SHOWN_CODES).map(row));
    if let Some(more @ 1..) = reasons.len().checked_sub(SHOWN_CODES) {
        lines.push(format!("  … {more} more (--format json shows all)"));
    }
    lines
}

/// The thresholds; of those that make no difference at all, only the names.
fn sweep(tested: &Backtest) -> Vec<String> {
    let mut lines = vec![String::new(), "what another threshold would buy, all else as in the policy:".to_owned()];
    let mut idle = Vec::new();
    for rows in tested.sweep.chunk_by(|a, b| a.threshold == b.threshold) {
        let Some(first) = rows.first() else { continue };
        if rows.iter().all(|row| row.prescribed == first.prescribed) {
            idle.push(first.threshold);
            continue;
        }
        let own = own(tested, first.threshold);
        lines.push(format!("  {:<21}{:>9}{:>9} {:>8} {:>8}", first.threshold, "value", "prescr.", "share", "held"));
        lines.extend(rows.iter().map(|row| swept(row, own)));
    }
    if !idle.is_empty() {
        lines.push(format!("  no difference: {}", idle.join(", ")));
    }
    lines
}

fn own(tested: &Backtest, threshold: &str) -> Option<u64> {
    serde_json::to_value(&tested.policy).ok()?.get(threshold)?.as_u64()
}

fn swept(row: &SweepFigures, own: Option<u64>) -> String {
    let mark = if own == Some(row.value) { "the policy" } else { "" };
    let held = row.prescribed.precision_ppm;
    format!(
        "  {mark:<19}{:>11}{:>9} {:>8} {:>8} {}",
        grouped(row.value),
        grouped(row.prescribed.offered),
        share(row.share_ppm),
        share(held),
        bar(held.unwrap_or(0))
    )
}
