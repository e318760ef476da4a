//! Redaction: secrets masked before a line is read, hashed or kept (feature `redact`).
//!
//! A mask is `[redacted:RULE]`. Rules are the built-in ones, version 2, and what a document adds:
//! patterns, and members to erase. [`Redaction::redact`] goes on until it finds nothing more, so
//! that masking a masked line changes nothing.
//!
//! ```
//! use dome_core::redact::{Redaction, RedactionCounts};
//! let redaction = Redaction::parse(br#"{
//!     "redaction_version": "2",
//!     "members": ["/env/HOSTNAME"],
//!     "patterns": [{"name": "badge", "pattern": "badge-([0-9]+)", "group": 1}]
//! }"#)?;
//! let mut counts = RedactionCounts::default();
//! let masked = redaction.redact(br#"{"env":{"HOSTNAME":"h7"},"message":"badge-1234"}"#, &mut counts);
//! assert_eq!(&*masked, br#"{"env":{"HOSTNAME":"[redacted:member]"},"message":"badge-[redacted:badge]"}"#);
//! assert_eq!(counts.total(), 2);
//! # Ok::<(), dome_core::redact::RedactionError>(())
//! ```

mod assigned;
mod context;
mod decode;
mod document;
mod redaction;
mod rules;
mod scan;
mod shape;
mod walk;

pub use document::{RedactionError, RedactionPattern, RedactionRules};
pub use redaction::{Redaction, RedactionCounts, RedactionSample};
pub use rules::REDACTION_VERSION;
