//! Backtest: what the answers would have been worth on a history.
//!
//! A history is walked in total order (M-42). At each failure two questions are asked, with only what was known
//! strictly before that fact: what a planner asks before it acts ([`Past::before`], the task line alone), and what it
//! asks when the failure has just happened ([`Past::after`], that very failure). Then the fact is learnt, and how its
//! failure ends later says what the answers were worth ([`Outcome::of_offer`], [`Outcome::of_dead_end`]).
//!
//! What is still open when the history ends is unknown: every share is an interval, from open counted as wrong to open
//! left out.
//!
//! # One eligibility
//!
//! [`Past`] keeps capsules as they are folded ([`crate::LineState`]), in an order that [`crate::holds`]
//! decides, as it decides the answer of [`crate::priors`]. A property test compares every answer with
//! a replay of the facts before it.
//!
//! # What it costs
//!
//! A fact costs the capsules that it changes, each with the logarithm of its line's capsules, with its own runs and
//! with its remedies; a question costs the capsules at the head of its line's order, and the listed concepts that it
//! names. Memory holds capsules and one small value per failure.

mod baseline;
mod concepts;
mod outcome;
mod past;
mod report;
mod score;

pub use outcome::{Ending, Outcome, Proof, Worth};
pub use past::{KnownAfter, KnownBefore, Offer, Past, question};
pub use report::{
    Backtest, BacktestPart, BaselineFigures, CalibrationBand, Endings, GuardFigures, KindFigures, KnownCounts, PARTS,
    QuestionFigures, ReasonFigures, SweepFigures, backtest, report,
};
pub use score::Score;

use dome_core::{FailureReasonCode, GuardEval, RemedyKind, Sha256Hash, Signal, Timestamp};

use crate::fold::Rules;
use crate::ledger::{Ledger, Position};
use baseline::Baselines;
use outcome::Outcomes;

/// A failure, what was known before it and when it had just happened, and how it ended. It is small: a backtest keeps
/// one per failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The fact's place in the total order.
    pub position: Position,
    /// Its ordered time: when the questions were asked.
    pub ts: Timestamp,
    /// What failed.
    pub failure_reason_code: FailureReasonCode,
    /// What was known before.
    pub before: KnownBefore,
    /// What was known when it had just happened.
    pub after: KnownAfter,
    /// What whoever follows a simple rule would have done: see [`BaselineFigures`].
    pub baselines: [Option<Offer>; 3],
    /// How it ended.
    pub outcome: Outcome,
}

/// What a walk saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// One for each failure (M-75), in total order.
    pub decisions: Vec<Decision>,
    /// The kinds of the remedies that facts named, by identity.
    pub kinds: std::collections::BTreeMap<Sha256Hash, RemedyKind>,
    /// Facts that are denied: their signal is `denial`, or an evaluation decided `DENY` or `STOP`.
    pub denials: u64,
    /// Denied facts before which a prior could have been followed.
    pub guard_conflicts: u64,
}

/// Walks a history in total order, asks before and after each failure with what was known then, and sees
/// how each ended.
#[must_use]
pub fn walk(ledger: &Ledger, rules: &Rules) -> Walked {
    let (mut past, mut baselines) = (Past::new(rules), Baselines::default());
    let mut outcomes = Outcomes::within(rules.policy.subject_window_s);
    let mut walked = Walked::default();
    for line_fact in ledger.line_facts() {
        let fact = line_fact.fact;
        let denied = fact.signal == Signal::Denial || fact.guard_evals().iter().any(GuardEval::denies);
        let before = (denied || fact.is_failing()).then(|| past.before(fact));
        let after = fact.is_failing().then(|| past.after(fact));
        let step = past.learn(&line_fact);
        if denied {
            walked.denials += 1;
            walked.guard_conflicts += u64::from(before.as_ref().is_some_and(|known| known.prescribed.is_some()));
        }
        let minted = fact.is_failing() && step.bound.minted;
        if let (true, Some(before), Some(after)) = (minted, before, after) {
            let number = walked.decisions.len();
            let baselines = baselines.offers(fact);
            walked.decisions.push(Decision {
                position: line_fact.position,
                ts: fact.ordered_ts,
                failure_reason_code: fact.keys.failure_reason_code.clone(),
                before,
                after,
                baselines,
                outcome: Outcome::default(),
            });
            outcomes.happen(fact, &step, Some(number), &mut walked.decisions);
        } else {
            outcomes.happen(fact, &step, None, &mut walked.decisions);
        }
        baselines.learn(fact, &step, |key| past.code_of(key));
        if let Some(remedy) = &fact.remedy {
            walked.kinds.entry(remedy.identity()).or_insert_with(|| remedy.kind.clone());
        }
    }
    walked
}
