//! Putting folded lines together: what no line can say by itself (L-4, M-84, M-92, M-95).
//!
//! It is done in two steps, each of which may be cut again: capsules are finished key by key, and
//! concepts are gathered from finished capsules concept by concept.

use std::collections::BTreeMap;

use dome_core::{Sha256Hash, Timestamp};

use crate::applied::{Applications, count};
use crate::capsule::{Capsule, finish};
use crate::concept::{Concept, concepts};
use crate::fold::{Applied, CapsuleState, FoldedLine, Remedies, Rules};

/// What a history comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// The capsules, by derived key.
    pub capsules: Vec<Capsule>,
    /// The concepts that are listed, by concept key.
    pub concepts: Vec<Concept>,
    /// Facts that apply a key that no fact mints (M-44).
    pub applied_unknown: u64,
    /// Facts that apply a key that some fact mints, but no earlier one (M-44).
    pub applied_too_early: u64,
}

/// A capsule as its line folded it, with what M-96 says of that line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldedCapsule {
    /// What its facts say.
    pub state: Box<CapsuleState>,
    /// Whether some guard is at *no* in the lane of its line's last fact.
    pub guard_denied: bool,
}

/// A capsule as it was folded and as it was finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedCapsule {
    /// What its facts say.
    pub state: Box<CapsuleState>,
    /// What it comes to.
    pub capsule: Capsule,
}

/// What the folded capsules of some keys come to.
#[derive(Clone, Debug)]
pub struct FinishedKeys<C> {
    /// The capsules, by derived key, each finished when it is asked for.
    pub capsules: C,
    /// Facts that apply one of these keys, which no fact mints (M-44).
    pub applied_unknown: u64,
    /// Facts that apply one of these keys, which some fact mints, but no earlier one (M-44).
    pub applied_too_early: u64,
}

/// Finishes the capsules of some derived keys: `folded` has all of them, `applied` every fact that
/// applied one, whatever line it is of; both in any order. All keys at once, or some apart: what is
/// counted of a key looks at no other (M-84).
///
/// ```
/// use dome_binder::{Policy, Rules, finish_keys};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// let rules = Rules { policy: Policy::default(), codes: dome_core::CodeTable::parse(table)?, mode: None };
/// assert_eq!(finish_keys(Vec::new(), Vec::new(), &rules, None).capsules.count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn finish_keys(
    mut folded: Vec<FoldedCapsule>,
    applied: Vec<Applied>,
    rules: &Rules,
    as_of: Option<Timestamp>,
) -> FinishedKeys<impl ExactSizeIterator<Item = FinishedCapsule>> {
    folded.sort_unstable_by_key(|folded| folded.state.keys.derived);
    let by_key: BTreeMap<Sha256Hash, &CapsuleState> =
        folded.iter().map(|folded| (folded.state.keys.derived, &*folded.state)).collect();
    let Applications { counts, unknown, too_early } = count(applied, &by_key);
    let capsules = folded.into_iter().map(move |FoldedCapsule { state, guard_denied }| {
        let applied = counts.get(&state.keys.derived).copied().unwrap_or_default();
        let capsule = finish(&state, applied, guard_denied, rules, as_of);
        FinishedCapsule { state, capsule }
    });
    FinishedKeys { capsules, applied_unknown: unknown, applied_too_early: too_early }
}

/// The folded capsules of some derived keys, with every fact that applied one of them.
#[derive(Clone, Debug, Default)]
pub struct KeyPart {
    folded: Vec<FoldedCapsule>,
    applied: Vec<Applied>,
}

/// What the keys of a part come to.
#[derive(Clone, Debug, Default)]
pub struct FinishedPart {
    /// By derived key.
    capsules: Vec<Capsule>,
    /// Of each capsule all its remedies: concepts take no more of a state than this.
    remedies: Vec<Remedies>,
    applied_unknown: u64,
    applied_too_early: u64,
}

