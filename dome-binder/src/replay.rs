//! From records to everything derived, in one call; and its last stage, which puts folded lines together: what no line
//! can say by itself (L-4, M-84, M-92, M-95).
//!
//! That stage has two steps, each of which may be cut again: capsules are finished key by key, and concepts are gathered
//! from finished capsules concept by concept. An engine calls the stages itself and cuts where L-4 allows it.

use std::collections::BTreeMap;

use dome_core::{Sha256Hash, Timestamp};

use crate::applied::{Application, AppliedCounts, judge};
use crate::capsule::{Capsule, finish};
use crate::concept::{Concept, concepts};
use crate::fold::{Applied, Bound, CapsuleState, FoldedLine, LineFigures, Rules, Trials, fold};
use crate::ledger::Ledger;
use crate::record::Record;

/// Everything that is derived from the facts of a history.
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

/// A capsule as its line folded it, with what the line says besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldedCapsule {
    /// What its facts say.
    pub state: Box<CapsuleState>,
    /// What its line says of all its capsules.
    pub line: LineFigures,
}

/// A capsule as it was folded and as it was finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedCapsule {
    /// What its facts say.
    pub state: Box<CapsuleState>,
    /// The finished capsule.
    pub capsule: Capsule,
}

/// The result of one derived key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FinishedKey {
    /// Its capsule, if some fact minted it.
    pub capsule: Option<FinishedCapsule>,
    /// Facts that apply it, if no fact mints it (M-44).
    pub applied_unknown: u64,
    /// Facts that apply it before the first fact that mints it (M-44).
    pub applied_too_early: u64,
}

/// Finishes one derived key: `folded` is its capsule, if some fact minted it, `applied` every fact that applied it,
/// whatever line it is of, in any order. What is counted of a key looks at no other, so that each may be finished on
/// any thread or machine (M-84, M-90 to M-92, L-4).
///
/// ```
/// use dome_binder::{Policy, Rules, finish_key};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// let rules = Rules { policy: Policy::default(), codes: dome_core::CodeTable::parse(table)?, mode: None, contracts: None };
/// assert_eq!(finish_key(None, Vec::new(), &rules, None).capsule, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn finish_key(
    folded: Option<FoldedCapsule>,
    applied: Vec<Applied>,
    rules: &Rules,
    as_of: Option<Timestamp>,
) -> FinishedKey {
    let (mut key, mut counts) = (FinishedKey::default(), AppliedCounts::default());
    judge(applied, folded.as_ref().map(|folded| &*folded.state), &mut |_, application| {
        counts.add(application);
        key.applied_unknown += u64::from(application == Application::Unknown);
        key.applied_too_early += u64::from(application == Application::TooEarly);
    });
    key.capsule = folded.map(|FoldedCapsule { state, line }| {
        let capsule = finish(&state, counts, line, rules, as_of);
        FinishedCapsule { state, capsule }
    });
    key
}

/// Puts folded lines together, in whatever order they come.
///
/// `as_of` is the instant that staleness is measured at, by default the last fact's ordered time
/// ([`crate::Ledger::last_ts`]).
#[must_use]
pub fn assemble(lines: Vec<FoldedLine>, rules: &Rules, as_of: Option<Timestamp>) -> Derived {
    let mut keys: BTreeMap<Sha256Hash, (Option<FoldedCapsule>, Vec<Applied>)> = BTreeMap::new();
    for FoldedLine { capsules, applied, figures, .. } in lines {
        for state in capsules {
            let key = state.keys.derived;
            keys.entry(key).or_default().0 = Some(FoldedCapsule { state, line: figures });
        }
        for applied in applied {
            keys.entry(applied.capsule).or_default().1.push(applied);
        }
    }
    let mut derived = Derived::default();
    let mut trials: Vec<Trials> = Vec::new();
    for (folded, applied) in keys.into_values() {
        let FinishedKey { capsule, applied_unknown, applied_too_early } = finish_key(folded, applied, rules, as_of);
        derived.applied_unknown += applied_unknown;
        derived.applied_too_early += applied_too_early;
        if let Some(FinishedCapsule { state, capsule }) = capsule {
            derived.capsules.push(capsule);
            trials.push(state.trials);
        }
    }
    derived.concepts = concepts(derived.capsules.iter().zip(&trials), rules, as_of);
    derived
}

/// The result of a replay.
#[derive(Debug)]
pub struct Replay {
    /// The facts in total order, the conflicts and the counts.
    pub ledger: Ledger,
    /// How each fact was bound, by position.
    pub bound: Vec<Bound>,
    /// Capsules and concepts.
    pub derived: Derived,
    /// The instant that staleness was measured at.
    pub as_of: Option<Timestamp>,
}

/// Replays records, in any order, with repeats or without (L-1, L-2).
///
/// ```
/// use dome_binder::{replay, Policy, Record, Rules};
/// use dome_core::{CodeTable, Source};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None, contracts: None };
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
/// let replay = replay(vec![Box::new(record)], &rules, None);
/// assert_eq!(replay.derived.capsules[0].support_count, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn replay(records: Vec<Box<Record>>, rules: &Rules, as_of: Option<Timestamp>) -> Replay {
    conclude(Ledger::of(records, &rules.codes), rules, as_of)
}

/// Derives everything from the facts of a ledger.
///
/// ```
/// # use dome_binder::{Ledger, Policy, Rules};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// # let rules = Rules { policy: Policy::default(), codes: dome_core::CodeTable::parse(table)?, mode: None, contracts: None };
/// assert!(dome_binder::conclude(Ledger::default(), &rules, None).derived.capsules.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn conclude(ledger: Ledger, rules: &Rules, as_of: Option<Timestamp>) -> Replay {
    let as_of = as_of.or(ledger.last_ts());
    let mut bound = vec![Bound::default(); ledger.facts.len()];
    let mut folded: Vec<FoldedLine> = Vec::new();
    for line in ledger.lines() {
        let one = fold(&line, rules);
        for (fact, own) in line.facts.iter().zip(&one.bound) {
            if let Some(place) = bound.get_mut(fact.position) {
                *place = *own;
            }
        }
        folded.push(one);
    }
    let derived = assemble(folded, rules, as_of);
    Replay { ledger, bound, derived, as_of }
}
