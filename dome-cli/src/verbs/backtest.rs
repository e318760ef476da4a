//! `dome backtest`: what each rollout mode would have done on a history; 80 columns wide.

use std::path::PathBuf;

use clap::Args;
use dome_binder::backtest::{Backtest, BacktestPart, ModeFigures, ReasonFigures, Score, backtest};

use crate::exit::Exit;
use crate::known::FactsArgs;
use crate::output::{Printer, grouped};
use crate::render::chart::{bar, ppm, share};
use crate::table::cut;

/// Failure codes that are shown, those with most decisions; JSON has them all.
const SHOWN_CODES: usize = 8;
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
    print_modes(&tested.modes, output)?;
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
    let part = share(ppm(ended.resolved, tested.decisions));
    let counts = [ended.resolved, ended.with_remedy, ended.contradicted, ended.open];
    let [resolved, named, contradicted, open] = counts.map(grouped);
    writeln!(
        output,
        "  resolved {resolved} ({part}), by a named remedy {named}, failed again soon {contradicted}; open {open}"
    )?;
    let [denials, conflicts, held] = [guards.denials, guards.conflicts, guards.held].map(grouped);
    writeln!(output, "  denials {denials}, {conflicts} of them against a prescription; a guard held back {held}")
}

fn print_modes(modes: &[ModeFigures], output: &mut Printer) -> anyhow::Result<()> {
    output.line("\nwhat each mode would have done:")?;
    for mode in modes {
        let did = match mode.recorded {
            0 => format!("answers {} x", grouped(mode.answered)),
            recorded => format!("answers nothing, records {} x", grouped(recorded)),
        };
        writeln!(output, "  {:<14}{did}", mode.mode.as_str())?;
        print_offers("advice", &mode.advised, output)?;
        print_offers("prescription", &mode.prescribed, output)?;
    }
    Ok(())
}

fn print_offers(what: &str, score: &Score, output: &mut Printer) -> anyhow::Result<()> {
    if score.offered == 0 {
        return Ok(());
    }
    let held = score.same_remedy.saturating_sub(score.contradicted);
    let [offered, held] = [score.offered, held].map(grouped);
    let (part, bar) = (share(score.precision_ppm), bar(score.precision_ppm));
    writeln!(output, "    {what:<13}{offered:>9} x, held {held:>7} {part:>8}  {bar}")?;
    let counts = [score.contradicted, score.other_remedy, score.unnamed_remedy, score.open];
    let [contradicted, other, unnamed, open] = counts.map(grouped);
    writeln!(output, "      contradicted {contradicted}, other remedy {other}, no remedy named {unnamed}, open {open}")
}

fn print_over_time(parts: &[BacktestPart], output: &mut Printer) -> anyhow::Result<()> {
    output.line("\nover time (advice: share that held):")?;
    writeln!(
        output,
        "  {:<10}  {:>9}  {:<29} {:>8} {:>9}",
        "from", "decisions", "something known", "advice", "prescr."
    )?;
    for part in parts {
        let known = ppm(part.known, part.decisions);
        writeln!(
            output,
            "  {}  {:>9}  {} {:>8} {:>8} {:>9}",
            day(&part.first_ts),
            grouped(part.decisions),
            bar(known),
            share(known),
            share(part.advised.precision_ppm),
            grouped(part.prescribed.offered)
        )?;
    }
    Ok(())
}

fn print_codes(reasons: &[ReasonFigures], output: &mut Printer) -> anyhow::Result<()> {
    let row = |code: &str, [decisions, known, resolved, advice, prescribed, held]: [String; 6]| {
        format!("  {code:<CODE_COLUMNS$}{decisions:>9} {known:>8} {resolved:>8} {advice:>8} {prescribed:>8} {held:>8}")
    };
    let mut reasons: Vec<&ReasonFigures> = reasons.iter().collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.decisions));
    let titles = ["decisions", "known", "resolved", "advice", "prescr.", "held"];
    writeln!(output, "\n{}", row("by failure code", titles.map(str::to_owned)))?;
    for reason in reasons.iter().take(SHOWN_CODES) {
        let cells = [
            grouped(reason.decisions),
            share(ppm(reason.known, reason.decisions)),
            share(ppm(reason.endings.resolved, reason.decisions)),
            share(reason.advised.precision_ppm),
            grouped(reason.prescribed.offered),
            share(reason.prescribed.precision_ppm),
        ];
        output.line(&row(&cut(reason.failure_reason_code.as_str(), CODE_COLUMNS), cells))?;
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
        writeln!(output, "  {:<21}{:>9}{:>9} {:>8} {:>8}", first.threshold, "value", "prescr.", "share", "held")?;
        for row in rows {
            let mark = if own == Some(row.value) { "the policy" } else { "" };
            let [value, offered] = [row.value, row.prescribed.offered].map(grouped);
            let (part, held) = (share(row.share_ppm), row.prescribed.precision_ppm);
            writeln!(output, "  {mark:<19}{value:>11}{offered:>9} {part:>8} {:>8} {}", share(held), bar(held))?;
        }
    }
    if !idle.is_empty() {
        writeln!(output, "  no difference: {}", idle.join(", "))?;
    }
    Ok(())
}
