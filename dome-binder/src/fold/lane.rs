//! One lane of a task line: which failures are open, which are resolved (M-81, M-82).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dome_core::{Remedy, Sha256Hash, Timestamp};

use crate::fold::guards::Guards;
use crate::settle::Fact;

/// One change that a fact made to a capsule's counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It minted: `support_count`, and what M-80 counts beside it.
    Supported {
        /// The capsule's derived key.
        key: Sha256Hash,
        /// Whether its run is new to the capsule: `run_count`.
        new_run: bool,
    },
    /// It failed: `failure_count` (M-81).
    Failed {
        /// The capsule's derived key.
        key: Sha256Hash,
    },
    /// It failed soon after a resolution: `contradiction_count` (M-81).
    Contradicted {
        /// The capsule's derived key.
        key: Sha256Hash,
        /// The identity of the remedy that had resolved it.
        remedy: Option<Sha256Hash>,
    },
    /// It failed long after a resolution: `recurrence_count` (M-81).
    Recurred {
        /// The capsule's derived key.
        key: Sha256Hash,
    },
    /// It resolved an open failure: `resolved_count` (M-82).
    Resolved {
        /// The capsule's derived key.
        key: Sha256Hash,
        /// What resolved it.
        remedy: Option<(Sha256Hash, Arc<Remedy>)>,
        /// Whether its run had not resolved it by that remedy before: the remedy's `count`.
        new_run: bool,
    },
}

impl Effect {
    /// The capsule whose counters change.
    #[must_use]
    pub const fn key(&self) -> Sha256Hash {
        match self {
            Self::Supported { key, .. }
            | Self::Failed { key }
            | Self::Contradicted { key, .. }
            | Self::Recurred { key }
            | Self::Resolved { key, .. } => *key,
        }
    }
}

#[derive(Clone, Debug)]
struct Resolution {
    at: Timestamp,
    remedy: Option<Sha256Hash>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct LaneState {
    open: BTreeSet<Sha256Hash>,
    resolved: BTreeMap<Sha256Hash, Resolution>,
    pub(super) guards: Guards,
}

impl LaneState {
    /// A minting fact that fails (M-81).
    pub(super) fn fail(&mut self, fact: &Fact, window_s: u64) -> Vec<Effect> {
        let key = fact.keys.derived;
        let mut effects = vec![Effect::Failed { key }];
        if let Some(resolution) = self.resolved.remove(&key) {
            effects.push(if fact.ordered_ts.is_later_by_more_than(resolution.at, window_s) {
                Effect::Recurred { key }
            } else {
                Effect::Contradicted { key, remedy: resolution.remedy }
            });
        }
        self.open.insert(key);
        effects
    }

    /// A fact that succeeds: every open key that it passes is resolved (M-82).
    pub(super) fn succeed(&mut self, fact: &Fact, is_passed: impl Fn(&Sha256Hash) -> bool) -> Vec<Effect> {
        let passed: Vec<Sha256Hash> = self.open.iter().filter(|key| is_passed(key)).copied().collect();
        let identity = fact.remedy.as_ref().map(|remedy| remedy.identity());
        for key in &passed {
            self.open.remove(key);
            self.resolved.insert(*key, Resolution { at: fact.ordered_ts, remedy: identity });
        }
        let remedy = || identity.zip(fact.remedy.clone());
        passed.into_iter().map(|key| Effect::Resolved { key, remedy: remedy(), new_run: false }).collect()
    }
}
