//! Questions to the three views: typed filters, pages, cursors (M-110).
//!
//! What is asked ([`Question`], [`Limit`], [`Cursor`]) does not depend on where rows come from. [`answer`] finds them
//! among facts in memory; an index on disk finds the same rows in its own way, and gives out the same cursors. Same
//! snapshot and filters, same bytes.
//!
//! ```
//! use dome_binder::query::{answer, Filters, Limit, Question, View};
//! # use dome_binder::{Ledger, Record};
//! # use dome_core::Source;
//! # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
//! # let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
//! # let ledger = Ledger::of(vec![Box::new(record)], &Default::default());
//! let filters = Filters { failure_reason_code: Some("TESTS_FAILED".parse()?), ..Filters::default() };
//! let question = Question::new(View::RecentFailures, filters)?;
//! let page = answer(&question, &ledger.facts, ledger.snapshot_digest(), Limit::default(), None)?;
//! assert_eq!((page.rows.len(), page.next), (1, None));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cursor;
mod suggest;

pub use cursor::{Cursor, CursorError};
pub use suggest::{SUGGESTIONS, Unmatched, nearest, unmatched, unmatched_among};

use std::fmt;
use std::str::FromStr;

use dome_core::{
    ActionKind, FailureReasonCode, GateId, GuardId, PolicyReasonCode, RunId, Scope, Sha256Hash, TargetId, TargetKind,
    TaskLine, Timestamp, canonical, choice,
};
use serde::{Serialize, Serializer};

use crate::settle::Fact;
use crate::views::{GateRollup, GuardDenial, RecentFailure, gate_rollup, guard_denials, recent_failures};

/// A view, under the name that the model gives it or a short one.
///
/// ```
/// use dome_binder::query::View;
/// assert_eq!("gate-rollup".parse(), Ok(View::GateRollup));
/// assert_eq!("mv_gate_rollup_by_failure_reason_code".parse(), Ok(View::GateRollup));
/// assert!("gate-rolup".parse::<View>().unwrap_err().to_string().contains("did you mean `gate-rollup`"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// `mv_recent_failures_by_taskspec`: failing facts, the latest first.
    RecentFailures,
    /// `mv_gate_rollup_by_failure_reason_code`: how gates ended beside each code.
    GateRollup,
    /// `mv_guard_denials_by_policy_reason_code`: every denial, whoever named it.
    GuardDenials,
}

/// A name that no view has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no view `{found}`; expected `recent-failures`, `gate-rollup` or `guard-denials`{}", meant.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?")))]
pub struct ViewError {
    /// The name found.
    pub found: String,
    /// A name near it.
    pub meant: Option<String>,
}

impl View {
    /// All views.
    pub const ALL: &[Self] = &[Self::RecentFailures, Self::GateRollup, Self::GuardDenials];

    /// The name that the model gives it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RecentFailures => "mv_recent_failures_by_taskspec",
            Self::GateRollup => "mv_gate_rollup_by_failure_reason_code",
            Self::GuardDenials => "mv_guard_denials_by_policy_reason_code",
        }
    }

    /// The short name.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::RecentFailures => "recent-failures",
            Self::GateRollup => "gate-rollup",
            Self::GuardDenials => "guard-denials",
        }
    }

    /// The filters that it takes.
    ///
    /// What a fact says of its task line, run, time and failure narrows every view. The other
    /// filters are for the view whose rows have that member.
    pub fn filters(self) -> impl Iterator<Item = Filter> {
        Filter::ALL.iter().copied().filter(move |filter| match filter {
            Filter::Gate => self == Self::GateRollup,
            Filter::Guard => self == Self::GuardDenials,
            Filter::PolicyReasonCode => self != Self::GateRollup,
            _ => true,
        })
    }
}

impl FromStr for View {
    type Err = ViewError;

    fn from_str(text: &str) -> Result<Self, ViewError> {
        let named = Self::ALL.iter().find(|view| [view.name(), view.short()].contains(&text));
        named.copied().ok_or_else(|| {
            let known = Self::ALL.iter().flat_map(|view| [view.short(), view.name()]);
            ViewError { found: text.to_owned(), meant: nearest(text, known).into_iter().next() }
        })
    }
}

