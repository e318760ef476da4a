//! `dome backtest`: what the answers would have been worth on a history; 80 columns wide.

use std::path::PathBuf;

use clap::Args;
use dome_binder::backtest::{Backtest, BacktestPart, QuestionFigures, ReasonFigures, Score, backtest};

use crate::exit::Exit;
use crate::known::FactsArgs;
use crate::output::{Printer, grouped};
use crate::render::chart::{bar, ppm, share};
use crate::table::cut;

/// Failure codes that are shown, those with most decisions; JSON has them all.
const SHOWN_CODES: usize = 8;

/// Columns of what a figure is of.
const LABEL_COLUMNS: usize = 28;

/// Show what the answers would have been worth on a history
///
/// Walks the facts in total order. At each failure it asks twice, with only what was known then:
/// before it, knowing the task line alone, and when it has just happened. Then it looks how that
/// failure ended. A rerun is right when it passes within as many as were advised, another momentary
/// remedy when it ended the failure, a durable one when it did and that held, a dead end when
/// nothing came of it. What is open when the history ends is unknown: shares are an interval, from
/// open counted as wrong to open left out.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome backtest --from result\n    dome backtest --store memory --policy stricter.json --format json"
)]
pub(crate) struct BacktestArgs {
    #[command(flatten)]
    at: FactsArgs,
    /// Go by this policy document (see `dome schema policy`) [default: that of the result or store]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

pub(crate) fn run(args: &BacktestArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    let (ledger, rules) = args.at.history(args.policy.as_deref())?;
    output.show(&backtest(&ledger, &rules), print)?;
    Ok(Exit::Done)
}

fn print(tested: &Backtest, output: &mut Printer) -> anyhow::Result<()> {
    let (decisions, facts) = (grouped(tested.decisions), grouped(tested.facts));
    writeln!(output, "backtest: {facts} facts, {decisions} of them failing: {decisions} decisions")?;
    if tested.decisions == 0 {
        return Ok(());
    }
    if let Some((first, last)) = tested.over_time.first().zip(tested.over_time.last()) {
        writeln!(output, "from {} to {}", day(&first.first_ts), day(&last.last_ts))?;
    }
    print_known(tested, output)?;
    print_endings(tested, output)?;
    print_questions(tested, output)?;
    print_calibration(tested, output)?;
    print_over_time(&tested.over_time, output)?;
    print_codes(&tested.reasons, output)?;
    print_sweep(tested, output)
}

fn day(ts: &dome_core::Timestamp) -> String {
    ts.to_string().chars().take(10).collect()
}

fn print_known(tested: &Backtest, output: &mut Printer) -> anyhow::Result<()> {
    output.line("\nknown before the failure:")?;
    let known = &tested.known;
    for (what, count) in [
        ("something of this task line", known.exact),
        ("  this very failure", known.repeated),
        ("    and it was answered first", known.foreseen),
        ("  also on another line", known.elsewhere),
        ("a concept", known.concept),
        ("nothing", known.nothing),
    ] {
        let part = ppm(count, tested.decisions);
        writeln!(output, "  {what:<34}{:>9} {:>8}  {}", grouped(count), share(part), bar(part))?;
    }
    Ok(())
}

fn print_endings(tested: &Backtest, output: &mut Printer) -> anyhow::Result<()> {
    let (ended, guards) = (&tested.endings, &tested.guards);
    output.line("\nhow the failures ended:")?;
    let counts = [ended.resolved, ended.with_remedy, ended.held, ended.contradicted];
    let [resolved, named, held, contradicted] = counts.map(grouped);
    let part = share(ppm(ended.resolved, tested.decisions));
    writeln!(
        output,
        "  resolved {resolved} ({part}), by a named remedy {named}, proven {held}, contradicted {contradicted}"
    )?;
    let [cleared, given_up, open] = [ended.cleared, ended.given_up, ended.open].map(grouped);
    writeln!(output, "  passed unmended {cleared}, given up {given_up}, open {open}")?;
    let [denials, conflicts, held] = [guards.denials, guards.conflicts, guards.held].map(grouped);
    writeln!(output, "  denials {denials}, {conflicts} of them against a prescription; a guard held back {held}")
}

/// Titles of the columns of a score.
fn titles(what: &str) -> String {
    format!("{what:<LABEL_COLUMNS$}{:>8}{:>8}{:>7}{:>8}  {}", "offered", "right", "wrong", "open", "right, at least")
}

/// A score in one line: its interval, and the lower bound of its lower end.
fn row(what: &str, score: &Score) -> String {
    let [offered, right, wrong, open] = [score.offered, score.right, score.wrong, score.open].map(grouped);
    let (low, high) = (share(score.strict_ppm), share(score.precision_ppm));
    let shares = if low == high { low } else { format!("{low} to {high}") };
    let least = score.strict_ppm_lower.map_or_else(String::new, |ppm| format!(", {}", share(Some(ppm))));
    let what = cut(what, LABEL_COLUMNS);
    format!("{what:<LABEL_COLUMNS$}{offered:>8}{right:>8}{wrong:>7}{open:>8}  {shares}{least}")
}

fn print_questions(tested: &Backtest, output: &mut Printer) -> anyhow::Result<()> {
    writeln!(output, "\n{}", titles("what answers were worth:"))?;
    for (asked, QuestionFigures { advised, prescribed, .. }) in
        [("before it", &tested.before), ("when it had happened", &tested.after)]
    {
        writeln!(output, "  asked {asked}")?;
        output.line(&row("    advised", advised))?;
        output.line(&row("    prescribed", prescribed))?;
    }
    for kind in &tested.kinds {
        let lasting = if kind.momentary { "" } else { ", durable" };
        output.line(&row(&format!("      {}{lasting}", kind.kind), &kind.prescribed))?;
    }
    output.line(&row("    called a dead end", &tested.dead_ends))?;
    output.line("  simple rules, at the same moments")?;
    tested.baselines.iter().try_for_each(|one| output.line(&row(&format!("    {}", one.baseline), &one.score)))
}

fn print_calibration(tested: &Backtest, output: &mut Printer) -> anyhow::Result<()> {
    if tested.calibration.iter().all(|band| band.score.offered == 0) {
        return Ok(());
    }
    writeln!(output, "\n{}", titles("by confidence:"))?;
    for band in tested.calibration.iter().filter(|band| band.score.offered > 0) {
        let [from, to] = [band.from_ppm, band.to_ppm].map(|ppm| ppm / 10_000);
        output.line(&row(&format!("  {from} to {to} %"), &band.score))?;
    }
    Ok(())
}

fn print_over_time(parts: &[BacktestPart], output: &mut Printer) -> anyhow::Result<()> {
    writeln!(output, "\n{}", titles("over time, prescribed:"))?;
    parts.iter().try_for_each(|part| {
        let what = format!("  {} ({})", day(&part.first_ts), grouped(part.decisions));
        output.line(&row(&what, &part.after.prescribed))
    })
}

fn print_codes(reasons: &[ReasonFigures], output: &mut Printer) -> anyhow::Result<()> {
    let mut reasons: Vec<&ReasonFigures> = reasons.iter().collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.decisions));
    writeln!(output, "\n{}", titles("by failure code, prescribed:"))?;
    for reason in reasons.iter().take(SHOWN_CODES) {
        let count = format!(" ({})", grouped(reason.decisions));
        let code = cut(reason.failure_reason_code.as_str(), LABEL_COLUMNS.saturating_sub(2 + count.len()));
        output.line(&row(&format!("  {code}{count}"), &reason.after.prescribed))?;
    }
    if let Some(more @ 1..) = reasons.len().checked_sub(SHOWN_CODES) {
        writeln!(output, "  … {more} more (--format json shows all)")?;
    }
    Ok(())
}

/// The thresholds; of those that make no difference at all, only the names.
fn print_sweep(tested: &Backtest, output: &mut Printer) -> anyhow::Result<()> {
    output.line("\nwhat another threshold would buy, all else as in the policy:")?;
    let policy = serde_json::to_value(&tested.policy)?;
    let mut idle = Vec::new();
    for rows in tested.sweep.chunk_by(|a, b| a.threshold == b.threshold) {
        let Some(first) = rows.first() else { continue };
        if rows.iter().all(|row| row.prescribed == first.prescribed) {
            idle.push(first.threshold);
            continue;
        }
        let own = policy.get(first.threshold).and_then(serde_json::Value::as_u64);
        output.line(&titles(&format!("  {}", first.threshold)))?;
        for swept in rows {
            let mark = if own == Some(swept.value) { " the policy" } else { "" };
            output.line(&row(&format!("    {}{mark}", grouped(swept.value)), &swept.prescribed))?;
        }
    }
    if !idle.is_empty() {
        writeln!(output, "  no difference: {}", idle.join(", "))?;
    }
    Ok(())
}
