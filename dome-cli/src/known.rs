//! What is asked: the result of a replay (`--from`), or a store (`--store`), the same way.

use dome_core::escaped_path;
use std::path::{Path, PathBuf};

use clap::Args;
use dome_binder::priors::Priors;
use dome_binder::{Ledger, Rules};
use dome_store::index::{self, FactsIn, Indexed};
use dome_store::rollout::PriorsAsk;

use crate::exit::usage;
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
    /// One of the two, if one is given.
    pub(crate) fn of(from: Option<PathBuf>, store: Option<PathBuf>) -> Option<Self> {
        (from.is_some() || store.is_some()).then_some(Self { from, store })
    }

    fn place(&self) -> FactsIn<'_> {
        match (&self.store, &self.from) {
            (Some(store), _) => FactsIn::Store(store),
            (None, from) => FactsIn::Result(from.as_deref().unwrap_or(Path::new("."))),
        }
    }

    pub(crate) const fn is_store(&self) -> bool {
        self.store.is_some()
    }

    pub(crate) fn shown(&self) -> String {
        let (FactsIn::Result(path) | FactsIn::Store(path)) = self.place();
        escaped_path(path)
    }

    pub(crate) fn ask<T>(&self, question: impl Fn(&mut Indexed) -> index::Result<T>) -> dome_store::Result<T> {
        self.place().ask(&Watching::new("deriving"), question)
    }

    /// A planner's question, answered as far as it may be.
    pub(crate) fn priors(&self, ask: &PriorsAsk<'_>) -> anyhow::Result<Priors> {
        if ask.run_id.is_some() && self.store.is_none() {
            return Err(usage(
                "`--run` asks a store to remember what it prescribed; the result of a replay remembers nothing",
            ));
        }
        Ok(self.place().priors(ask, &Watching::new("deriving"))?)
    }

    /// The facts in total order, and what they are bound by: with this policy, if one is given.
    pub(crate) fn history(&self, policy: Option<&Path>) -> anyhow::Result<(Ledger, Rules)> {
        let policy = policy.map(dome_replay::policy).transpose()?;
        let (ledger, own) = self.place().history(&Watching::new("deriving"))?;
        Ok((ledger, Rules { policy: policy.unwrap_or_else(|| own.policy.clone()), ..own }))
    }
}
