//! What is asked: the result of a replay (`--from`), or a store (`--store`), the same way.

use std::path::{Path, PathBuf};

use clap::Args;
use dome_binder::{Ledger, Rules};
use dome_store::index::{self, FactsIn, Indexed};

use crate::output::Watching;

/// Where facts are.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct FactsArgs {
    /// The result to ask (what `dome replay --out` wrote)
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// The store to ask (what `dome ingest --store` keeps)
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

impl FactsArgs {
    fn place(&self) -> FactsIn<'_> {
        match (&self.store, &self.from) {
            (Some(store), _) => FactsIn::Store(store),
            (None, from) => FactsIn::Result(from.as_deref().unwrap_or(Path::new("."))),
        }
    }

    pub(crate) fn shown(&self) -> String {
        let (FactsIn::Result(path) | FactsIn::Store(path)) = self.place();
        path.display().to_string()
    }

    pub(crate) fn ask<T>(&self, question: impl Fn(&mut Indexed) -> index::Result<T>) -> dome_store::Result<T> {
        self.place().ask(&Watching::new("deriving"), question)
    }

    /// The facts in total order, and what they are bound by: with this policy, if one is given.
    pub(crate) fn history(&self, policy: Option<&Path>) -> anyhow::Result<(Ledger, Rules)> {
        let policy = policy.map(dome_replay::policy).transpose()?;
        let (ledger, own) = self.place().history(&Watching::new("deriving"))?;
        Ok((ledger, Rules { policy: policy.unwrap_or_else(|| own.policy.clone()), ..own }))
    }
}
