//! `dome ingest` and `dome store` as their users meet them: sources that grow, change and repeat, files
//! that are followed, the quarantine, secrets, rules, and the index for other tools.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "ingest/documents.rs"]
mod documents;
#[path = "ingest/follow.rs"]
mod follow;
#[path = "cli/harness.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod harness;
#[path = "ingest/late.rs"]
mod late;
#[path = "ingest/quarantine.rs"]
mod quarantine;
#[path = "ingest/rules.rs"]
mod rules;
#[path = "ingest/secrets.rs"]
mod secrets;
#[path = "ingest/sources.rs"]
mod sources;
#[path = "ingest/sql.rs"]
mod sql;
#[path = "ingest/steps.rs"]
mod steps;
#[path = "ingest/watermark.rs"]
mod watermark;
