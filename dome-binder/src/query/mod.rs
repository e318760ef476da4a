//! Questions to the three views: typed filters, pages, cursors (M-110).
//!
//! What is asked ([`Question`], [`Limit`], [`Cursor`]) knows nothing of where rows come from.
//! [`answer`] finds them among facts in memory; an index on a disk finds the same rows in its own way, and gives
//! out the same cursors. Same snapshot and filters, same bytes.
//!
//! ```
//! use dome_binder::query::{answer, Filters, Limit, Question, View};
//! # use dome_binder::{group_by_run, order, settle, Record};
//! # use dome_core::Source;
//! # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
//! # let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
//! # let ledger = order(group_by_run(vec![Box::new(record)]).into_iter().map(settle).collect());
//! let filters = Filters { failure_reason_code: Some("TESTS_FAILED".parse()?), ..Filters::default() };
//! let question = Question::new(View::RecentFailures, filters)?;
//! let page = answer(&question, &ledger.facts, ledger.snapshot_digest(), Limit::default(), None)?;
//! assert_eq!((page.rows.len(), page.next), (1, None));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cursor;
mod filter;
mod filters;
mod limit;
mod page;
mod question;
mod rows;
mod suggest;
mod view;

pub use cursor::{Cursor, CursorError};
pub use filter::{Filter, OrEmpty};
pub use filters::Filters;
pub use limit::{Limit, LimitError};
pub use page::Page;
pub use question::{Question, QuestionError};
pub use rows::{Row, answer, rows};
pub use suggest::{SUGGESTIONS, Unmatched, nearest, unmatched, unmatched_among};
pub use view::{View, ViewError};
