//! `dome ingest` and `dome store` as their users meet them: sources that grow, change and repeat, files
//! that are followed, the inbox, the quarantine, secrets and rules.

mod documents;
mod follow;
mod inbox;
mod late;
mod quarantine;
mod rules;
mod secrets;
mod sources;
mod steps;
mod watermark;
