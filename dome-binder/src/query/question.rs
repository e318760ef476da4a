//! A question that can be asked: a view with filters that it takes.

use dome_core::{Sha256Hash, Timestamp};

use super::cursor::{Cursor, CursorError};
use super::filter::Filter;
use super::filters::Filters;
use super::view::View;

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
    #[error("filter `{filter}` does not apply to `{}`, which takes {}", view.short(), listed(*view))]
    DoesNotApply {
        /// The filter.
        filter: Filter,
        /// The view.
        view: View,
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

fn listed(view: View) -> String {
    view.filters().iter().map(|filter| format!("`{filter}`")).collect::<Vec<_>>().join(", ")
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
        let wrong = filters.given().into_iter().find(|(filter, _)| !view.filters().contains(filter));
        if let Some((filter, _)) = wrong {
            return Err(QuestionError::DoesNotApply { filter, view });
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

    /// Where the rows start that a cursor stands for; without one, at 0.
    ///
    /// # Errors
    ///
    /// [`CursorError`] when the cursor was given out for another snapshot, view or filters.
    pub fn place(&self, snapshot: Sha256Hash, cursor: Option<Cursor>) -> Result<u64, CursorError> {
        cursor.map_or(Ok(0), |cursor| cursor.place(self.view, snapshot, self.filters.digest()))
    }
}
