//! The command as its users meet it: exit codes, files, streams.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[path = "cli/bad.rs"]
mod bad;
#[path = "cli/check.rs"]
mod check;
#[path = "cli/contracts.rs"]
mod contracts;
#[path = "cli/convert.rs"]
mod convert;
#[path = "cli/explain.rs"]
mod explain;
#[path = "cli/failing.rs"]
mod failing;
#[path = "cli/golden.rs"]
mod golden;
#[path = "cli/guard.rs"]
mod guard;
#[path = "cli/harness.rs"]
mod harness;
#[path = "cli/joined.rs"]
mod joined;
#[path = "cli/lookup.rs"]
mod lookup;
#[path = "cli/modes.rs"]
mod modes;
#[path = "cli/plan.rs"]
mod plan;
#[path = "cli/query.rs"]
mod query;
#[path = "cli/redact.rs"]
mod redact;
#[path = "cli/replay.rs"]
mod replay;
#[path = "cli/rollout.rs"]
mod rollout;
#[path = "cli/spill.rs"]
mod spill;
#[path = "cli/stable.rs"]
mod stable;
#[path = "cli/verify.rs"]
mod verify;
#[path = "cli/written.rs"]
mod written;
