//! `rollout.json`: how far a store lets dome go, and by what right. It is replaced whole, never written into, and is no
//! part of what the log is the truth of.

use dome_binder::priors::{Rollout, RolloutOverride};
use dome_binder::rollout::RolloutPolicy;
use dome_core::{Sha256Hash, Timestamp, canonical, escaped_path};
use dome_replay::error::{Error, Invariant, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::folder::StoreFolder;

pub(super) const NAME: &str = "rollout.json";
const FORMAT_VERSION: &str = "1";
/// More than the document ever takes.
const MOST_BYTES: u64 = 1 << 20;

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
    pub overridden: Option<RolloutOverride>,
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

/// As it is written: with the digest of the rest.
#[derive(Serialize)]
struct SignedRollout<'r> {
    digest: Sha256Hash,
    rollout: &'r StoreRollout,
}

impl StoreRollout {
    /// That of a store that nobody set one for: `guided`.
    pub(super) fn unset(store: &str) -> Self {
        Self {
            earned: None,
            format_version: FORMAT_VERSION.to_owned(),
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
        let Some(bytes) = folder.bytes(NAME, MOST_BYTES)? else { return Ok(Self::unset(store)) };
        let refused = |why: &str| {
            Error::invalid(format!(
                "`{}` {why}; `dome store rollout set MODE --store {}` writes it again",
                folder.named(NAME),
                escaped_path(folder.path())
            ))
        };
        let damaged = || refused("is damaged: it is not what dome wrote");
        let document: Value = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        let (digest, body) = (document.get("digest").and_then(Value::as_str), document.get("rollout"));
        let body = body.ok_or_else(damaged)?;
        let found = canonical::to_vec(body).map(|bytes| Sha256Hash::of(&bytes).to_string()).map_err(|_| damaged())?;
        if digest != Some(found.as_str()) {
            return Err(damaged());
        }
        if body.get("format_version").and_then(Value::as_str) != Some(FORMAT_VERSION) {
            return Err(refused("is of another version of dome"));
        }
        let read: Self = serde_json::from_value(body.clone()).map_err(|_| damaged())?;
        if read.store != store {
            return Err(refused("is of another store"));
        }
        if read.is_possible() { Ok(read) } else { Err(damaged()) }
    }

    /// Whether dome could have written it: `prescriptive` has one right, the others need none.
    fn is_possible(&self) -> bool {
        let rights = u64::from(self.earned.is_some()) + u64::from(self.overridden.is_some());
        rights == u64::from(self.mode == Rollout::Prescriptive)
    }

    /// Replaces what stands there: whole, or not at all.
    pub(super) fn write(&self, folder: &StoreFolder) -> Result<()> {
        let body = canonical::to_vec(self).invariant("a rollout has canonical bytes")?;
        let signed = SignedRollout { digest: Sha256Hash::of(&body), rollout: self };
        let mut bytes = canonical::to_vec(&signed).invariant("a rollout has canonical bytes")?;
        bytes.push(b'\n');
        folder.replace(NAME, &bytes)
    }
}
