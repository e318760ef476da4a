//! Rollout, enforced: a store says how far dome may go, and answers no further.
//!
//! `prescriptive` needs a right: a status that was earned ([`judge`]), as long as it is about what the store is today, or
//! an override that names who and why. What is prescribed is prescribed once in a run ([`crate::index::FactsIn::priors`]).
//!
//! ```
//! use dome_binder::priors::{PriorsQuery, Rollout};
//! use dome_store::index::FactsIn;
//! use dome_store::rollout::{PriorsAsk, RolloutAgeChange, RolloutChange, set, show};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (input, store) = (folder.path().join("night.jsonl"), folder.path().join("memory"));
//! # std::fs::write(&input, dome_core::EXAMPLE_LINE)?;
//! # dome_store::ingest(
//! #     &store,
//! #     dome_store::Ingest {
//! #         inputs: &[input], follow: false, masking: dome_replay::Masking::load(None)?, not_after: None,
//! #         rules: &|_| Ok(dome_replay::load_rules(None, dome_replay::CodeSources::default(), None)?), opening: dome_store::Opening::default(),
//! #     },
//! #     &dome_store::Stop::never(), &mut |_| Ok(()), &(),
//! # )?;
//! assert_eq!(show(&store, &())?.answers_in, Rollout::Guided);
//! set(&store, RolloutChange::Shadow, RolloutAgeChange::default())?;
//! let line = dome_core::read(dome_core::EXAMPLE_LINE)?.task_spec.line();
//! let query = PriorsQuery { rollout: Rollout::Prescriptive, ..PriorsQuery::of(line) };
//! let run_id = "r7".parse()?;
//! let ask = PriorsAsk { query: &query, as_of: None, project: None, run_id: Some(&run_id), is_brief: false };
//! let answer = FactsIn::Store(&store).priors(&ask, &())?;
//! assert_eq!(answer.rollout, Rollout::Shadow);
//! assert_eq!(answer.rollout_terms.unwrap().limits[0].detail, "the rollout mode of the store is `shadow`");
//! # Ok(())
//! # }
//! ```

mod ask;
mod document;
mod once;
mod snapshot;

use std::path::Path;

use dome_binder::priors::{LimitReason, Rollout, RolloutLimit};
use dome_binder::rollout::{RecordedAnswer, RolloutPolicy, RolloutStatus, status};
use dome_binder::{Ledger, MODEL_VERSION, Rules};
use dome_core::{Sha256Hash, Timestamp, canonical};
use dome_replay::Watch;
use dome_replay::error::{Error, Invariant, Result};
use serde::Serialize;

use crate::derived::DerivedStore;
use crate::folder::StoreFolder;
use crate::history::LogHistory;
use crate::index::{FactsIn, Index};
use crate::lock::WriterLock;
use crate::log::{self, StoreManifest};
use crate::settings::StoreSettings;
use crate::signed;
use crate::word;
use crate::writer::StoreLimits;

pub use ask::PriorsAsk;
pub use document::{RolloutAge, RolloutEarned, StoreRollout};
pub use once::REMEMBERED_PRESCRIPTIONS;

/// Whether a store earned `prescriptive`, and what that was judged on.
#[derive(Clone, Debug)]
pub struct JudgedStore {
    /// The judgement.
    pub status: RolloutStatus,
    earned: RolloutEarned,
    /// The facts' digests, sorted.
    facts: Vec<Sha256Hash>,
}

