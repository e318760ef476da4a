//! Questions to the three views (M-110): rows of a whole view from its sums, all others from the facts that filters
//! select.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use dome_binder::query::{Cursor, CursorError, Filter, Filters, Limit, Question, Unmatched, View, unmatched_among};
use dome_binder::views::{GateRollup, GateRollups, GuardDenial, GuardDenials, RecentFailure};
use dome_binder::{Fact, FactOrder, RowReader, append_row};
use dome_core::{FailureReasonCode, RunId, Sha256Hash, TaskLine};
use serde::Serialize;

use super::Index;
use super::derive::{Tag, flag, flags};
use super::error::{Fits, Result};
use super::read;
use super::rows::{Total, json, line_of, order};
use super::seal::Table;

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
    code: Rc<FailureReasonCode>,
    /// Its own policy code, empty where it has none.
    policy: Rc<str>,
}

/// Names that rows of the total order refer to, each read once.
#[derive(Default)]
struct Seen {
    lines: HashMap<i64, Rc<TaskLine>>,
    codes: HashMap<i64, Rc<FailureReasonCode>>,
    policies: HashMap<Option<i64>, Rc<str>>,
}

/// Task lines are read one by one when they hold at most one fact of so many.
const FEW: u64 = 16;

/// What a walk over facts goes on with.
#[derive(PartialEq, Eq)]
enum Walk {
    On,
    Enough,
}

