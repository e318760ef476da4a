//! How applications of priors ended (M-84), and applications of what no earlier fact minted (M-44).

use std::collections::BTreeSet;

use dome_core::{RunId, Sha256Hash};
use serde::Serialize;

use crate::fold::{Applied, CapsuleState};

/// How often a capsule was applied, and how that ended (M-84).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppliedCounts {
    /// It helped.
    pub confirmed_count: u64,
    /// It did not help.
    pub refuted_count: u64,
    /// A policy stood in the way.
    pub blocked_count: u64,
}

impl AppliedCounts {
    pub(crate) const fn add(&mut self, application: Application) {
        match application {
            Application::Confirmed => self.confirmed_count += 1,
            Application::Refuted => self.refuted_count += 1,
            Application::Blocked => self.blocked_count += 1,
            _ => {}
        }
    }
}

/// What became of a fact that applied a capsule (M-84, M-44).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Application {
    /// It resolved that failure, here or elsewhere: `confirmed_count`.
    Confirmed,
    /// That failure came in spite of it: `refuted_count`.
    Refuted,
    /// A policy stood in the way: `blocked_count`.
    Blocked,
    /// No fact mints that key.
    Unknown,
    /// Some fact mints that key, but no earlier one.
    TooEarly,
    /// It resolved or contradicted the capsule, or was a rerun of it, and was counted by that.
    CountedByFold,
    /// An earlier fact of its run was counted.
    RunCounted,
    /// It says nothing of the capsule.
    NoOutcome,
}

impl Application {
    /// Whether it is counted; of a run, only the first is.
    pub(crate) const fn is_counted(self) -> bool {
        matches!(self, Self::Confirmed | Self::Refuted | Self::Blocked)
    }
}

/// Tells `observe` how each application of one derived key ended, of all lines, in total order (M-84, M-44).
pub(crate) fn judge(
    mut applied: Vec<Applied>,
    capsule: Option<&CapsuleState>,
    observe: &mut dyn FnMut(&Applied, Application),
) {
    applied.sort_by(|a, b| a.order.cmp(&b.order));
    let mut counted: BTreeSet<&RunId> = BTreeSet::new();
    for fact in &applied {
        let application = match capsule {
            None => Application::Unknown,
            Some(capsule) if capsule.support.first.order >= fact.order => Application::TooEarly,
            Some(_) if fact.spoke_already => Application::CountedByFold,
            Some(_) if counted.contains(&fact.order.run_id) => Application::RunCounted,
            Some(capsule) => ended(fact, &capsule.keys.concept),
        };
        if application.is_counted() {
            counted.insert(&fact.order.run_id);
        }
        observe(fact, application);
    }
}

/// How an application of a capsule with this concept key ended that nothing has counted before (M-84).
pub(crate) fn ended(fact: &Applied, concept: &Sha256Hash) -> Application {
    if fact.resolved.contains(concept) {
        Application::Confirmed
    } else if fact.failed.as_ref() == Some(concept) {
        Application::Refuted
    } else if fact.denied {
        Application::Blocked
    } else {
        Application::NoOutcome
    }
}
