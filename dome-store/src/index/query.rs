//! Questions to the three views (M-110): rows of a whole view from the sum of all runs, all others from the facts that
//! filters select.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use dome_binder::query::{Cursor, CursorError, Filter, Filters, Limit, Question, Unmatched, View, unmatched_among};
use dome_binder::views::{GateRollup, GateRollups, GuardDenial, GuardDenials, RecentFailure};
use dome_binder::{Fact, FactOrder, append_row};
use dome_core::{FailureReasonCode, RunId, Sha256Hash, TaskLine};
use rusqlite::Row;
use serde::Serialize;

use super::Index;
use super::derive::{flag, flags};
use super::error::{Fits, IndexError, Result};
use super::read::{RunSum, TaskRow, order};
use super::sealed::{SealedTable, held, json, number};

/// The first line of an answer as JSON, in canonical order. Rows of the view follow, one per line.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct QueryHeader {
    /// The filters that were asked for.
    pub filters: Filters,
    /// The version of this layout.
    pub format_version: &'static str,
    /// Rows that a page has at most.
    pub limit: Limit,
    /// What goes on with the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
    /// Rows that follow.
    pub rows: u64,
    /// Which facts the answer is of.
    pub snapshot_digest: Sha256Hash,
    /// Rows of the whole answer that come before this page.
    pub start: u64,
    /// Rows of the whole answer.
    pub total: u64,
    /// The view, by its full name.
    #[schemars(with = "String")]
    pub view: View,
}

/// A page of an answer.
#[derive(Clone, Debug)]
pub struct QueryPage {
    /// What it is a page of.
    pub header: QueryHeader,
    /// Its rows as the view's artifact has them, each with its line feed.
    pub rows: Vec<u8>,
    /// Filters that nothing matches; looked at when the answer is empty.
    pub unmatched: Vec<Unmatched>,
}

/// As much of a fact as selects it.
struct Selected {
    order: FactOrder,
    id: u64,
    line: Rc<TaskLine>,
    code: FailureReasonCode,
    /// Its own policy code, empty where it has none.
    policy: String,
}

/// Task lines, each read once.
type TaskLines = HashMap<Sha256Hash, Rc<TaskLine>>;

/// Task lines are read one by one when they hold at most one fact of so many.
const FEW: u64 = 16;

impl Index {
    /// Answers a question as it would be answered from all facts in memory, a page at a time.
    ///
    /// # Errors
    ///
    /// When the cursor was given out for another snapshot, view or filters; and when a row cannot be read, or does not
    /// fit.
    pub fn query(&self, question: &Question, limit: Limit, cursor: Option<Cursor>) -> Result<QueryPage> {
        let snapshot = self.snapshot_digest()?;
        let start = question.place(snapshot, cursor)?;
        let (total, rows) = match question.view() {
            View::RecentFailures => self.recent_failures(question, start, limit)?,
            View::GateRollup | View::GuardDenials => {
                let all = self.counted(question)?;
                let page = all.iter().skip(usize::try_from(start).unwrap_or(usize::MAX));
                (all.len() as u64, page.take(usize::try_from(limit.rows()).unwrap_or(usize::MAX)).cloned().collect())
            }
        };
        if start > 0 && start >= total {
            return Err(CursorError::Damaged.into());
        }
        let end = start + rows.len() as u64;
        let header = QueryHeader {
            filters: question.filters().clone(),
            format_version: "1",
            limit,
            next: (end < total).then(|| question.cursor(snapshot, end)),
            rows: rows.len() as u64,
            snapshot_digest: snapshot,
            start,
            total,
            view: question.view(),
        };
        let unmatched = if total == 0 { self.unmatched(question)? } else { Vec::new() };
        Ok(QueryPage { header, rows: rows.concat(), unmatched })
    }

    /// Hands out every row of a whole view, in its order: the rows of its artifact (M-120).
    ///
    /// # Errors
    ///
    /// When a row cannot be read, or does not fit; and those of `take`.
    pub fn view(&self, view: View, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let whole = whole(view)?;
        if view != View::RecentFailures {
            return self.counted(&whole)?.iter().try_for_each(|row| take(row));
        }
        self.latest(&whole, u64::MAX, &mut |order, id| take(&self.failure(&order, id)?))
    }

    fn recent_failures(&self, question: &Question, start: u64, limit: Limit) -> Result<(u64, Vec<Vec<u8>>)> {
        let end = start.saturating_add(limit.rows());
        let all = question.filters().given().is_empty();
        let (mut total, mut page) = (0, Vec::new());
        self.latest(question, if all { end } else { u64::MAX }, &mut |order, id| {
            if (start..end).contains(&total) {
                page.push(self.failure(&order, id)?);
            }
            total += 1;
            Ok(())
        })?;
        Ok((if all { self.tallies()?.failing } else { total }, page))
    }

