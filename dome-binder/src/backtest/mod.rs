//! Backtest: what each rollout mode would have done on a history.
//!
//! A history is walked in total order (M-42). Before each failing fact the question of
//! [`crate::priors`] is asked for its task line, with only what was known strictly before that fact,
//! staleness judged at its time; then the fact is learnt, and when its failure is resolved, or
//! contradicted after that (M-81, M-82), what was offered is scored.
//!
//! # One eligibility
//!
//! [`Past`] keeps capsules as they are folded ([`crate::LineState`]), in an order that [`crate::holds`]
//! decides, as it decides the answer of [`crate::priors`]. A property test compares every answer with
//! a replay of the facts before it.
//!
//! # What it costs
//!
//! A fact costs the capsules whose counters it changes, each with the logarithm of its line's
//! capsules and with its own remedies; a decision costs the capsules at the head of its line's order.
//! Memory holds capsules and one small value per decision.

mod past;
mod report;

pub use past::{KnownBefore, Past, question};
pub(crate) use report::mode_figures;
pub use report::{
    Backtest, BacktestPart, Endings, GuardFigures, KnownCounts, ModeFigures, PARTS, ReasonFigures, Score, SweepFigures,
    backtest, report,
};

use std::collections::BTreeMap;

use dome_core::{FailureReasonCode, GuardEval, Lane, Sha256Hash, Signal, Timestamp};

use crate::fold::{Effect, Rules};
use crate::ledger::{Ledger, Position};
use crate::settle::Fact;

/// A failing fact, what was known before it, and how its failure ended. It is small: a backtest keeps one per failing
/// fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The fact's place in the total order.
    pub position: Position,
    /// Its ordered time: when the question was asked.
    pub ts: Timestamp,
    /// What failed.
    pub failure_reason_code: FailureReasonCode,
    /// What was known.
    pub known: KnownBefore,
    /// How the failure ended.
    pub ending: FailureEnding,
}

/// How a failure ended, in its lane (M-82, M-81).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureEnding {
    /// It was not resolved by the end of the history.
    Open,
    /// It was resolved.
    Resolved {
        /// By this remedy, if the success named one.
        remedy: Option<Sha256Hash>,
        /// And failed again within the contradiction window.
        contradicted: bool,
    },
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
    let (mut past, mut failures) = (Past::new(rules), Failures::default());
    let mut walked = Walked::default();
    for line_fact in ledger.line_facts() {
        let fact = line_fact.fact;
        let denied = fact.signal == Signal::Denial || fact.guard_evals().iter().any(GuardEval::denies);
        let known = (denied || fact.is_failing()).then(|| past.ask(fact));
        let step = past.learn(&line_fact);
        failures.end(fact, &step.effects, &mut walked.decisions);
        let Some(known) = known else { continue };
        walked.denials += u64::from(denied);
        walked.guard_conflicts += u64::from(denied && known.prescribed().is_some());
        if fact.is_failing() {
            failures.open(fact, walked.decisions.len());
            walked.decisions.push(Decision {
                position: line_fact.position,
                ts: fact.ordered_ts,
                failure_reason_code: fact.keys.failure_reason_code.clone(),
                known,
                ending: FailureEnding::Open,
            });
        }
    }
    walked
}

#[derive(Default)]
struct Failures<'l> {
    open: BTreeMap<(Sha256Hash, Option<&'l Lane>), Vec<usize>>,
    resolved: BTreeMap<(Sha256Hash, Option<&'l Lane>), Vec<usize>>,
}

impl<'l> Failures<'l> {
    fn open(&mut self, fact: &'l Fact, decision: usize) {
        self.open.entry((fact.keys.derived, fact.tested.lane.as_ref())).or_default().push(decision);
    }

    #[expect(clippy::expect_used, reason = "the fold resolves what failed, and contradicts what it resolved")]
    fn end(&mut self, fact: &'l Fact, effects: &[Effect], decisions: &mut [Decision]) {
        let mut end = |numbers: &[usize], ending: FailureEnding| {
            for number in numbers {
                decisions.get_mut(*number).expect("a decision was counted").ending = ending;
            }
        };
        for effect in effects {
            let failure = (effect.key(), fact.tested.lane.as_ref());
            match effect {
                Effect::Resolved { remedy, .. } => {
                    let remedy = remedy.as_ref().map(|(identity, _)| *identity);
                    let ended = self.open.remove(&failure).expect("a failure that is resolved was open");
                    end(&ended, FailureEnding::Resolved { remedy, contradicted: false });
                    self.resolved.insert(failure, ended);
                }
                Effect::Contradicted { remedy, .. } => {
                    let ended = self.resolved.remove(&failure).expect("a contradiction is of a resolution");
                    end(&ended, FailureEnding::Resolved { remedy: *remedy, contradicted: true });
                }
                Effect::Recurred { .. } => {
                    self.resolved.remove(&failure);
                }
                Effect::Supported { .. } | Effect::Failed { .. } => {}
            }
        }
    }
}
