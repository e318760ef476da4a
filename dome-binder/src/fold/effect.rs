//! What a fact did to the capsules of its line.

use dome_core::Sha256Hash;
use serde::Serialize;

/// What a fact did to one capsule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The capsule's derived key.
    pub key: Sha256Hash,
    /// What it did.
    pub what: Happened,
}

/// What happened to a capsule. Remedies are meant by their identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happened {
    /// The fact minted it (M-80).
    Minted,
    /// It failed (M-81 b, c).
    Failed {
        /// An earlier fact at the same subject had passed.
        intermittent: bool,
        /// What was known to be broken at that subject is no news.
        stale: bool,
    },
    /// A row began (M-77).
    RowBegan {
        /// Runs of earlier failures, in reach.
        failed_runs: u64,
        /// Runs of earlier successes, in reach.
        passed_runs: u64,
    },
    /// It failed once more in its row (M-81 d, M-87).
    Again {
        /// What was tried in vain.
        #[serde(skip_serializing_if = "Option::is_none")]
        remedy: Option<Sha256Hash>,
    },
    /// It failed while its resolution was not yet proven (M-81 d).
    Contradicted {
        /// What had resolved it.
        #[serde(skip_serializing_if = "Option::is_none")]
        remedy: Option<Sha256Hash>,
    },
    /// It came back after its resolution was proven (M-81 d).
    Recurred,
    /// A rerun of it ended (M-86).
    Reran {
        /// Which rerun of its episode, from 1 to 3.
        number: u64,
        /// Whether it passed.
        passed: bool,
    },
    /// Earlier failures at the same subject turned out to be intermittent (M-82 a).
    TurnedIntermittent {
        /// How many.
        failures: u64,
    },
    /// It passed, and nothing says that anything was mended (M-82 b).
    Cleared,
    /// It was resolved (M-82 b, d).
    Resolved {
        /// Clean runs that prove it gone; 0 for a momentary remedy, which proves nothing.
        clean_needed: u64,
        /// What resolved it.
        #[serde(skip_serializing_if = "Option::is_none")]
        remedy: Option<Sha256Hash>,
    },
    /// It had one more clean run (M-82 c).
    CleanRun {
        /// Clean runs so far.
        clean_count: u64,
        /// How many are needed.
        clean_needed: u64,
    },
    /// Its resolution was proven (M-82 c).
    Held {
        /// What had resolved it.
        #[serde(skip_serializing_if = "Option::is_none")]
        remedy: Option<Sha256Hash>,
    },
    /// Work on it was given up (M-87).
    GivenUp,
}
