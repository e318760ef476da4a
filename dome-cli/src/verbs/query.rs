//! `dome query`: one of the three views, filtered, a page at a time (M-110).

use clap::Args;
use dome_binder::query::{Cursor, Filters, Limit, OrEmpty, Question, View};
use dome_core::{
    ActionKind, FailureReasonCode, GateId, GuardId, PolicyReasonCode, RunId, Scope, TargetId, TargetKind, Timestamp,
};
use dome_store::index::QueryPage;
use serde_json::Value;

use crate::exit::{Exit, usage};
use crate::known::FactsArgs;
use crate::output::{Printer, grouped, near_it, note};
use crate::table::{Column, TextTable, short_key, short_time, width};

/// Ask one of the three views
///
/// VIEW is `recent-failures`, `gate-rollup` or `guard-denials`, or the view's full name. Filters
/// select facts, and the counts of a row are counts of the facts that were selected; `--gate`,
/// and for denials `--guard` and `--policy-reason-code`, select rows.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome query recent-failures --from result --target-id app --since 2026-02-01T00:00:00Z\n    dome query gate-rollup --from result --limit 200 --format json"
)]
pub(crate) struct QueryArgs {
    /// The view
    #[arg(value_name = "VIEW")]
    view: View,
    #[command(flatten)]
    at: FactsArgs,
    #[command(flatten)]
    filters: FilterArgs,
    /// Rows of a page, at most 200
    #[arg(long, value_name = "N", default_value = "20")]
    limit: Limit,
    /// Go on where a page ended: what it gave as its next cursor, with the same filters
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    cursor: Option<Cursor>,
    /// End with exit code 4 when no row matches
    #[arg(long)]
    require_match: bool,
}

