//! Strategies for property tests: envelopes as lines of JSON, sound and broken, and whole histories.
//!
//! They are what `dome` tests itself with, and they are public so that whoever reads, stores or
//! sends envelopes can hold their own code to the same laws. Everything comes as text, the way
//! records arrive; a sound line goes through [`dome_core::read`], a broken one names its problem.
//!
//! ```
//! use proptest::prelude::*;
//! proptest!(|(line in dome_arbitrary::envelope_line())| {
//!     let envelope = dome_core::read(&line)?;
//!     prop_assert_eq!(dome_core::read(&envelope.to_canonical())?, envelope);
//! });
//! ```
//!
//! - [`text`]: identifiers, tokens, codes, times, paths and other members' values.
//! - [`envelope`] and [`envelope_line`]: one valid envelope, with aliases, and written oddly.
//! - [`broken_line`]: a line with one known problem; every code that a line alone can have.
//! - [`history`]: few runs, tasks, lanes and codes, so that records meet: duplicates, conflicts,
//!   resolutions, contradictions, recurrences, applied priors, denials.
//! - [`dense_history`]: histories in which the fold of a task line has much to do: rows, reruns, endings and proofs
//!   over few revisions, streams and runs. Sound lines only.
//! - [`placed_codes`]: a reason-code table that says where codes may stand.
//! - [`layout`]: a history in other files, in other order, with repeats.
//! - [`steps`]: not a strategy: how much work something takes, so that a test can hold it to its size.
//!
//! Every strategy shrinks towards the plain: fewer records, defaults, compact JSON. Those of whole records are boxed:
//! what they are made of is compiled here, and not again in every test.

mod broken;
mod codes;
mod dense;
mod dice;
mod envelope;
mod history;
mod layout;
pub mod steps;
pub mod text;
mod write;

pub use broken::{BrokenLine, broken_line};
pub use codes::placed_codes;
pub use dense::dense_history;
pub use dice::{Dice, dice};
pub use envelope::{envelope, envelope_line};
pub use history::{GeneratedHistory, history, history_of, wide_history};
pub use layout::{LaidOutFile, Layout, layout};
pub use write::write_oddly;
