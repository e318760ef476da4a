//! Finding the rows that a question asks for, in a result or a store.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::append_row;
use dome_binder::query::{
    Cursor, Filter, Filters, Limit, Page, Question, Unmatched, View, rows, rows_written, unmatched, unmatched_among,
    unmatched_written,
};
use dome_binder::views::recent_failures;
use dome_core::Sha256Hash;
use serde::Serialize;

use super::args::Asked;
use crate::exit::usage;
use crate::known::{At, Known};
use crate::lookup::{self, Indexing, Lookup};

/// The first line of an answer as JSON, in canonical order. Rows of the view follow, one a line.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Header {
    /// The filters that were asked for.
    pub(crate) filters: Filters,
    /// The version of this layout.
    pub(crate) format_version: &'static str,
    /// Rows that a page has at most.
    pub(crate) limit: Limit,
    /// What `--cursor` takes for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Cursor>,
    /// Rows that follow.
    pub(crate) rows: u64,
    /// Which facts the answer is of.
    pub(crate) snapshot_digest: Sha256Hash,
    /// Rows of the whole answer that come before this page.
    pub(crate) start: u64,
    /// Rows of the whole answer.
    pub(crate) total: u64,
    /// The view, by its full name.
    #[schemars(with = "String")]
    pub(crate) view: View,
}

/// A page as it was found: rows as the bytes that the artifact would have.
pub(super) struct Found {
    pub(super) view: View,
    pub(super) header: Header,
    /// Rows of JSON, each with its line feed.
    pub(super) rows: Vec<u8>,
    /// Filters that nothing matches, looked at when the answer is empty.
    pub(super) unmatched: Vec<Unmatched>,
}

impl Asked {
    /// Where the page starts.
    ///
    /// # Errors
    ///
    /// When the cursor was given out for another snapshot, view or filters.
    fn place(&self, snapshot: Sha256Hash) -> anyhow::Result<u64> {
        self.question.place(snapshot, self.cursor).map_err(usage)
    }

    fn page<R>(&self, all: Vec<R>, snapshot: Sha256Hash) -> anyhow::Result<Page<R>> {
        Page::cut(&self.question, all, snapshot, self.limit, self.cursor).map_err(usage)
    }

    /// A page as it is answered, its rows written already.
    fn found<R>(&self, page: &Page<R>, rows: Vec<u8>, snapshot: Sha256Hash) -> Found {
        let header = Header {
            filters: self.question.filters().clone(),
            format_version: "1",
            limit: self.limit,
            next: page.next,
            rows: page.rows.len() as u64,
            snapshot_digest: snapshot,
            start: page.start,
            total: page.total,
            view: self.question.view(),
        };
        Found { view: self.question.view(), header, rows, unmatched: Vec::new() }
    }
}

/// Asks a result or a store: its index, or else the view as it was written, or else all its facts.
pub(super) fn find(at: &At, indexing: Indexing, asked: &Asked) -> anyhow::Result<Found> {
    if let Some(found) = lookup::ask(at, indexing, |lookup| in_index(lookup, asked))? {
        return Ok(found);
    }
    let known = at.open()?;
    // A cursor that does not fit is refused before a fact is read.
    asked.place(known.snapshot_digest())?;
    match in_view(&known, asked)? {
        Some(found) => Ok(found),
        None => in_facts(known, asked),
    }
}

fn in_facts(known: Known, asked: &Asked) -> anyhow::Result<Found> {
    let snapshot = known.snapshot_digest();
    let facts = known.into_ledger()?.facts;
    let page = asked.page(rows(&asked.question, &facts), snapshot)?;
    let mut found = asked.found(&page, written(&page.rows), snapshot);
    if page.total == 0 {
        found.unmatched = unmatched(&asked.question, &facts);
    }
    Ok(found)
}

/// The same answer from the view as it was written; `None` when it does not stand there.
fn in_view(known: &Known, asked: &Asked) -> anyhow::Result<Option<Found>> {
    let (snapshot, question) = (known.snapshot_digest(), &asked.question);
    if !question.picks_rows() {
        return Ok(None);
    }
    let Some(view) = known.view(question.view())? else { return Ok(None) };
    let Some(rows) = rows_written(question, &view) else { return Ok(None) };
    let page = asked.page(rows, snapshot)?;
    let mut found = asked.found(&page, page.rows.concat(), snapshot);
    if page.total == 0 {
        let Some(unmatched) = unmatched_written(question, &view) else { return Ok(None) };
        found.unmatched = unmatched;
    }
    Ok(Some(found))
}

/// The same answer from an index; `None` when it does not fit its facts.
fn in_index(lookup: &Lookup, asked: &Asked) -> anyhow::Result<Option<Found>> {
    let (snapshot, question) = (lookup.about.snapshot, &asked.question);
    asked.place(snapshot)?;
    let mut found = if question.view() == View::RecentFailures {
        let Some(positions) = lookup.columns.recent_failures(question.filters()) else { return Ok(None) };
        let page = asked.page(positions, snapshot)?;
        let Some(facts) = lookup.bring(&page.rows.iter().copied().collect()) else { return Ok(None) };
        asked.found(&page, written(&recent_failures(facts.facts()).collect::<Vec<_>>()), snapshot)
    } else {
        let Some(tally) = lookup.columns.tally(question) else { return Ok(None) };
        let page = asked.page(tally.rows(), snapshot)?;
        asked.found(&page, written(&page.rows), snapshot)
    };
    if found.header.total == 0 {
        let Some(unmatched) = in_values(lookup, question) else { return Ok(None) };
        found.unmatched = unmatched;
    }
    Ok(Some(found))
}

/// Filters that nothing matches, by the values of an index.
fn in_values(lookup: &Lookup, question: &Question) -> Option<Vec<Unmatched>> {
    let given = question.filters().given().into_iter().map(|(filter, _)| filter);
    let values = |filter| Some((filter, lookup.columns.values(question.view(), filter)?));
    let known: BTreeMap<Filter, BTreeSet<String>> = given.map(values).collect::<Option<_>>()?;
    Some(unmatched_among(question, |filter| known.get(&filter).cloned().unwrap_or_default()))
}

fn written<R: Serialize>(rows: &[R]) -> Vec<u8> {
    let mut bytes = Vec::new();
    rows.iter().for_each(|row| append_row(row, &mut bytes));
    bytes
}
