//! What is asked: the result of a replay (`--from`), or a store (`--store`), the same way.

use std::path::{Path, PathBuf};

use clap::Args;
use dome_binder::query::View;
use dome_binder::{Ledger, Replay, Rules};
use dome_core::{Sha256Hash, Timestamp};
use serde_json::Value;

use crate::result::ResultDir;
use crate::store::Snapshot;

/// Where facts are.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct At {
    /// The result to ask (what `dome replay --out` wrote)
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// The store to ask (what `dome ingest --store` keeps)
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

/// Facts that can be asked.
pub(crate) enum Known {
    Result(Box<ResultDir>),
    Store(Box<Snapshot>),
}

impl At {
    /// The store, if one is asked.
    pub(crate) fn store(&self) -> Option<&Path> {
        self.store.as_deref()
    }

    /// The result, unless a store is asked.
    pub(crate) fn result(&self) -> &Path {
        self.from.as_deref().unwrap_or(Path::new("."))
    }

    /// Opens what is asked.
    ///
    /// # Errors
    ///
    /// When there is no result or store, or it cannot be read.
    pub(crate) fn open(&self) -> anyhow::Result<Known> {
        match &self.store {
            Some(store) => Ok(Known::Store(Box::new(Snapshot::read(store)?))),
            None => Ok(Known::Result(Box::new(ResultDir::open(self.result())?))),
        }
    }
}

impl Known {
    /// Which facts these are.
    pub(crate) fn snapshot_digest(&self) -> Sha256Hash {
        match self {
            Self::Result(result) => result.manifest().snapshot_digest,
            Self::Store(store) => store.digest,
        }
    }

    pub(crate) fn rules(&self) -> &Rules {
        match self {
            Self::Result(result) => result.rules(),
            Self::Store(store) => &store.rules,
        }
    }

    /// The instant that staleness is measured at.
    pub(crate) fn as_of(&self) -> Option<Timestamp> {
        match self {
            Self::Result(result) => result.as_of(),
            Self::Store(store) => store.replay.as_of,
        }
    }

    /// How messages name it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Result(result) => result.path().display().to_string(),
            Self::Store(store) => store.path.display().to_string(),
        }
    }

    /// Lines that left no row: blank ones, and repeats of facts.
    pub(crate) fn unlisted(&self) -> (u64, u64) {
        match self {
            Self::Result(result) => result.unlisted(),
            Self::Store(store) => (store.blank, store.replay.ledger.counts.duplicates),
        }
    }

    /// The rows of the quarantine.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub(crate) fn quarantine(&self) -> anyhow::Result<Vec<Value>> {
        match self {
            Self::Result(result) => result.rows("quarantine.jsonl"),
            Self::Store(store) => store.quarantine.iter().map(|row| Ok(serde_json::to_value(row)?)).collect(),
        }
    }

    /// A whole view as it was written; `None` where none is that fits.
    ///
    /// # Errors
    ///
    /// When the facts of a result are not those that its manifest names.
    pub(crate) fn view(&self, view: View) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::Result(result) => result.view(view),
            Self::Store(_) => Ok(None),
        }
    }

    /// The facts in total order.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub(crate) fn into_ledger(self) -> anyhow::Result<Ledger> {
        match self {
            Self::Result(result) => result.ledger(),
            Self::Store(store) => Ok(store.replay.ledger),
        }
    }

    /// Everything that the facts come to.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub(crate) fn into_replay(self) -> anyhow::Result<Replay> {
        match self {
            Self::Result(result) => result.replay(),
            Self::Store(store) => Ok(store.replay),
        }
    }
}
