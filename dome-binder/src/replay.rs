//! The whole way in one call: records in, everything derived out.
//!
//! It is the composition of the stages and nothing more; an engine calls the stages itself and cuts where L-4 allows
//! it.

use dome_core::Timestamp;

use crate::assemble::{Derived, assemble};
use crate::fold::{Bound, FoldedLine, Rules, fold};
use crate::ledger::Ledger;
use crate::record::Record;

/// What a replay comes to.
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
/// let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None };
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
/// let replay = replay(vec![Box::new(record)], &rules, None);
/// assert_eq!(replay.derived.capsules[0].support_count, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn replay(records: Vec<Box<Record>>, rules: &Rules, as_of: Option<Timestamp>) -> Replay {
    conclude(Ledger::of(records), rules, as_of)
}

/// Everything that the facts of a ledger come to.
///
/// ```
/// # use dome_binder::{Ledger, Policy, Rules};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// # let rules = Rules { policy: Policy::default(), codes: dome_core::CodeTable::parse(table)?, mode: None };
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
