//! All facts as columns: what an index on a disk keeps, so that a question to a million facts reads
//! a few columns and a few facts instead of all of them.
//!
//! [`columns`] makes the sections of an index from a [`crate::Ledger`]; [`Columns`] answers from them.
//! Numbers are little-endian, texts stand once in a sorted dictionary, and facts are in total order
//! (M-42), so that a span of time is a range. What is answered is what [`crate::query::rows`] and
//! [`crate::explain::find`] answer from facts in memory; property tests hold both to each other.
//!
//! Where sections are kept is the caller's: bytes in, bytes out. A section that is missing or does
//! not fit the others gives `None` rather than an answer; the index is then to be made again.
//!
//! ```
//! use dome_binder::columns::{columns, Columns};
//! use dome_binder::query::Filters;
//! # use dome_binder::{group_by_run, order, settle, Record};
//! # use dome_core::Source;
//! # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
//! # let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
//! # let ledger = order(group_by_run(vec![Box::new(record)]).into_iter().map(settle).collect());
//! let sections = columns(&ledger).ok_or("more facts than an index numbers")?;
//! let index = Columns::new(|section| sections.get(&section).cloned()).ok_or("sections fit")?;
//! assert_eq!(index.recent_failures(&Filters::default()), Some(vec![0]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
mod facts;
mod find;
mod section;
mod select;
mod tally;
mod text;
mod values;

pub use build::columns;
pub use facts::{Columns, Settled};
pub use find::{Needed, Wanted};
pub use section::{COLUMNS_VERSION, Section};
pub use tally::Tally;
