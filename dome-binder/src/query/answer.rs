//! Answers from facts in memory, page by page.

use dome_core::Sha256Hash;
use serde::Serialize;

use super::{Cursor, CursorError, Limit, Question, View};
use crate::settle::Fact;
use crate::views::{GateRollup, GuardDenial, RecentFailure, gate_rollup, guard_denials, recent_failures};

/// A row of any view; written as that view's row (M-120).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ViewRow<'f> {
    /// Of `mv_recent_failures_by_taskspec`.
    RecentFailure(RecentFailure<'f>),
    /// Of `mv_gate_rollup_by_failure_reason_code`.
    GateRollup(GateRollup),
    /// Of `mv_guard_denials_by_policy_reason_code`.
    GuardDenial(GuardDenial),
}

/// Every row of an answer, in the order of its view. `facts` are in total order.
#[must_use]
pub fn rows<'f>(question: &Question, facts: &'f [Fact]) -> Vec<ViewRow<'f>> {
    let filters = question.filters();
    let selected = facts.iter().filter(|fact| filters.select(fact));
    match question.view() {
        View::RecentFailures => {
            let selected = selected.filter(|fact| filters.policy_code_is(policy_code(fact)));
            recent_failures(selected).map(ViewRow::RecentFailure).collect()
        }
        View::GateRollup => {
            let rows = gate_rollup(selected).into_iter().filter(|row| filters.gate_is(&row.gate_id));
            rows.map(ViewRow::GateRollup).collect()
        }
        View::GuardDenials => {
            let named =
                |row: &GuardDenial| filters.guard_is(&row.guard_id) && filters.policy_code_is(&row.policy_reason_code);
            guard_denials(selected).into_iter().filter(named).map(ViewRow::GuardDenial).collect()
        }
    }
}

/// A fact's own policy code, empty where it has none.
pub(super) fn policy_code(fact: &Fact) -> &str {
    fact.policy_reason_code().map_or("", |code| code.as_str())
}

/// Some rows of an answer, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<'f> {
    /// The rows.
    pub rows: Vec<ViewRow<'f>>,
    /// How many rows of the answer come before them.
    pub start: u64,
    /// How many rows the whole answer has.
    pub total: u64,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<Cursor>,
}

/// A page of an answer; `snapshot` is the digest of `facts`, which are in total order.
///
/// # Errors
///
/// [`CursorError`] when the cursor was given out for another snapshot, view or filters, or lies behind the last row.
pub fn answer<'f>(
    question: &Question,
    facts: &'f [Fact],
    snapshot: Sha256Hash,
    limit: Limit,
    cursor: Option<Cursor>,
) -> Result<Page<'f>, CursorError> {
    let start = question.place(snapshot, cursor)?;
    let all = rows(question, facts);
    let total = all.len() as u64;
    if start > 0 && start >= total {
        return Err(CursorError::Damaged);
    }
    let end = total.min(start.saturating_add(limit.rows()));
    let rows = all.into_iter().zip(0_u64..).filter(|(_, place)| (start..end).contains(place)).map(|(row, _)| row);
    Ok(Page { rows: rows.collect(), start, total, next: (end < total).then(|| question.cursor(snapshot, end)) })
}
