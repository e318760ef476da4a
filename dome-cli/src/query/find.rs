//! Finding the rows that a question asks for, in a result or a store.

use dome_binder::append_row;
use dome_binder::query::{Cursor, Filters, Limit, Question, Unmatched, View, answer, unmatched};
use dome_core::Sha256Hash;
use serde::Serialize;

use super::args::Asked;
use crate::exit::usage;
use crate::known::Known;

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

/// Asks a result or a store.
pub(super) fn in_facts(known: Known, asked: Asked) -> anyhow::Result<Found> {
    let snapshot = known.snapshot_digest();
    let Asked { question, limit, cursor } = asked;
    // A cursor that does not fit is refused before a fact is read.
    question.place(snapshot, cursor).map_err(usage)?;
    let facts = known.into_ledger()?.facts;
    let page = answer(&question, &facts, snapshot, limit, cursor).map_err(usage)?;
    let mut rows = Vec::new();
    page.rows.iter().for_each(|row| append_row(row, &mut rows));
    let unmatched = if page.total == 0 { unmatched(&question, &facts) } else { Vec::new() };
    let header = Header {
        filters: question.filters().clone(),
        format_version: "1",
        limit,
        next: page.next,
        rows: page.rows.len() as u64,
        snapshot_digest: snapshot,
        start: page.start,
        total: page.total,
        view: question.view(),
    };
    Ok(Found { view: Question::view(&question), header, rows, unmatched })
}
