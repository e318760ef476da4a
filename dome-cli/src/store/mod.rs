//! The store: a log of everything that was ingested, and an index of what it comes to.

pub(crate) mod door;
pub(crate) mod export;
mod history;
mod index;
mod lock;
mod log;
mod quarantine;
mod settings;
mod snapshot;
mod status;
mod verbs;
pub(crate) mod verify;
mod writer;

pub(crate) use log::{Admitted, Checkpoint, Entry, Raw, Rejected, Segments, Session, Unfinished};
pub(crate) use quarantine::{Retried, Shown};
pub(crate) use settings::{StoreSettings, given};
pub(crate) use snapshot::{Acknowledged, Snapshot};
pub(crate) use status::Status;
pub(crate) use verbs::run;
pub(crate) use verify::Report;
pub(crate) use writer::{Pending, Writer};
