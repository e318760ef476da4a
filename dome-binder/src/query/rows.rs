//! Answers from facts in memory.

use dome_core::Sha256Hash;
use serde::Serialize;

use super::cursor::{Cursor, CursorError};
use super::limit::Limit;
use super::page::Page;
use super::question::Question;
use super::view::View;
use crate::settle::Fact;
use crate::views::{GateRollup, GuardDenial, RecentFailure, gate_rollup, guard_denials, recent_failures};

/// A row of any view; written as that view's row (M-120).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Row<'f> {
    /// Of `mv_recent_failures_by_taskspec`.
    RecentFailure(RecentFailure<'f>),
    /// Of `mv_gate_rollup_by_failure_reason_code`.
    GateRollup(GateRollup<'f>),
    /// Of `mv_guard_denials_by_policy_reason_code`.
    GuardDenial(GuardDenial<'f>),
}

/// Every row of an answer, in the order of its view. `facts` are in total order.
#[must_use]
pub fn rows<'f>(question: &Question, facts: &'f [Fact]) -> Vec<Row<'f>> {
    let filters = question.filters();
    let selected = facts.iter().filter(|fact| filters.select(fact));
    match question.view() {
        View::RecentFailures => {
            let selected = selected.filter(|fact| filters.policy_code_is(policy_code(fact)));
            recent_failures(selected).map(Row::RecentFailure).collect()
        }
        View::GateRollup => {
            let rows = gate_rollup(selected).into_iter().filter(|row| filters.gate_is(&row.gate_id));
            rows.map(Row::GateRollup).collect()
        }
        View::GuardDenials => {
            let named = |row: &GuardDenial<'_>| {
                filters.guard_is(&row.guard_id) && filters.policy_code_is(&row.policy_reason_code)
            };
            guard_denials(selected).into_iter().filter(named).map(Row::GuardDenial).collect()
        }
    }
}

/// A fact's own policy code, empty where it has none.
pub(super) fn policy_code(fact: &Fact) -> &str {
    fact.policy_reason_code().map_or("", |code| code.as_str())
}

/// A page of an answer; `snapshot` is the digest of `facts`, which are in total order.
///
/// # Errors
///
/// [`CursorError`] when the cursor was given out for another snapshot, view or filters.
pub fn answer<'f>(
    question: &Question,
    facts: &'f [Fact],
    snapshot: Sha256Hash,
    limit: Limit,
    cursor: Option<Cursor>,
) -> Result<Page<Row<'f>>, CursorError> {
    question.place(snapshot, cursor)?;
    Page::cut(question, rows(question, facts), snapshot, limit, cursor)
}
