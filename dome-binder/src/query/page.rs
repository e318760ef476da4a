//! A page of an answer.

use dome_core::Sha256Hash;

use super::cursor::{Cursor, CursorError};
use super::limit::Limit;
use super::question::Question;

/// Some rows of an answer, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// How many rows of the answer come before them.
    pub start: u64,
    /// How many rows the whole answer has.
    pub total: u64,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<Cursor>,
}

impl<R> Page<R> {
    /// Cuts a page from a whole answer.
    ///
    /// # Errors
    ///
    /// [`CursorError`] when the cursor does not belong to this answer.
    pub fn cut(
        question: &Question,
        all: Vec<R>,
        snapshot: Sha256Hash,
        limit: Limit,
        cursor: Option<Cursor>,
    ) -> Result<Self, CursorError> {
        let (start, total) = (question.place(snapshot, cursor)?, all.len() as u64);
        if start > 0 && start >= total {
            return Err(CursorError::Damaged);
        }
        let end = total.min(start.saturating_add(limit.rows()));
        let from = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        let rows = all.into_iter().take(from(end)).skip(from(start)).collect();
        let next = (end < total).then(|| question.cursor(snapshot, end));
        Ok(Self { rows, start, total, next })
    }
}