impl fmt::Display for View {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for View {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

choice! {
    /// A filter, by the name that a command line has for it.
    #[expect(missing_docs, reason = "the names say it; `Filters` says what each selects")]
    Filter {
        Scope = "scope",
        TargetKind = "target-kind",
        TargetId = "target-id",
        ActionKind = "action-kind",
        FailureReasonCode = "failure-reason-code",
        PolicyReasonCode = "policy-reason-code",
        Gate = "gate",
        Guard = "guard",
        Run = "run",
        Since = "since",
        Until = "until",
    }
}

/// A name that a row may lack: a denial without a code, a code that no guard explains. The empty
/// text means none.
///
/// ```
/// use dome_binder::query::OrEmpty;
/// use dome_core::GuardId;
/// assert_eq!("".parse::<OrEmpty<GuardId>>(), Ok(OrEmpty::Empty));
/// assert_eq!("budget".parse::<OrEmpty<GuardId>>().unwrap().as_str(), "budget");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrEmpty<T> {
    /// There is none.
    Empty,
    /// This one.
    Is(T),
}

impl<T: AsRef<str>> OrEmpty<T> {
    /// The name; empty where there is none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Empty => "",
            Self::Is(name) => name.as_ref(),
        }
    }
}

impl<T: FromStr> FromStr for OrEmpty<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text.is_empty() { Ok(Self::Empty) } else { text.parse().map(Self::Is) }
    }
}

impl<T: AsRef<str>> Serialize for OrEmpty<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for OrEmpty<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}OrEmpty", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let named = generator.subschema_for::<T>();
        schemars::json_schema!({"anyOf": [{"const": ""}, named]})
    }
}

/// What rows must be like; a filter that is not given lets everything through. In canonical order.
///
/// Most filters select facts, and a view of the selected facts is the answer: a row that counts
/// facts counts those that were selected. `gate`, and in the view of denials `guard` and
/// `policy_reason_code`, select rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Filters {
    /// Facts of task lines with this action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_kind: Option<ActionKind>,
    /// Facts with this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason_code: Option<FailureReasonCode>,
    /// Rows of this gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateId>,
    /// Rows of this guard; the empty one is that of codes that no guard explains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<OrEmpty<GuardId>>,
    /// Rows with this code; the empty one is that of denials, or failures, without a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_reason_code: Option<OrEmpty<PolicyReasonCode>>,
    /// Facts of this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Facts of task lines with this scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Facts whose ordered time is this or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Facts of task lines with this target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
    /// Facts of task lines with this kind of target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_kind: Option<TargetKind>,
    /// Facts whose ordered time is earlier than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Filters {
    /// The filters that are given, with their values as text.
    #[must_use]
    pub fn given(&self) -> Vec<(Filter, String)> {
        let text = |filter, value: Option<&str>| value.map(|value| (filter, value.to_owned()));
        let time = |filter, value: Option<Timestamp>| value.map(|value| (filter, value.to_string()));
        [
            text(Filter::Scope, self.scope.map(Scope::as_str)),
            text(Filter::TargetKind, self.target_kind.as_ref().map(TargetKind::as_str)),
            text(Filter::TargetId, self.target_id.as_ref().map(TargetId::as_str)),
            text(Filter::ActionKind, self.action_kind.as_ref().map(ActionKind::as_str)),
            text(Filter::FailureReasonCode, self.failure_reason_code.as_ref().map(FailureReasonCode::as_str)),
            text(Filter::PolicyReasonCode, self.policy_reason_code.as_ref().map(OrEmpty::as_str)),
            text(Filter::Gate, self.gate.as_ref().map(GateId::as_str)),
            text(Filter::Guard, self.guard.as_ref().map(OrEmpty::as_str)),
            text(Filter::Run, self.run.as_ref().map(RunId::as_str)),
            time(Filter::Since, self.since),
            time(Filter::Until, self.until),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// SHA-256 of the canonical bytes: what a cursor is bound to.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        let mut bytes = Vec::new();
        canonical::append(self, &mut bytes);
        Sha256Hash::of(&bytes)
    }

    pub(super) fn select(&self, fact: &Fact) -> bool {
        self.select_by(&fact.keys.task_line, &fact.keys.failure_reason_code, &fact.run_id, fact.ordered_ts)
    }

    /// Whether facts of a task line may be selected.
    #[must_use]
    pub fn select_line(&self, line: &TaskLine) -> bool {
        self.scope.as_ref().is_none_or(|scope| line.scope == *scope)
            && self.target_kind.as_ref().is_none_or(|kind| line.target_kind == *kind)
            && self.target_id.as_ref().is_none_or(|id| line.target_id == *id)
            && self.action_kind.as_ref().is_none_or(|kind| line.action_kind == *kind)
    }

    /// As much of a fact as selects it: its task line, its code, its run and its ordered time.
    #[must_use]
    pub fn select_by(&self, line: &TaskLine, code: &FailureReasonCode, run: &RunId, ordered_ts: Timestamp) -> bool {
        self.select_line(line)
            && self.failure_reason_code.as_ref().is_none_or(|wanted| code == wanted)
            && self.run.as_ref().is_none_or(|wanted| run == wanted)
            && self.since.as_ref().is_none_or(|since| ordered_ts >= *since)
            && self.until.as_ref().is_none_or(|until| ordered_ts < *until)
    }

    /// Whether a row of this gate is asked for.
    #[must_use]
    pub fn gate_is(&self, gate: &GateId) -> bool {
        self.gate.as_ref().is_none_or(|wanted| wanted == gate)
    }

    /// Whether a row of this guard is asked for; the empty one is that of no guard.
    #[must_use]
    pub fn guard_is(&self, guard: &str) -> bool {
        self.guard.as_ref().is_none_or(|wanted| wanted.as_str() == guard)
    }

    /// Whether a row of this policy code is asked for; the empty one is that of none.
    #[must_use]
    pub fn policy_code_is(&self, code: &str) -> bool {
        self.policy_reason_code.as_ref().is_none_or(|wanted| wanted.as_str() == code)
    }
}