    fn failure(&self, order: &FactOrder, id: u64) -> Result<Vec<u8>> {
        let fact = Fact { record: self.rows.record(id)?, ordered_ts: order.ts, place: order.place };
        Ok(bytes_of(&RecentFailure::of(&fact)))
    }

    /// Hands out selected failing facts, the latest first; facts of one instant keep their total order (M-110).
    fn latest(
        &self,
        question: &Question,
        enough: u64,
        take: &mut dyn FnMut(FactOrder, u64) -> Result<()>,
    ) -> Result<()> {
        let (mut instant, mut count) = (Vec::<(FactOrder, u64)>::new(), 0);
        self.walk(question, true, &mut |fact| {
            if !question.filters().policy_code_is(&fact.policy) {
                return Ok(true);
            }
            if instant.first().is_some_and(|(first, _)| first.ts != fact.order.ts) {
                instant.drain(..).rev().try_for_each(|(order, id)| take(order, id))?;
            }
            if count >= enough && instant.is_empty() {
                return Ok(false);
            }
            count += 1;
            instant.push((fact.order, fact.id));
            Ok(true)
        })?;
        instant.into_iter().rev().try_for_each(|(order, id)| take(order, id))
    }

    /// Walks over the selected facts of a view, by the total order or from its end, until `take` has enough.
    fn walk(&self, question: &Question, from_end: bool, take: &mut dyn FnMut(Selected) -> Result<bool>) -> Result<()> {
        let filters = question.filters();
        if let Some(mut few) = self.of_few_lines(question)? {
            if from_end {
                few.reverse();
            }
            for fact in few {
                if !take(fact)? {
                    break;
                }
            }
            return Ok(());
        }
        let mut seen = TaskLines::new();
        let code = filters.failure_reason_code.as_ref().map(FailureReasonCode::as_str);
        let direction = if from_end { "DESC" } else { "ASC" };
        let which = format!("flags & ?1 AND (?2 IS NULL OR code = ?2) ORDER BY key {direction}");
        self.rows.walk(SealedTable::Facts, &which, (flag(question.view()), code), |row| {
            let fact = self.selected(row, &mut seen)?;
            let picked = filters.select_by(&fact.line, &fact.code, &fact.order.run_id, fact.order.ts);
            if picked { take(fact) } else { Ok(true) }
        })
    }

    fn selected(&self, row: &Row<'_>, seen: &mut TaskLines) -> Result<Selected> {
        let mut rest = held(row)?;
        let id = number(&mut rest)?;
        let (line, policy) = rest.split_first_chunk().fits("a row of a fact has another form")?;
        let policy = str::from_utf8(policy).ok().fits("a policy code is none")?.to_owned();
        let code = row.get_ref(3)?.as_str()?.parse().ok().fits("a reason code is none")?;
        let line = Sha256Hash::from_bytes(*line);
        let known = match seen.get(&line) {
            Some(known) => Rc::clone(known),
            None => {
                let found = self.rows.find(SealedTable::Lines, line.as_bytes(), task_line)?;
                Rc::clone(seen.entry(line).or_insert(Rc::new(found.fits("a task line is missing")?)))
            }
        };
        Ok(Selected { order: order(row)?, id, line: known, code, policy })
    }

    /// The selected facts in total order, when filters leave so few task lines that these are sooner read; else `None`.
    fn of_few_lines(&self, question: &Question) -> Result<Option<Vec<Selected>>> {
        let filters = question.filters();
        if filters.target_id.is_none() && (filters.action_kind.is_none() || filters.target_kind.is_none()) {
            return Ok(None);
        }
        let most = self.tallies()?.facts / FEW;
        let (mut lines, mut facts) = (Vec::new(), 0);
        self.rows.walk(SealedTable::Lines, "true", [], |row| {
            let line = task_line(row)?;
            if filters.select_line(&line) {
                let known = json::<TaskRow>(held(row)?)?.facts;
                facts += known.len() as u64;
                lines.push((Rc::new(line), known));
            }
            Ok(facts <= most)
        })?;
        if facts > most {
            return Ok(None);
        }
        let mut selected = Vec::new();
        for (line, known) in lines.iter().flat_map(|(line, facts)| facts.iter().map(move |known| (line, known))) {
            let fact = self.rows.fact(known)?;
            let code = &fact.keys.failure_reason_code;
            let picked = filters.select_by(line, code, &fact.run_id, fact.ordered_ts);
            if picked && flags(&fact) & flag(question.view()) != 0 {
                let policy = fact.policy_reason_code().map_or("", |code| code.as_str()).to_owned();
                let (line, code) = (Rc::clone(line), code.clone());
                selected.push(Selected { order: fact.order(), id: known.0, line, code, policy });
            }
        }
        selected.sort_unstable_by(|a, b| a.order.cmp(&b.order));
        Ok(Some(selected))
    }

