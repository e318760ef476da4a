//! The walk over a history: ask, learn, and see what becomes of what was open.

use std::collections::BTreeMap;

use dome_core::{Lane, Sha256Hash, Signal};

use super::decision::{Answer, Decision, Ending, Swept};
use super::past::{Known, Past};
use crate::fold::{Effect, Rules};
use crate::ledger::{Ledger, LineFact};
use crate::settle::Fact;

/// The facts of a ledger in total order, as a fold takes them.
pub fn facts(ledger: &Ledger) -> impl Iterator<Item = LineFact<'_>> {
    ledger.line_facts()
}

/// What a walk saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// One for each failing fact, in total order.
    pub decisions: Vec<Decision>,
    /// Facts that are denied: their signal is `denial`, or an evaluation decided `DENY` or `STOP`.
    pub denials: u64,
    /// Denied facts before which a prior could have been followed.
    pub guard_conflicts: u64,
}

/// Walks a history in total order, asks before each failing fact with what was known then, and sees
/// how each failure ended.
#[must_use]
pub fn walk(ledger: &Ledger, rules: &Rules) -> Walked {
    let (mut past, mut endings) = (Past::new(rules), Endings::default());
    let mut walked = Walked::default();
    for line_fact in facts(ledger) {
        let fact = line_fact.fact;
        let denied = fact.signal == Signal::Denial || fact.guard_evals().iter().any(dome_core::GuardEval::denies);
        let known = (denied || fact.is_failing()).then(|| past.ask(fact));
        if let Some(known) = known {
            walked.denials += u64::from(denied);
            walked.guard_conflicts += u64::from(denied && known.prescribed().is_some());
            if fact.is_failing() {
                walked.decisions.push(decision(&line_fact, known));
            }
        }
        let step = past.learn(&line_fact);
        endings.see(fact, &step.effects, &mut walked.decisions);
        if fact.is_failing() {
            endings.open(fact, walked.decisions.len().saturating_sub(1));
        }
    }
    walked
}

fn decision(line_fact: &LineFact<'_>, known: Known) -> Decision {
    let fact = line_fact.fact;
    let key = fact.keys.derived;
    Decision {
        position: line_fact.position,
        ts: fact.ordered_ts,
        line_key: fact.keys.line,
        failure_reason_code: fact.keys.failure_reason_code.clone(),
        answer: Answer {
            exact: known.exact > 0,
            elsewhere: known.elsewhere > 0,
            concept: known.concepts > 0,
            repeated: known.repeated,
            foreseen: known.best.as_ref().is_some_and(|best| best.derived_key == Some(key)),
            remedy: known.remedy,
            prescribed: known.prescribed(),
            guard_held: known.guard_held,
            swept: Swept::of(known.offers.into_iter().skip(1)),
        },
        ending: Ending::Open,
    }
}

/// One failure in one lane.
type Failure<'l> = (Sha256Hash, Option<&'l Lane>);

/// Decisions whose failures are open, and those whose failures were resolved last.
#[derive(Default)]
struct Endings<'l> {
    open: BTreeMap<Failure<'l>, Vec<usize>>,
    resolved: BTreeMap<Failure<'l>, Vec<usize>>,
}

impl<'l> Endings<'l> {
    fn open(&mut self, fact: &'l Fact, decision: usize) {
        self.open.entry((fact.keys.derived, fact.lane.as_ref())).or_default().push(decision);
    }

    fn see(&mut self, fact: &'l Fact, effects: &[Effect], decisions: &mut [Decision]) {
        for effect in effects {
            let failure = (effect.key(), fact.lane.as_ref());
            match effect {
                Effect::Resolved { remedy, .. } => {
                    let remedy = remedy.as_ref().map(|(identity, _)| *identity);
                    let ended = self.open.remove(&failure).unwrap_or_default();
                    end(decisions, &ended, Ending::Resolved { remedy, contradicted: false });
                    self.resolved.insert(failure, ended);
                }
                Effect::Contradicted { remedy, .. } => {
                    let ended = self.resolved.remove(&failure).unwrap_or_default();
                    end(decisions, &ended, Ending::Resolved { remedy: *remedy, contradicted: true });
                }
                Effect::Recurred { .. } => {
                    self.resolved.remove(&failure);
                }
                Effect::Supported { .. } | Effect::Failed { .. } => {}
            }
        }
    }
}

fn end(decisions: &mut [Decision], which: &[usize], ending: Ending) {
    for number in which {
        decisions.get_mut(*number).into_iter().for_each(|decision| decision.ending = ending);
    }
}
