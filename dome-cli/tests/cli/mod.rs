//! The verbs on results, one file for each, and what all of them keep to.

mod bad;
mod check;
mod contracts;
mod convert;
mod described;
mod explain;
mod failing;
mod golden;
mod guard;
mod hostile;
mod joined;
mod lookup;
mod modes;
mod plan;
mod priors;
mod query;
mod redact;
mod replay;
mod rollout;
mod spill;
mod stable;
mod verify;