/// Judges whether a store earned `prescriptive`, by the answers that stand in files with these hashes.
///
/// # Errors
///
/// When the store cannot be read, or its log is damaged.
pub fn judge(
    store: &Path,
    (answers, files): (&[RecordedAnswer], &[Sha256Hash]),
    policy: &RolloutPolicy,
    watch: &dyn Watch,
) -> Result<JudgedStore> {
    let derived = DerivedStore::open(store, StoreLimits::default(), watch)?;
    let history = LogHistory::read(&derived.log)?;
    if let Some(damage) = history.damage().first() {
        // What is lost may be what spoke against it.
        return Err(Error::unreproduced(format!(
            "nothing is earned on a damaged log: {damage}; see `dome store verify`"
        )));
    }
    let ledger = Ledger::of(history.records().collect::<Result<_>>()?, &derived.rules.codes);
    let status = status(&ledger, &derived.rules, answers, policy, Rollout::Prescriptive);
    let mut facts: Vec<Sha256Hash> = ledger.facts.iter().map(|fact| fact.keys.digest).collect();
    facts.sort_unstable();
    let mut files = files.to_vec();
    files.sort_unstable();
    let step = status.steps.iter().find(|step| step.to == Rollout::Prescriptive);
    let earned = RolloutEarned {
        as_of: ledger.facts.last().map(|fact| fact.ordered_ts),
        answers: files,
        answers_scored: step.map_or(0, |step| step.recorded.decisions),
        facts: facts.len() as u64,
        model_version: MODEL_VERSION.to_owned(),
        position: derived.log.end() - 1,
        rollout_policy: policy.clone(),
        settings_digest: settings_digest(&derived.rules)?,
        snapshot_digest: status.snapshot_digest,
    };
    Ok(JudgedStore { status, earned, facts })
}

/// What a store's rollout is set to.
#[derive(Clone, Debug)]
pub enum RolloutChange {
    /// It answers nothing.
    Shadow,
    /// It gives advice.
    Guided,
    /// It prescribes, by what it earned.
    Earned(Box<JudgedStore>),
    /// It prescribes, by somebody's word.
    Overridden {
        /// Whose.
        by: String,
        /// Why.
        why: String,
    },
}

/// Sets the rollout of a store; `max_age` stays what it was where it is not given.
///
/// # Errors
///
/// When the status was not earned, an override does not say who and why, or the store cannot be written.
pub fn set(store: &Path, change: RolloutChange, max_age: RolloutAgeChange) -> Result<StoreRollout> {
    let folder = log::open_store(store)?;
    let identity = StoreManifest::read(&folder)?.store;
    let _lock = WriterLock::take(&folder, once::LOCK, once::WAIT)?;
    // Setting it is how one that is damaged is mended.
    let before = StoreRollout::read(&folder, &identity).unwrap_or_else(|_| StoreRollout::unset(&identity));
    let RolloutAge { facts, seconds } = before.max_age;
    let max_age = RolloutAge { facts: max_age.facts.unwrap_or(facts), seconds: max_age.seconds.unwrap_or(seconds) };
    let unset = StoreRollout { max_age, ..StoreRollout::unset(&identity) };
    let (next, kept) = match change {
        RolloutChange::Shadow => (StoreRollout { mode: Rollout::Shadow, ..unset }, None),
        RolloutChange::Guided => (StoreRollout { mode: Rollout::Guided, ..unset }, None),
        RolloutChange::Earned(judged) if !judged.status.earned => {
            return Err(Error::usage(format!("it is not earned: {}", judged.status.missing.join("; "))));
        }
        RolloutChange::Earned(judged) => {
            let JudgedStore { earned, facts, .. } = *judged;
            (StoreRollout { mode: Rollout::Prescriptive, earned: Some(earned), ..unset }, Some(facts))
        }
        RolloutChange::Overridden { by, why } => {
            let overridden = Some(word::given(&by, &why)?);
            (StoreRollout { mode: Rollout::Prescriptive, overridden, ..unset }, None)
        }
    };
    match kept {
        // First, so that no status stands without what it rests on.
        Some(facts) => snapshot::keep(&folder, &facts)?,
        None => folder.remove(snapshot::NAME)?,
    }
    signed::write(&folder, &next)?;
    Ok(next)
}

/// What is changed of a [`RolloutAge`].
#[derive(Clone, Copy, Debug, Default)]
pub struct RolloutAgeChange {
    /// Facts, at most.
    pub facts: Option<u64>,
    /// Seconds, at most.
    pub seconds: Option<u64>,
}

/// The rollout of a store as `dome store rollout show` prints it, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ShownRollout {
    /// The furthest mode that it answers in today.
    pub answers_in: Rollout,
    /// The version of this document.
    pub format_version: &'static str,
    /// Why that is less than its mode.
    pub limits: Vec<RolloutLimit>,
    /// Prescriptions that are remembered, so that each is answered once in its run.
    pub prescribed: u64,
    /// What is set.
    pub rollout: StoreRollout,
}