/// A view and filters that apply to it. One that exists can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    view: View,
    filters: Filters,
}

/// Why filters make no question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// The view has nothing that the filter could look at.
    #[error("filter `{filter}` does not apply to `{}`, which takes {taken}", view.short())]
    DoesNotApply {
        /// The filter.
        filter: Filter,
        /// The view.
        view: View,
        /// What it takes.
        taken: String,
    },
    /// No time is in the span.
    #[error("`since` ({since}) is not earlier than `until` ({until}), which is not part of the span")]
    EmptySpan {
        /// The first instant of the span.
        since: Timestamp,
        /// The first instant after it.
        until: Timestamp,
    },
}

impl Question {
    /// Puts a view and filters together.
    ///
    /// ```
    /// use dome_binder::query::{Filters, Question, View};
    /// let filters = Filters { gate: Some("lint".parse().unwrap()), ..Filters::default() };
    /// let wrong = Question::new(View::RecentFailures, filters.clone()).unwrap_err();
    /// assert!(wrong.to_string().starts_with("filter `gate` does not apply to `recent-failures`, which takes `scope`"));
    /// assert!(Question::new(View::GateRollup, filters).is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// [`QuestionError`] when a filter does not apply to the view, or no time is in the span.
    pub fn new(view: View, filters: Filters) -> Result<Self, QuestionError> {
        let wrong = filters.given().into_iter().find(|(filter, _)| view.filters().all(|taken| taken != *filter));
        if let Some((filter, _)) = wrong {
            let taken = view.filters().map(|filter| format!("`{filter}`")).collect::<Vec<_>>().join(", ");
            return Err(QuestionError::DoesNotApply { filter, view, taken });
        }
        match (filters.since, filters.until) {
            (Some(since), Some(until)) if since >= until => Err(QuestionError::EmptySpan { since, until }),
            _ => Ok(Self { view, filters }),
        }
    }

    /// The view.
    #[must_use]
    pub const fn view(&self) -> View {
        self.view
    }

    /// The filters.
    #[must_use]
    pub const fn filters(&self) -> &Filters {
        &self.filters
    }

    /// The cursor for the rows from `place` (counted from 0 in the whole answer) on.
    #[must_use]
    pub fn cursor(&self, snapshot: Sha256Hash, place: u64) -> Cursor {
        Cursor::new(self.view, snapshot, self.filters.digest(), place)
    }

    /// Where the rows of a cursor start; without one, at 0.
    ///
    /// # Errors
    ///
    /// [`CursorError`] when the cursor was given out for another snapshot, view or filters.
    pub fn place(&self, snapshot: Sha256Hash, cursor: Option<Cursor>) -> Result<u64, CursorError> {
        cursor.map_or(Ok(0), |cursor| cursor.place(self.view, snapshot, self.filters.digest()))
    }
}

/// Rows of a page at most: 1 to 200, 20 unless told (M-110).
///
/// ```
/// use dome_binder::query::Limit;
/// assert_eq!(Limit::default().rows(), 20);
/// assert!(Limit::new(200).is_ok() && Limit::new(201).is_err() && Limit::new(0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Limit(u64);

/// Not a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of rows from 1 to {}, found `{found}`", Limit::MOST)]
pub struct LimitError {
    /// What was found.
    pub found: String,
}

impl Limit {
    /// The rows that a page has at most, whoever asks.
    pub const MOST: u64 = 200;

    /// A limit of `rows`.
    ///
    /// # Errors
    ///
    /// [`LimitError`] when it is 0 or more than [`Limit::MOST`].
    pub fn new(rows: u64) -> Result<Self, LimitError> {
        if (1..=Self::MOST).contains(&rows) { Ok(Self(rows)) } else { Err(LimitError { found: rows.to_string() }) }
    }

    /// The rows.
    #[must_use]
    pub const fn rows(self) -> u64 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let rows = text.parse().ok().and_then(|rows| Self::new(rows).ok());
        rows.ok_or_else(|| LimitError { found: text.to_owned() })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Limit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "integer", "minimum": 1, "maximum": Self::MOST})
    }
}

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

fn policy_code(fact: &Fact) -> &str {
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