/// Deals folded lines, in whatever order they come, out to at least one part by derived key, the
/// parts in the order of their keys. Each may be finished apart, on any thread or machine (L-4).
///
/// ```
/// use dome_binder::by_key;
/// assert_eq!(by_key(Vec::new(), 4).len(), 4);
/// ```
#[must_use]
pub fn by_key(lines: Vec<FoldedLine>, parts: usize) -> Vec<KeyPart> {
    let parts = parts.clamp(1, 256);
    let count: usize = lines.iter().map(|line| line.capsules.len()).sum();
    let mut dealt: Vec<KeyPart> = std::iter::repeat_with(KeyPart::default).take(parts).collect();
    // Keys are hashes, so that parts come out about alike.
    dealt.iter_mut().for_each(|part| part.folded.reserve_exact(count / parts));
    let of = |key: &Sha256Hash| usize::from(key.as_bytes().first().copied().unwrap_or_default()) * parts / 256;
    for line in lines {
        let guard_denied = line.guard_denied;
        for state in line.capsules {
            if let Some(part) = dealt.get_mut(of(&state.keys.derived)) {
                part.folded.push(FoldedCapsule { state, guard_denied });
            }
        }
        for applied in line.applied {
            if let Some(part) = dealt.get_mut(of(&applied.capsule)) {
                part.applied.push(applied);
            }
        }
    }
    dealt
}

impl KeyPart {
    /// How many capsules it has.
    #[must_use]
    pub const fn capsules(&self) -> usize {
        self.folded.len()
    }

    /// Finishes the capsules of the part (M-84, M-90 to M-92).
    #[must_use]
    pub fn finish(self, rules: &Rules, as_of: Option<Timestamp>) -> FinishedPart {
        let finished = finish_keys(self.folded, self.applied, rules, as_of);
        let (capsules, remedies) =
            finished.capsules.map(|FinishedCapsule { state, capsule }| (capsule, state.remedies)).unzip();
        let FinishedKeys { applied_unknown, applied_too_early, .. } = finished;
        FinishedPart { capsules, remedies, applied_unknown, applied_too_early }
    }
}

/// The finished parts of all keys, put together one by one in the order of [`by_key`] (M-95).
///
/// ```
/// use dome_binder::{Assembly, Derived, Policy, Rules, by_key};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// let rules = Rules { policy: Policy::default(), codes: dome_core::CodeTable::parse(table)?, mode: None };
/// let mut assembly = Assembly::of(0);
/// by_key(Vec::new(), 2).into_iter().for_each(|part| assembly.push(part.finish(&rules, None)));
/// assert_eq!(assembly.conclude(&rules, None), Derived::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Assembly {
    derived: Derived,
    remedies: Vec<Remedies>,
}

impl Assembly {
    /// One of so many capsules.
    #[must_use]
    pub fn of(capsules: usize) -> Self {
        let derived = Derived { capsules: Vec::with_capacity(capsules), ..Derived::default() };
        Self { derived, remedies: Vec::with_capacity(capsules) }
    }

    /// Adds the next part.
    pub fn push(&mut self, part: FinishedPart) {
        self.derived.capsules.extend(part.capsules);
        self.remedies.extend(part.remedies);
        self.derived.applied_unknown += part.applied_unknown;
        self.derived.applied_too_early += part.applied_too_early;
    }

    /// Gathers the concepts: everything is there.
    #[must_use]
    pub fn conclude(mut self, rules: &Rules, as_of: Option<Timestamp>) -> Derived {
        self.derived.concepts = concepts(self.derived.capsules.iter().zip(&self.remedies), rules, as_of);
        self.derived
    }
}

/// Puts folded lines together, in whatever order they come.
///
/// `as_of` is the instant that staleness is measured at, by default the last fact's ordered time
/// ([`crate::Ledger::last_ts`]).
#[must_use]
pub fn assemble(lines: Vec<FoldedLine>, rules: &Rules, as_of: Option<Timestamp>) -> Derived {
    let parts = by_key(lines, 1);
    let mut assembly = Assembly::of(parts.iter().map(KeyPart::capsules).sum());
    parts.into_iter().for_each(|part| assembly.push(part.finish(rules, as_of)));
    assembly.conclude(rules, as_of)
}