/// The filters; each says which views take it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
struct FilterArgs {
    /// Facts of this scope: task, run or repo
    #[arg(long, value_name = "SCOPE")]
    scope: Option<Scope>,
    /// Facts of this kind of target
    #[arg(long, value_name = "KIND")]
    target_kind: Option<TargetKind>,
    /// Facts of this target
    #[arg(long, value_name = "ID")]
    target_id: Option<TargetId>,
    /// Facts of this kind of action
    #[arg(long, value_name = "KIND")]
    action_kind: Option<ActionKind>,
    /// Facts with this failure code
    #[arg(long, value_name = "CODE")]
    failure_reason_code: Option<FailureReasonCode>,
    /// The alias of M-13, accepted and answered with a note
    #[arg(long, hide = true)]
    reason_code: Option<FailureReasonCode>,
    /// Rows with this policy code, '' for none (recent-failures, guard-denials)
    #[arg(long, value_name = "CODE")]
    policy_reason_code: Option<OrEmpty<PolicyReasonCode>>,
    /// The alias of M-13, accepted and answered with a note
    #[arg(long, hide = true)]
    guard_reason_code: Option<OrEmpty<PolicyReasonCode>>,
    /// Rows of this gate (gate-rollup)
    #[arg(long, value_name = "ID")]
    gate: Option<GateId>,
    /// Rows of this guard, '' for none (guard-denials)
    #[arg(long, value_name = "ID")]
    guard: Option<OrEmpty<GuardId>>,
    /// Facts of this run
    #[arg(long, value_name = "ID")]
    run: Option<RunId>,
    /// Facts at this time or later
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Facts before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

pub(crate) fn run(args: &QueryArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    let question = Question::new(args.view, args.filters.filters()?).map_err(usage)?;
    let page = args.at.ask(|known| known.index.query(&question, args.limit, args.cursor))?;
    show(&page, output)?;
    output.flush()?;
    unmatched(&page);
    Ok(if page.header.total == 0 && args.require_match { Exit::NoMatch } else { Exit::Done })
}

impl FilterArgs {
    fn filters(&self) -> anyhow::Result<Filters> {
        let failure = ("failure-reason-code", &self.failure_reason_code);
        let policy = ("policy-reason-code", &self.policy_reason_code);
        Ok(Filters {
            action_kind: self.action_kind.clone(),
            failure_reason_code: either(failure, ("reason-code", &self.reason_code))?,
            gate: self.gate.clone(),
            guard: self.guard.clone(),
            policy_reason_code: either(policy, ("guard-reason-code", &self.guard_reason_code))?,
            run: self.run.clone(),
            scope: self.scope,
            since: self.since,
            target_id: self.target_id.clone(),
            target_kind: self.target_kind.clone(),
            until: self.until,
        })
    }
}

/// A value under its name or its alias; both may be given when they agree (M-13).
fn either<T: Clone + PartialEq>(
    (name, value): (&str, &Option<T>),
    (alias, other): (&str, &Option<T>),
) -> anyhow::Result<Option<T>> {
    let Some(aliased) = other else { return Ok(value.clone()) };
    if value.as_ref().is_some_and(|value| value != aliased) {
        return Err(usage(format!("`--{alias}` is an alias of `--{name}`, and the two say different things")));
    }
    note(&format!("dome: `--{alias}` is read as `--{name}`"));
    Ok(Some(aliased.clone()))
}

/// A column of a view: its title, how it behaves, and its cell of a row.
type ViewColumn = (&'static str, Column, fn(&Value) -> String);

fn text(row: &Value, member: &str) -> String {
    row.get(member).and_then(Value::as_str).map_or_else(String::new, str::to_owned)
}

fn number(row: &Value, member: &str) -> String {
    row.get(member).and_then(Value::as_u64).map_or_else(String::new, grouped)
}

fn named(row: &Value, member: &str) -> String {
    let name = text(row, member);
    if name.is_empty() { "-".to_owned() } else { name }
}

const RECENT_FAILURES: [ViewColumn; 8] = [
    ("when", Column::Kept, |row| short_time(&text(row, "ts"))),
    ("code", Column::Cut, |row| text(row, "failure_reason_code")),
    ("policy code", Column::Spare, |row| named(row, "policy_reason_code")),
    ("target", Column::Cut, |row| text(row, "target_id")),
    ("action", Column::Spare, |row| text(row, "action_kind")),
    ("run", Column::Spare, |row| text(row, "run_id")),
    ("key", Column::Kept, |row| short_key(&text(row, "derived_key"))),
    ("fact", Column::Spare, |row| short_key(&text(row, "digest"))),
];

const GATE_ROLLUP: [ViewColumn; 8] = [
    ("FAIL", Column::Number, |row| number(row, "fail_count")),
    ("PASS", Column::Number, |row| number(row, "pass_count")),
    ("SKIP", Column::Number, |row| number(row, "skip_count")),
    ("runs", Column::Number, |row| number(row, "run_count")),
    ("code", Column::Cut, |row| text(row, "failure_reason_code")),
    ("gate", Column::Cut, |row| text(row, "gate_id")),
    ("first", Column::Spare, |row| short_time(&text(row, "first_ts"))),
    ("last", Column::Spare, |row| short_time(&text(row, "last_ts"))),
];

const GUARD_DENIALS: [ViewColumn; 8] = [
    ("denials", Column::Number, |row| number(row, "denial_count")),
    ("STOP", Column::Number, |row| number(row, "stop_count")),
    ("runs", Column::Number, |row| number(row, "run_count")),
    ("policy code", Column::Cut, |row| named(row, "policy_reason_code")),
    ("guard", Column::Cut, |row| named(row, "guard_id")),
    ("failure codes", Column::Spare, |row| {
        let codes = row.get("failure_reason_codes").and_then(Value::as_array);
        codes.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    }),
    ("first", Column::Spare, |row| short_time(&text(row, "first_ts"))),
    ("last", Column::Spare, |row| short_time(&text(row, "last_ts"))),
];

fn show(page: &QueryPage, output: &mut Printer) -> anyhow::Result<()> {
    let header = &page.header;
    if output.is_json() {
        output.object(header)?;
        return output.bytes(&page.rows);
    }
    if header.total == 0 {
        return writeln!(output, "no rows in {}", header.view.short());
    }
    let columns = match header.view {
        View::RecentFailures => RECENT_FAILURES,
        View::GateRollup => GATE_ROLLUP,
        View::GuardDenials => GUARD_DENIALS,
    };
    let mut table = TextTable::new(columns.map(|(title, column, _)| (title, column)).to_vec());
    for row in page.rows.split(|byte| *byte == b'\n').filter(|row| !row.is_empty()) {
        let row: Value = serde_json::from_slice(row)?;
        table.row(columns.iter().map(|(_, _, cell)| cell(&row)).collect());
    }
    writeln!(output, "{}\n", table.render(width()).trim_end())?;
    let [first, last, total] = [header.start + 1, header.start + header.rows, header.total].map(grouped);
    match &header.next {
        None if header.start == 0 => writeln!(output, "{total} rows"),
        None => writeln!(output, "rows {first} to {last} of {total}"),
        Some(next) => writeln!(output, "rows {first} to {last} of {total}; more: --cursor {next}"),
    }
}

/// Says on stderr which filters nothing matches, with values near theirs.
fn unmatched(page: &QueryPage) {
    let alone = page.unmatched.is_empty() && page.header.total == 0;
    if alone && page.header.filters.given().len() > 1 {
        note("dome: rows meet each of these filters, but none meets all of them");
    }
    for unmatched in &page.unmatched {
        let named = if unmatched.value.is_empty() { "none".to_owned() } else { format!("`{}`", unmatched.value) };
        let (view, filter, near) = (page.header.view.short(), unmatched.filter, near_it(&unmatched.near));
        note(&format!("dome: no row of {view} has `--{filter}` {named}{near}"));
    }
}