    fn counted(&self, question: &Question) -> Result<Vec<Vec<u8>>> {
        let filters = question.filters();
        let (mut gates, mut denials) = (GateRollups::default(), GuardDenials::default());
        if picks_rows(question) {
            let RunSum { gates: rolled_up, denials: denied, .. } = self.rows.all_runs()?;
            rolled_up.into_iter().for_each(|row| gates.add_row(row));
            denied.into_iter().for_each(|row| denials.add_row(row));
        } else {
            self.by_run(question, &mut |facts| match question.view() {
                View::GateRollup => gates.add_run(facts),
                _ => denials.add_run(facts),
            })?;
        }
        if question.view() == View::GateRollup {
            let asked = |row: &&GateRollup| {
                filters.gate_is(&row.gate_id)
                    && filters.failure_reason_code.as_ref().is_none_or(|code| *code == row.failure_reason_code)
            };
            return Ok(gates.rows().iter().filter(asked).map(bytes_of).collect());
        }
        let asked =
            |row: &&GuardDenial| filters.guard_is(&row.guard_id) && filters.policy_code_is(&row.policy_reason_code);
        Ok(denials.rows().iter().filter(asked).map(bytes_of).collect())
    }

    fn by_run(&self, question: &Question, take: &mut dyn FnMut(&[Fact])) -> Result<()> {
        let mut runs: BTreeMap<RunId, Vec<(FactOrder, u64)>> = BTreeMap::new();
        self.walk(question, false, &mut |fact| {
            runs.entry(fact.order.run_id.clone()).or_default().push((fact.order, fact.id));
            Ok(true)
        })?;
        for facts in runs.into_values() {
            let fact = |(order, id): (FactOrder, u64)| {
                Ok(Fact { record: self.rows.record(id)?, ordered_ts: order.ts, place: order.place })
            };
            take(&facts.into_iter().map(fact).collect::<Result<Vec<Fact>>>()?);
        }
        Ok(())
    }

    /// Filters whose value no row of the whole view has.
    fn unmatched(&self, question: &Question) -> Result<Vec<Unmatched>> {
        let mut known: BTreeMap<Filter, BTreeSet<String>> = BTreeMap::new();
        for (filter, _) in question.filters().given() {
            known.insert(filter, self.values(question.view(), filter)?);
        }
        Ok(unmatched_among(question, |filter| known.get(&filter).cloned().unwrap_or_default()))
    }

    fn values(&self, view: View, filter: Filter) -> Result<BTreeSet<String>> {
        let mut values = BTreeSet::new();
        let RunSum { gates, denials, .. } = self.rows.all_runs()?;
        match (filter, view) {
            (Filter::Gate, _) => return Ok(gates.iter().map(|row| row.gate_id.to_string()).collect()),
            (Filter::Guard, _) => return Ok(denials.iter().map(|row| row.guard_id.to_string()).collect()),
            (Filter::PolicyReasonCode, View::GuardDenials) => {
                return Ok(denials.iter().map(|row| row.policy_reason_code.to_string()).collect());
            }
            _ => {}
        }
        self.walk(&whole(view)?, false, &mut |fact| {
            let value = match filter {
                Filter::Scope => fact.line.scope.as_str(),
                Filter::TargetKind => fact.line.target_kind.as_str(),
                Filter::TargetId => fact.line.target_id.as_str(),
                Filter::ActionKind => fact.line.action_kind.as_str(),
                Filter::FailureReasonCode => fact.code.as_str(),
                Filter::Run => fact.order.run_id.as_str(),
                Filter::PolicyReasonCode => &*fact.policy,
                Filter::Gate | Filter::Guard | Filter::Since | Filter::Until => return Ok(false),
            };
            if !values.contains(value) {
                values.insert(value.to_owned());
            }
            Ok(true)
        })?;
        Ok(values)
    }
}

fn whole(view: View) -> Result<Question> {
    Question::new(view, Filters::default()).map_err(|_| IndexError::broken("every view can be asked whole"))
}

fn task_line(row: &Row<'_>) -> Result<TaskLine> {
    json(row.get_ref(2)?.as_blob()?)
}

/// Whether each row of the whole view is in the answer as it stands, or not at all: no filter selects among its facts.
fn picks_rows(question: &Question) -> bool {
    question.filters().given().iter().all(|(filter, _)| match question.view() {
        View::RecentFailures => false,
        View::GateRollup => matches!(filter, Filter::FailureReasonCode | Filter::Gate),
        View::GuardDenials => matches!(filter, Filter::Guard | Filter::PolicyReasonCode),
    })
}

fn bytes_of<R: Serialize>(row: &R) -> Vec<u8> {
    let mut bytes = Vec::new();
    append_row(row, &mut bytes);
    bytes
}
