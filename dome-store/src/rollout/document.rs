//! `rollout.json`: how far a store lets dome go, and by what right. It is replaced whole, never written into, and is no
//! part of what the log is the truth of.

use dome_binder::priors::{OwnersWord, Rollout};
use dome_binder::rollout::RolloutPolicy;
use dome_core::{Sha256Hash, Timestamp};
use dome_replay::error::Result;
use serde::{Deserialize, Serialize};

use crate::folder::StoreFolder;
use crate::signed::{self, SignedDocument};

/// How far a store lets dome go, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreRollout {
    /// With `prescriptive`: what it was earned by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earned: Option<RolloutEarned>,
    /// The version of this document.
    #[schemars(extend("const" = "1"))]
    pub format_version: String,
    /// How old what was earned may be.
    pub max_age: RolloutAge,
    /// How far dome may go.
    pub mode: Rollout,
    /// With `prescriptive`: who lets it, though it was not earned.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<OwnersWord>,
    /// The identity of the store that it is of.
    pub store: String,
}

/// How old an earned status may be, in canonical order. What is older lets nothing be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RolloutAge {
    /// Facts that the store has more than the snapshot, at most.
    pub facts: u64,
    /// Seconds from the last fact of the snapshot to the last one of the store, at most.
    pub seconds: u64,
}

impl Default for RolloutAge {
    /// Thirty days, as for the staleness of a capsule (M-94), and 100,000 facts.
    fn default() -> Self {
        Self { facts: 100_000, seconds: 2_592_000 }
    }
}

/// What `prescriptive` was earned by, in canonical order: all of it has to be so still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RolloutEarned {
    /// The ordered time of the snapshot's last fact: the instant of the judgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// The files with the answers that were scored, by SHA-256, sorted.
    pub answers: Vec<Sha256Hash>,
    /// Decisions of the backtest that an answer was scored by.
    pub answers_scored: u64,
    /// Facts of the snapshot.
    pub facts: u64,
    /// The model that it was judged under.
    pub model_version: String,
    /// The position of the last entry of the log that was judged.
    pub position: u64,
    /// What the mode had to show.
    pub rollout_policy: RolloutPolicy,
    /// The digest of what the store derived by: mode, policy, reason codes.
    pub settings_digest: Sha256Hash,
    /// Which facts it was judged on (M-120).
    pub snapshot_digest: Sha256Hash,
}

impl StoreRollout {
    /// That of a store that nobody set one for: `guided`.
    pub(super) fn unset(store: &str) -> Self {
        Self {
            earned: None,
            format_version: Self::VERSION.to_owned(),
            max_age: RolloutAge::default(),
            mode: Rollout::default(),
            overridden: None,
            store: store.to_owned(),
        }
    }

    /// What stands in a store with this identity.
    ///
    /// # Errors
    ///
    /// When it is damaged, of another store or of another version: nobody knows then how far dome may go.
    pub(super) fn read(folder: &StoreFolder, store: &str) -> Result<Self> {
        Ok(signed::read(folder, store)?.unwrap_or_else(|| Self::unset(store)))
    }
}

impl SignedDocument for StoreRollout {
    const NAME: &'static str = "rollout.json";
    const MEMBER: &'static str = "rollout";
    const VERSION: &'static str = "1";
    const MOST_BYTES: u64 = 1 << 20;
    const MEND: (&'static str, &'static str) = ("dome store rollout set MODE --store", "writes it again");

    fn store(&self) -> &str {
        &self.store
    }

    /// `prescriptive` has one right, the others need none.
    fn is_possible(&self) -> bool {
        let rights = u64::from(self.earned.is_some()) + u64::from(self.overridden.is_some());
        rights == u64::from(self.mode == Rollout::Prescriptive)
    }
}