impl Index {
    /// Answers a question as it would be answered from all facts in memory, a page at a time.
    ///
    /// # Errors
    ///
    /// [`super::Error::Cursor`] when the cursor was given out for another snapshot, view or filters; and when a row cannot
    /// be read, or does not fit.
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
        let whole = Question::new(view, Filters::default())
            .map_err(|_| super::Error::Broken("every view can be asked whole"))?;
        if view != View::RecentFailures {
            return self.counted(&whole)?.iter().try_for_each(|row| take(row));
        }
        let mut reader = RowReader::default();
        self.latest(&whole, u64::MAX, &mut |index, order, id| take(&index.failure(&mut reader, order, id)?))
    }

    fn recent_failures(&self, question: &Question, start: u64, limit: Limit) -> Result<(u64, Vec<Vec<u8>>)> {
        let end = start.saturating_add(limit.rows());
        let all = question.filters().given().is_empty();
        let (mut total, mut page) = (0, Vec::new());
        self.latest(question, if all { end } else { u64::MAX }, &mut |_, order, id| {
            if (start..end).contains(&total) {
                page.push((order.clone(), id));
            }
            total += 1;
            Ok(())
        })?;
        let mut reader = RowReader::default();
        let rows = page.iter().map(|(order, id)| self.failure(&mut reader, order, *id)).collect::<Result<_>>()?;
        Ok((if all { self.tallies()?.failing } else { total }, rows))
    }

    fn failure(&self, reader: &mut RowReader, order: &FactOrder, id: u64) -> Result<Vec<u8>> {
        let record = read::record(&self.db, self.seals, reader, id)?;
        let fact = Fact { record, ordered_ts: order.ts, place: order.place };
        let mut row = Vec::new();
        append_row(&RecentFailure::of(&fact), &mut row);
        Ok(row)
    }

    /// Hands out failing facts that a question selects, the latest first, until there are so many: facts of one
    /// instant keep their total order (M-110).
    fn latest(
        &self,
        question: &Question,
        enough: u64,
        take: &mut dyn FnMut(&Self, &FactOrder, u64) -> Result<()>,
    ) -> Result<()> {
        let filters = question.filters();
        let (mut instant, mut count) = (Vec::<(FactOrder, u64)>::new(), 0);
        self.walk(question, true, &mut |index, fact| {
            if !filters.policy_code_is(&fact.policy) {
                return Ok(Walk::On);
            }
            if instant.first().is_some_and(|(first, _)| first.ts != fact.order.ts) {
                for (order, id) in instant.drain(..).rev() {
                    take(index, &order, id)?;
                }
            }
            if count >= enough && instant.is_empty() {
                return Ok(Walk::Enough);
            }
            count += 1;
            instant.push((fact.order, fact.id));
            Ok(Walk::On)
        })?;
        instant.into_iter().rev().try_for_each(|(order, id)| take(self, &order, id))
    }

    /// Walks over the facts of a view that filters select, by the total order or from its end.
    fn walk(
        &self,
        question: &Question,
        from_end: bool,
        take: &mut dyn FnMut(&Self, Selected) -> Result<Walk>,
    ) -> Result<()> {
        let (view, filters, seen) = (question.view(), question.filters(), &mut Seen::default());
        if let Some(few) = self.of_few_lines(question)? {
            let ordered: Box<dyn Iterator<Item = Selected>> =
                if from_end { Box::new(few.into_iter().rev()) } else { Box::new(few.into_iter()) };
            for fact in ordered {
                if take(self, fact)? == Walk::Enough {
                    break;
                }
            }
            return Ok(());
        }
        let code = match &filters.failure_reason_code {
            Some(code) => match read::word_id(&self.db, code.as_str())? {
                Some(id) => Some(id),
                None => return Ok(()),
            },
            None => None,
        };
        let direction = if from_end { "DESC" } else { "ASC" };
        let mut select = self.db.prepare_cached(&format!(
            "SELECT place, id, line, code, policy, flags, seal FROM facts WHERE flags & ?1 AND (?2 IS NULL OR code = ?2)
             ORDER BY place {direction}"
        ))?;
        let mut rows = select.query(rusqlite::params![flag(view), code])?;
        while let Some(row) = rows.next()? {
            let place = row.get_ref(0)?.as_blob()?;
            let (id, line, code, policy): (u64, i64, i64, _) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
            if self.seals.of_fact(place, id, line, code, policy, row.get(5)?) != row.get_ref(6)?.as_blob()? {
                return Err(super::Error::Unfit("a fact is not the one that was written"));
            }
            let order = order(place)?;
            let (line, code) = (self.line_of(seen, line)?, self.code_of(seen, code)?);
            if filters.select_by(&line, &code, &order.run_id, order.ts) {
                let fact = Selected { order, id, line, code, policy: self.policy(seen, policy)? };
                if take(self, fact)? == Walk::Enough {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The facts that a question selects, in total order, when its filters leave so few task lines that these are
    /// sooner read than the total order; `None` when they do not.
    fn of_few_lines(&self, question: &Question) -> Result<Option<Vec<Selected>>> {
        let filters = question.filters();
        if filters.target_id.is_none() && (filters.action_kind.is_none() || filters.target_kind.is_none()) {
            return Ok(None);
        }
        let (mut reader, mut rows, mut facts) = (RowReader::default(), Vec::new(), 0);
        let most = self.tallies()?.facts / FEW;
        let ids: Vec<i64> = {
            let mut select = self.db.prepare_cached("SELECT id FROM lines")?;
            let ids = select.query_map([], |row| row.get(0))?;
            ids.collect::<std::result::Result<_, _>>()?
        };
        for id in ids {
            let line = self.line_of(&mut Seen::default(), id)?;
            if filters.select_line(&line) {
                let row = read::task_row(&self.db, self.seals, &mut reader, id)?;
                facts += row.facts.len() as u64;
                rows.push((line, row));
            }
            if facts > most {
                return Ok(None);
            }
        }
        let mut selected = Vec::new();
        for (line, row) in rows {
            for known in &row.facts {
                let fact = read::fact(&self.db, self.seals, &mut reader, known)?;
                let code = &fact.keys.failure_reason_code;
                let picked = filters.select_by(&line, code, &fact.run_id, fact.ordered_ts);
                if picked && flags(&fact) & flag(question.view()) != 0 {
                    let policy = fact.policy_reason_code().map_or("", |code| code.as_str()).into();
                    let code = Rc::new(code.clone());
                    selected.push(Selected { order: fact.order(), id: known.id, line: Rc::clone(&line), code, policy });
                }
            }
        }
        selected.sort_unstable_by(|a, b| a.order.cmp(&b.order));
        Ok(Some(selected))
    }

    fn line_of(&self, seen: &mut Seen, id: i64) -> Result<Rc<TaskLine>> {
        if let Some(line) = seen.lines.get(&id) {
            return Ok(Rc::clone(line));
        }
        let mut select = self.db.prepare_cached("SELECT row, seal FROM lines WHERE id = ?1")?;
        let mut rows = select.query([id])?;
        let row = rows.next()?.fits("a task line is missing")?;
        let bytes = row.get_ref(0)?.as_blob()?;
        self.seals.check(Table::Lines, &id.to_le_bytes(), bytes, row.get_ref(1)?.as_blob()?)?;
        let line = Rc::new(line_of(bytes).fits("a row of a task line has another form")?);
        seen.lines.insert(id, Rc::clone(&line));
        Ok(line)
    }

    fn code_of(&self, seen: &mut Seen, id: i64) -> Result<Rc<FailureReasonCode>> {
        if let Some(code) = seen.codes.get(&id) {
            return Ok(Rc::clone(code));
        }
        let code = Rc::new(read::word(&self.db, id)?.parse().ok().fits("a reason code is none")?);
        seen.codes.insert(id, Rc::clone(&code));
        Ok(code)
    }

    fn policy(&self, seen: &mut Seen, id: Option<i64>) -> Result<Rc<str>> {
        if let Some(policy) = seen.policies.get(&id) {
            return Ok(Rc::clone(policy));
        }
        let policy: Rc<str> = id.map_or_else(|| Ok(String::new()), |id| read::word(&self.db, id))?.into();
        seen.policies.insert(id, Rc::clone(&policy));
        Ok(policy)
    }

    /// The rows of a view that counts, in its order.
    fn counted(&self, question: &Question) -> Result<Vec<Vec<u8>>> {
        let filters = question.filters();
        if question.view() == View::GateRollup {
            let rollups = if picks_rows(question) { self.gate_sums()? } else { self.gates_of(question)? };
            let asked = |row: &&GateRollup| {
                filters.gate_is(&row.gate_id)
                    && filters.failure_reason_code.as_ref().is_none_or(|code| *code == row.failure_reason_code)
            };
            return Ok(rollups.rows().iter().filter(asked).map(bytes_of).collect());
        }
        let denials = if picks_rows(question) { self.denial_sums()? } else { self.denials_of(question)? };
        let asked =
            |row: &&GuardDenial| filters.guard_is(&row.guard_id) && filters.policy_code_is(&row.policy_reason_code);
        Ok(denials.rows().iter().filter(asked).map(bytes_of).collect())
    }

    fn gate_sums(&self) -> Result<GateRollups> {
        let mut rollups = GateRollups::default();
        for (name, total) in self.totals(View::GateRollup)? {
            let (code, gate): (FailureReasonCode, dome_core::GateId) = json(name.as_bytes())?;
            let [fail_count, pass_count, skip_count] = total.counts;
            rollups.add_row(GateRollup {
                fail_count,
                failure_reason_code: code,
                first_ts: total.first_ts,
                gate_id: gate,
                last_ts: total.last_ts,
                pass_count,
                run_count: total.runs,
                skip_count,
            });
        }
        Ok(rollups)
    }

    fn denial_sums(&self) -> Result<GuardDenials> {
        let mut denials = GuardDenials::default();
        for (name, total) in self.totals(View::GuardDenials)? {
            let (code, guard): (String, String) = json(name.as_bytes())?;
            let [denial_count, stop_count, _] = total.counts;
            denials.add_row(GuardDenial {
                denial_count,
                failure_reason_codes: total.beside.into_keys().collect(),
                first_ts: total.first_ts,
                guard_id: guard,
                last_ts: total.last_ts,
                policy_reason_code: code,
                run_count: total.runs,
                stop_count,
            });
        }
        Ok(denials)
    }

    fn gates_of(&self, question: &Question) -> Result<GateRollups> {
        let mut rollups = GateRollups::default();
        self.by_run(question, &mut |facts| rollups.add_run(facts))?;
        Ok(rollups)
    }

    fn denials_of(&self, question: &Question) -> Result<GuardDenials> {
        let mut denials = GuardDenials::default();
        self.by_run(question, &mut |facts| denials.add_run(facts))?;
        Ok(denials)
    }

    /// Hands out the facts that a question selects, run by run.
    fn by_run(&self, question: &Question, take: &mut dyn FnMut(&[Fact])) -> Result<()> {
        let mut runs: BTreeMap<RunId, Vec<(FactOrder, u64)>> = BTreeMap::new();
        self.walk(question, false, &mut |_, fact| {
            runs.entry(fact.order.run_id.clone()).or_default().push((fact.order, fact.id));
            Ok(Walk::On)
        })?;
        let mut reader = RowReader::default();
        for facts in runs.into_values() {
            let mut fact = |(order, id): (FactOrder, u64)| {
                let record = read::record(&self.db, self.seals, &mut reader, id)?;
                Ok(Fact { record, ordered_ts: order.ts, place: order.place })
            };
            let facts: Vec<Fact> = facts.into_iter().map(&mut fact).collect::<Result<_>>()?;
            take(&facts);
        }
        Ok(())
    }

    fn totals(&self, view: View) -> Result<Vec<(String, Total)>> {
        let mut select = self.db.prepare_cached("SELECT name, row, seal FROM totals WHERE view = ?1 ORDER BY name")?;
        let mut rows = select.query([view.tag()])?;
        let mut totals = Vec::new();
        while let Some(row) = rows.next()? {
            let (name, bytes): (String, _) = (row.get(0)?, row.get_ref(1)?.as_blob()?);
            self.seals.check(Table::Totals, name.as_bytes(), bytes, row.get_ref(2)?.as_blob()?)?;
            totals.push((name, json(bytes)?));
        }
        let tallies = self.tallies()?;
        let expected = if view == View::GateRollup { tallies.gate_rows } else { tallies.denial_rows };
        (expected == totals.len() as u64).then_some(totals).fits("a row of a view is missing")
    }

    /// Filters whose value no row of the whole view has.
    fn unmatched(&self, question: &Question) -> Result<Vec<Unmatched>> {
        let mut known: BTreeMap<Filter, BTreeSet<String>> = BTreeMap::new();
        for (filter, _) in question.filters().given() {
            known.insert(filter, self.values(question.view(), filter)?);
        }
        Ok(unmatched_among(question, |filter| known.get(&filter).cloned().unwrap_or_default()))
    }

    /// What the facts of a whole view give a filter to look at.
    fn values(&self, view: View, filter: Filter) -> Result<BTreeSet<String>> {
        let pairs = |view| -> Result<Vec<(String, String)>> {
            self.totals(view)?.into_iter().map(|(name, _)| json(name.as_bytes())).collect()
        };
        match filter {
            Filter::Gate => return Ok(pairs(View::GateRollup)?.into_iter().map(|(_, gate)| gate).collect()),
            Filter::Guard => return Ok(pairs(View::GuardDenials)?.into_iter().map(|(_, guard)| guard).collect()),
            Filter::PolicyReasonCode if view == View::GuardDenials => {
                return Ok(pairs(view)?.into_iter().map(|(code, _)| code).collect());
            }
            _ => {}
        }
        let whole = Question::new(view, Filters::default())
            .map_err(|_| super::Error::Broken("every view can be asked whole"))?;
        let mut values = BTreeSet::new();
        self.walk(&whole, false, &mut |_, fact| {
            let value = match filter {
                Filter::Scope => fact.line.scope.as_str(),
                Filter::TargetKind => fact.line.target_kind.as_str(),
                Filter::TargetId => fact.line.target_id.as_str(),
                Filter::ActionKind => fact.line.action_kind.as_str(),
                Filter::FailureReasonCode => fact.code.as_str(),
                Filter::Run => fact.order.run_id.as_str(),
                Filter::PolicyReasonCode => &*fact.policy,
                Filter::Gate | Filter::Guard | Filter::Since | Filter::Until => return Ok(Walk::Enough),
            };
            if !values.contains(value) {
                values.insert(value.to_owned());
            }
            Ok(Walk::On)
        })?;
        Ok(values)
    }
}

/// Whether every row of the whole view is in the answer as it stands, or not at all: no filter selects among the facts
/// that a row counts together.
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
