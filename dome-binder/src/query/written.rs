//! Answers from the rows of a whole view, as its artifact has them (M-120).

use std::borrow::Cow;
use std::collections::BTreeSet;

use dome_core::Timestamp;
use serde::Deserialize;

use super::filter::Filter;
use super::filters::Filters;
use super::question::Question;
use super::suggest::{Unmatched, unmatched_among};
use super::view::View;

/// What filters look at in a row of any view; a row lacks the members of other views.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Members<'v> {
    #[serde(borrow)]
    action_kind: Cow<'v, str>,
    #[serde(borrow)]
    failure_reason_code: Cow<'v, str>,
    #[serde(borrow)]
    gate_id: Cow<'v, str>,
    #[serde(borrow)]
    guard_id: Cow<'v, str>,
    #[serde(borrow)]
    policy_reason_code: Cow<'v, str>,
    #[serde(borrow)]
    run_id: Cow<'v, str>,
    #[serde(borrow)]
    scope: Cow<'v, str>,
    #[serde(borrow)]
    target_id: Cow<'v, str>,
    #[serde(borrow)]
    target_kind: Cow<'v, str>,
    ts: Option<Timestamp>,
}

impl Members<'_> {
    /// What the row gives a filter to look at; nothing of times, which are compared.
    fn value(&self, filter: Filter) -> Option<&str> {
        match filter {
            Filter::Scope => Some(&self.scope),
            Filter::TargetKind => Some(&self.target_kind),
            Filter::TargetId => Some(&self.target_id),
            Filter::ActionKind => Some(&self.action_kind),
            Filter::FailureReasonCode => Some(&self.failure_reason_code),
            Filter::PolicyReasonCode => Some(&self.policy_reason_code),
            Filter::Gate => Some(&self.gate_id),
            Filter::Guard => Some(&self.guard_id),
            Filter::Run => Some(&self.run_id),
            Filter::Since | Filter::Until => None,
        }
    }

    fn meet(&self, filters: &Filters, given: &[(Filter, String)]) -> bool {
        let within = |ts: Timestamp| {
            filters.since.is_none_or(|since| ts >= since) && filters.until.is_none_or(|until| ts < until)
        };
        given.iter().all(|(filter, wanted)| self.value(*filter).is_none_or(|value| value == wanted))
            && self.ts.is_none_or(within)
    }
}

impl Question {
    /// Whether each row of the whole view is in the answer or not, as it stands. It is not so where a
    /// filter selects among the facts that a row counts together.
    #[must_use]
    pub fn picks_rows(&self) -> bool {
        self.filters().given().iter().all(|(filter, _)| match self.view() {
            View::RecentFailures => true,
            View::GateRollup => matches!(filter, Filter::FailureReasonCode | Filter::Gate),
            View::GuardDenials => matches!(filter, Filter::Guard | Filter::PolicyReasonCode),
        })
    }
}

/// Every row of an answer, with its line feed, picked from the bytes of the whole view's artifact;
/// `None` when the question does not [pick rows](Question::picks_rows), or these are none.
///
/// ```
/// use dome_binder::query::{Filters, Question, View, rows_written};
/// let view = b"{\"fail_count\":2,\"gate_id\":\"lint\"}\n{\"fail_count\":1,\"gate_id\":\"unit\"}\n";
/// let filters = Filters { gate: Some("unit".parse()?), ..Filters::default() };
/// let question = Question::new(View::GateRollup, filters)?;
/// assert_eq!(rows_written(&question, view).unwrap(), [b"{\"fail_count\":1,\"gate_id\":\"unit\"}\n"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn rows_written<'v>(question: &Question, view: &'v [u8]) -> Option<Vec<&'v [u8]>> {
    let (filters, given) = (question.filters(), question.filters().given());
    if !question.picks_rows() {
        return None;
    }
    if given.is_empty() {
        return Some(lines(view).collect());
    }
    let mut picked = Vec::new();
    for line in lines(view) {
        if members(line)?.meet(filters, &given) {
            picked.push(line);
        }
    }
    Some(picked)
}

/// As [`unmatched`](super::unmatched), from the bytes of the whole view's artifact; `None` as in
/// [`rows_written`].
#[must_use]
pub fn unmatched_written(question: &Question, view: &[u8]) -> Option<Vec<Unmatched>> {
    if !question.picks_rows() {
        return None;
    }
    let rows: Vec<Members<'_>> = lines(view).map(members).collect::<Option<_>>()?;
    let values = |filter| rows.iter().filter_map(|row| row.value(filter)).collect::<BTreeSet<&str>>();
    Some(unmatched_among(question, values))
}

fn lines(view: &[u8]) -> impl Iterator<Item = &[u8]> {
    view.split_inclusive(|byte| *byte == b'\n')
}

fn members(line: &[u8]) -> Option<Members<'_>> {
    serde_json::from_slice(line).ok()
}