/// Looks at the rollout of a store, and whether what was earned holds today.
///
/// # Errors
///
/// When the store cannot be read, or its rollout is damaged.
pub fn show(store: &Path, watch: &dyn Watch) -> Result<ShownRollout> {
    let standing = FactsIn::Store(store).ask(watch, |known| Ok(RolloutStanding::of(store, &known.index, None)?))?;
    Ok(ShownRollout {
        answers_in: standing.most,
        format_version: "1",
        limits: standing.limits,
        prescribed: once::remembered(&standing.folder)?,
        rollout: standing.rollout,
    })
}

/// How far a store lets dome go at the moment.
pub(crate) struct RolloutStanding {
    folder: StoreFolder,
    rollout: StoreRollout,
    most: Rollout,
    limits: Vec<RolloutLimit>,
}

impl RolloutStanding {
    /// `as_of` is the instant that is asked about, if it is later than the last fact.
    pub(crate) fn of(store: &Path, index: &Index, as_of: Option<Timestamp>) -> Result<Self> {
        let folder = log::open_store(store)?;
        let rollout = StoreRollout::read(&folder, &StoreManifest::read(&folder)?.store)?;
        let limits = match &rollout.earned {
            Some(earned) => not_so_today(&folder, earned, rollout.max_age, index, as_of)?,
            None => Vec::new(),
        };
        let most = if limits.is_empty() { rollout.mode } else { rollout.mode.min(Rollout::Guided) };
        Ok(Self { folder, rollout, most, limits })
    }
}

/// What of an earned status is not so today.
fn not_so_today(
    folder: &StoreFolder,
    earned: &RolloutEarned,
    max_age: RolloutAge,
    index: &Index,
    as_of: Option<Timestamp>,
) -> Result<Vec<RolloutLimit>> {
    let mut limits = Vec::new();
    let mut limit = |reason, detail: String| limits.push(RolloutLimit::new(reason, detail));
    if earned.model_version != MODEL_VERSION {
        let was = &earned.model_version;
        limit(LimitReason::ModelChanged, format!("it was earned under model {was}, this is {MODEL_VERSION}"));
    }
    let settings = settings_digest(index.rules())?;
    if earned.settings_digest != settings {
        let (was, is) = (earned.settings_digest.short(), settings.short());
        limit(LimitReason::PolicyChanged, format!("it was earned under settings {was}, the store derives by {is}"));
    }
    if let Some(why) = snapshot::no_ancestor(folder, index, earned)? {
        limit(LimitReason::NotAncestor, why);
    }
    let since = index.tallies()?.facts.saturating_sub(earned.facts);
    if since > max_age.facts {
        let most = max_age.facts;
        limit(LimitReason::TooOld, format!("{since} facts came since it was earned, at most {most} are allowed"));
    }
    let today = index.as_of()?.max(as_of);
    if let (None, Some(is)) = (earned.as_of, today) {
        limit(LimitReason::TooOld, format!("it was earned on no facts, and there are facts up to {is}"));
    }
    if let Some((was, is)) = earned.as_of.zip(today).filter(|(was, is)| is_older(*was, *is, max_age.seconds)) {
        let most = max_age.seconds;
        limit(LimitReason::TooOld, format!("it was earned at {was}, {is} is more than {most} s later"));
    }
    Ok(limits)
}

/// Whether more than so many seconds lie between, exactly.
fn is_older(was: Timestamp, is: Timestamp, seconds: u64) -> bool {
    let [(was, was_nanos), (is, is_nanos)] = [was.to_unix(), is.to_unix()];
    let between = i128::from(is - was);
    (between, is_nanos) > (i128::from(seconds), was_nanos)
}

fn settings_digest(rules: &Rules) -> Result<Sha256Hash> {
    let settings = canonical::to_vec(&StoreSettings::of(rules)?).invariant("settings have canonical bytes")?;
    Ok(Sha256Hash::of(&settings))
}
