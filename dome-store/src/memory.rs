//! The layers of a store's memory: what a run said (facts), what was derived (capsules and concepts), what an owner promoted.
//!
//! An answer names the layer of each prior, and only the owner's grants side effects
//! ([`Prior::side_effects`](dome_binder::priors::Prior)): a promotion is for one capsule or concept and the remedy that comes
//! first there. It lifts nothing that holds a prior back, and grants nothing once another remedy comes first. Promotions are
//! records of the store ([`crate::records`]): no fact, capsule or artifact depends on them.

use std::path::Path;

use dome_binder::explain::{Candidate, LEAST_DIGITS};
use dome_binder::priors::{OwnersWord, Promotion};
use dome_core::{Sha256Hash, escaped};
use dome_replay::Watch;
use dome_replay::error::{Error, Result};
use serde::Serialize;

use crate::index::{Explained, Explanation, FactsIn};
use crate::{records, word};

/// What promoting or retracting came to, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct MemoryChange {
    /// The version of this document.
    pub format_version: &'static str,
    /// What was promoted, or taken back.
    pub promotions: Vec<Promotion>,
}

/// The layers of a store as `dome memory list` prints them, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ShownMemory {
    /// The version of this document.
    pub format_version: &'static str,
    /// How much there is in each layer.
    pub layers: LayerCounts,
    /// What owners promoted, by key; what was taken back stays.
    pub promotions: Vec<Promotion>,
}

/// How much there is in each layer, in canonical order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct LayerCounts {
    /// Capsules and listed concepts.
    pub derived: u64,
    /// Promotions that were not taken back.
    pub owner: u64,
    /// Facts.
    pub run: u64,
}

/// Promotes what is known under a key, a derived or concept key or its first digits, with the remedy that comes first there.
///
/// # Errors
///
/// When no store stands there or it cannot be written; when the key names nothing, several things, or something without a
/// remedy; when it is promoted already; when it is not said by whom and why.
pub fn promote(store: &Path, key: &str, (by, why): (&str, &str), watch: &dyn Watch) -> Result<MemoryChange> {
    let promoted = word::given(by, why)?;
    let (key, remedy) = first_remedy(store, key, watch)?;
    let promotion = Promotion { key, promoted, remedy, retracted: None };
    records::change(store, |records| {
        if let Some(live) = records.promotions.iter().find(|said| said.key == key && said.retracted.is_none()) {
            let OwnersWord { by, ts, .. } = &live.promoted;
            let what = if live.remedy == remedy { "" } else { ", with another remedy" };
            return Err(Error::usage(format!(
                "{key} was promoted by {by} at {ts}{what}; `dome memory retract` takes that back"
            )));
        }
        records.promotions.push(promotion.clone());
        Ok(())
    })?;
    Ok(MemoryChange { format_version: "1", promotions: vec![promotion] })
}

/// Takes back what was promoted under a key, or its first digits. It stays listed, with who took it back.
///
/// # Errors
///
/// When no store stands there or it cannot be written; when nothing, or more than one key that begins so, is promoted; when
/// it is not said by whom and why.
pub fn retract(store: &Path, key: &str, (by, why): (&str, &str)) -> Result<MemoryChange> {
    let (retracted, wanted) = (word::given(by, why)?, key.trim().to_ascii_lowercase());
    let mut taken = Vec::new();
    records::change(store, |records| {
        let live = records.promotions.iter_mut().filter(|said| said.retracted.is_none());
        let found: Vec<&mut Promotion> =
            live.filter(|said| wanted.len() >= LEAST_DIGITS && said.key.to_string().starts_with(&wanted)).collect();
        let key = found.first().map(|said| said.key);
        if found.iter().any(|said| Some(said.key) != key) {
            return Err(Error::usage(format!(
                "`{}` begins several keys that are promoted: give more digits",
                escaped(&wanted)
            )));
        }
        for said in found {
            said.retracted = Some(retracted.clone());
            taken.push(said.clone());
        }
        match taken.is_empty() {
            false => Ok(()),
            true => Err(Error::usage(format!(
                "nothing is promoted under `{}` (a key, or at least its first {LEAST_DIGITS} digits); `dome memory \
                 list` shows what is",
                escaped(&wanted)
            ))),
        }
    })?;
    Ok(MemoryChange { format_version: "1", promotions: taken })
}

/// Looks at the layers of a store.
///
/// # Errors
///
/// When no store stands there, or its records are damaged.
pub fn show(store: &Path, watch: &dyn Watch) -> Result<ShownMemory> {
    let tallies = FactsIn::Store(store).ask(watch, |known| known.index.tallies())?;
    let promotions = records::read(store)?.promotions;
    let owner = promotions.iter().filter(|said| said.retracted.is_none()).count() as u64;
    let layers = LayerCounts { derived: tallies.capsules + tallies.concepts, owner, run: tallies.facts };
    Ok(ShownMemory { format_version: "1", layers, promotions })
}

/// The capsule or concept with a key, and the remedy that comes first there.
fn first_remedy(store: &Path, key: &str, watch: &dyn Watch) -> Result<(Sha256Hash, Sha256Hash)> {
    let key = key.trim();
    let explained = FactsIn::Store(store).ask(watch, |known| {
        let unlisted = known.unlisted;
        known.index.explain(key, unlisted, &mut *known.origin)
    })?;
    let (found, remedies) = match explained {
        Explained::Told(told) => match *told {
            Explanation { capsule: Some(story), .. } => (story.key, story.capsule.map(|capsule| capsule.remedies)),
            Explanation { concept: Some(story), .. } => (story.key, story.concept.map(|concept| concept.remedies)),
            Explanation { subject, .. } => {
                return Err(Error::usage(format!(
                    "`{}` is a {subject}: expected a derived or concept key",
                    escaped(key)
                )));
            }
        },
        Explained::Many(candidates) => return Err(Error::usage(several(key, &candidates))),
        Explained::Nothing { .. } => {
            return Err(Error::usage(format!("nothing in the store has the key `{}`", escaped(key))));
        }
    };
    match remedies.as_deref() {
        Some([first, ..]) => Ok((found, first.identity)),
        Some([]) => Err(Error::usage(format!("{found} has no remedy: there is nothing to promote"))),
        None => Err(Error::usage(format!("{found} is no capsule and no listed concept: there is nothing to promote"))),
    }
}

fn several(key: &str, candidates: &[Candidate]) -> String {
    let listed: Vec<String> =
        candidates.iter().take(10).map(|found| format!("\n    {}  ({})", found.key, found.named_by)).collect();
    format!("`{}` names {} things; say which:{}", escaped(key), candidates.len(), listed.concat())
}
