//! Two replays held against each other: facts added and gone, capsules changed, split, merged and
//! moved, verdicts gained and lost.
//!
//! Facts are the same when their digests are, so results of other binders, policies and modes can
//! be compared, whatever their keys.

mod change;
mod example;
mod regroup;
mod summary;
mod trace;

pub use change::{Changed, MemberChange, VerdictChange, VerdictTurn};
pub use example::{Example, ExampleFact};
pub use regroup::{GroupSide, Regrouped, Regrouping};
pub use trace::{Became, Trace, trace};

use std::collections::BTreeMap;

use dome_core::Sha256Hash;
use serde::Serialize;

use crate::capsule::Capsule;
use crate::ledger::Position;
use crate::replay::Replay;
use crate::settle::Fact;

/// What differs between two replays, its members in canonical order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Comparison {
    /// Capsules that hold the same group of facts, or have the same key, with other values.
    pub changed: Vec<Changed>,
    /// Digests of facts that only the later one has, sorted.
    pub facts_added: Vec<Sha256Hash>,
    /// Digests of facts that only the earlier one has, sorted.
    pub facts_gone: Vec<Sha256Hash>,
    /// Keys of capsules that nothing follows.
    pub gone: Vec<Sha256Hash>,
    /// Keys of capsules that follow nothing.
    pub new: Vec<Sha256Hash>,
    /// Facts that shared a capsule and no longer do, or the other way round; the largest first.
    pub regrouped: Vec<Regrouped>,
    /// Capsules that hold the same group of facts under another key.
    pub rekeyed_count: u64,
    /// One line that says it all.
    pub summary: String,
    /// Verdicts gained and lost.
    pub verdicts: Vec<VerdictChange>,
}

impl Comparison {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let lists = [self.facts_added.len(), self.facts_gone.len(), self.gone.len(), self.new.len()];
        self.changed.is_empty() && self.regrouped.is_empty() && self.rekeyed_count == 0 && lists == [0; 4]
    }
}

/// Compares an earlier replay with a later one.
///
/// ```
/// use dome_binder::{compare, replay, Policy, Recorder, Rules};
/// use dome_core::{BinderVersion, CodeTable, Source};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None };
/// let under = |binder| -> Result<_, dome_core::Rejection> {
///     let source = Source { line: 1, name: "a.jsonl".into() };
///     let record = Recorder::new(binder).record(dome_core::read(dome_core::EXAMPLE_LINE)?, source);
///     Ok(replay(vec![Box::new(record)], &rules, None))
/// };
/// let comparison = compare(&under(BinderVersion::V1)?, &under(BinderVersion::V2)?);
/// assert_eq!(comparison.summary, "1 capsule rekeyed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn compare(earlier: &Replay, later: &Replay) -> Comparison {
    let (before, after) = (Side::of(earlier), Side::of(later));
    let only = |one: &Side<'_>, other: &Side<'_>| -> Vec<Sha256Hash> {
        one.positions.keys().filter(|digest| !other.positions.contains_key(digest)).copied().collect()
    };
    let mut comparison =
        Comparison { facts_added: only(&after, &before), facts_gone: only(&before, &after), ..Comparison::default() };
    for group in regroup::groups(&before, &after) {
        group.sort_into(&mut comparison, &before, &after);
    }
    comparison.regrouped.sort_by(|a, b| b.fact_count.cmp(&a.fact_count).then_with(|| a.keys().cmp(&b.keys())));
    comparison.changed.sort_by_key(|changed| changed.derived_key);
    comparison.verdicts.sort_by_key(|change| change.derived_key);
    comparison.gone.sort_unstable();
    comparison.new.sort_unstable();
    comparison.summary = summary::line(&comparison);
    comparison
}

/// One of the two replays, with what finds things in it.
struct Side<'r> {
    replay: &'r Replay,
    capsules: BTreeMap<Sha256Hash, &'r Capsule>,
    positions: BTreeMap<Sha256Hash, Position>,
}

impl<'r> Side<'r> {
    fn of(replay: &'r Replay) -> Self {
        let capsules = replay.derived.capsules.iter().map(|capsule| (capsule.derived_key, capsule));
        let facts = replay.ledger.facts.iter().enumerate();
        Self {
            replay,
            capsules: capsules.collect(),
            positions: facts.map(|(position, fact)| (fact.keys.digest, position)).collect(),
        }
    }

    fn fact(&self, digest: &Sha256Hash) -> Option<&'r Fact> {
        self.replay.ledger.facts.get(*self.positions.get(digest)?)
    }

    /// The key that a fact has here, and whether it minted.
    fn bound(&self, digest: &Sha256Hash) -> Option<(Sha256Hash, bool)> {
        let position = *self.positions.get(digest)?;
        let (fact, bound) = (self.replay.ledger.facts.get(position)?, self.replay.bound.get(position)?);
        Some((fact.keys.derived, bound.minted))
    }
}
