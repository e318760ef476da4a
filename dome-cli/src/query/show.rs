//! Showing a page: a table for people, JSON Lines for programs.

use dome_binder::query::{Filter, View};
use serde_json::Value;

use super::find::Found;
use crate::output::{Output, grouped, note};
use crate::table::{Column, Table, short_key, short_time, width};

/// A column of a view: its title, how it behaves, and its cell of a row.
type Shown = (&'static str, Column, fn(&Value) -> String);

fn text(row: &Value, member: &str) -> String {
    row.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(row: &Value, member: &str) -> String {
    row.get(member).and_then(Value::as_u64).map(grouped).unwrap_or_default()
}

/// A name, or a dash for the empty one.
fn named(row: &Value, member: &str) -> String {
    let name = text(row, member);
    if name.is_empty() { "-".to_owned() } else { name }
}

const RECENT_FAILURES: [Shown; 8] = [
    ("when", Column::Kept, |row| short_time(&text(row, "ts"))),
    ("code", Column::Cut, |row| text(row, "failure_reason_code")),
    ("policy code", Column::Spare, |row| named(row, "policy_reason_code")),
    ("target", Column::Cut, |row| text(row, "target_id")),
    ("action", Column::Spare, |row| text(row, "action_kind")),
    ("run", Column::Spare, |row| text(row, "run_id")),
    ("key", Column::Kept, |row| short_key(&text(row, "derived_key"))),
    ("fact", Column::Spare, |row| short_key(&text(row, "digest"))),
];

const GATE_ROLLUP: [Shown; 8] = [
    ("FAIL", Column::Number, |row| number(row, "fail_count")),
    ("PASS", Column::Number, |row| number(row, "pass_count")),
    ("SKIP", Column::Number, |row| number(row, "skip_count")),
    ("runs", Column::Number, |row| number(row, "run_count")),
    ("code", Column::Cut, |row| text(row, "failure_reason_code")),
    ("gate", Column::Cut, |row| text(row, "gate_id")),
    ("first", Column::Spare, |row| short_time(&text(row, "first_ts"))),
    ("last", Column::Spare, |row| short_time(&text(row, "last_ts"))),
];

const GUARD_DENIALS: [Shown; 8] = [
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

/// Prints the page.
pub(super) fn show(found: &Found, output: &mut Output) -> anyhow::Result<()> {
    if output.is_json() {
        output.object(&found.header)?;
        return output.bytes(&found.rows);
    }
    let columns = match found.view {
        View::RecentFailures => RECENT_FAILURES,
        View::GateRollup => GATE_ROLLUP,
        View::GuardDenials => GUARD_DENIALS,
    };
    let rows = found.rows.split(|byte| *byte == b'\n').filter(|row| !row.is_empty());
    let mut table = Table::new(columns.map(|(title, column, _)| (title, column)).to_vec());
    for row in rows {
        let row: Value = serde_json::from_slice(row)?;
        table.row(columns.iter().map(|(_, _, cell)| cell(&row)).collect());
    }
    if found.header.total > 0 {
        output.line(table.render(width()).trim_end())?;
        output.line("")?;
    }
    output.line(&footer(found))
}

/// Which rows these are, and how to see more.
fn footer(found: &Found) -> String {
    let header = &found.header;
    if header.total == 0 {
        return format!("no rows in {}", found.view.short());
    }
    let (first, last) = (header.start + 1, header.start + header.rows);
    let place = match &header.next {
        None if header.start == 0 => format!("{} rows", grouped(header.total)),
        _ => format!("rows {} to {} of {}", grouped(first), grouped(last), grouped(header.total)),
    };
    match &header.next {
        None => place,
        Some(next) => format!("{place}; more: --cursor {next}"),
    }
}

/// Says on stderr which filters nothing matches, with values near theirs.
pub(super) fn unmatched(found: &Found) {
    let alone = found.unmatched.is_empty() && found.header.total == 0;
    if alone && found.header.filters.given().len() > 1 {
        note("dome: rows meet each of these filters, but none meets all of them");
    }
    for unmatched in &found.unmatched {
        let named = if unmatched.value.is_empty() { "none".to_owned() } else { format!("`{}`", unmatched.value) };
        let near: Vec<String> = unmatched.near.iter().map(|near| format!("`{near}`")).collect();
        let meant = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
        let filter: Filter = unmatched.filter;
        note(&format!("dome: no row of {} has `--{filter}` {named}{meant}", found.view.short()));
    }
}
