//! The report: what each rollout mode would have done on a history.

use std::collections::BTreeMap;

use dome_core::{FailureReasonCode, Sha256Hash, Timestamp};
use serde::Serialize;

use super::decision::{Decision, Ending};
use super::score::{Score, ppm};
use super::sweep::Sweep;
use super::walk::{Walked, walk};
use crate::fold::Rules;
use crate::ledger::Ledger;
use crate::policy::Policy;
use crate::priors::Rollout;

/// How many parts a history is cut into at most, to see it over time.
pub const PARTS: usize = 12;

/// What `dome backtest` prints, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Backtest {
    /// Failing facts: before each the question was asked.
    pub decisions: u64,
    /// How the failures ended, whatever was offered: what offers have to be better than.
    pub endings: Endings,
    /// All facts.
    pub facts: u64,
    /// The version of this document.
    pub format_version: &'static str,
    /// What guards said.
    pub guards: Guards,
    /// What was known before the decisions.
    pub known: KnownCounts,
    /// What each rollout mode would have done: `shadow`, `guided`, `prescriptive`.
    pub modes: Vec<ModeFigures>,
    /// The history cut into at most 12 parts with as many decisions each (give or take one).
    pub over_time: Vec<Part>,
    /// The thresholds that it went by.
    pub policy: Policy,
    /// The decisions by what failed, by code.
    pub reasons: Vec<ReasonFigures>,
    /// Which facts these are.
    pub snapshot_digest: Sha256Hash,
    /// One threshold changed at a time.
    pub sweep: Vec<SweepFigures>,
}

/// How failures ended, in canonical order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Endings {
    /// Those of `resolved` that failed again within the contradiction window.
    pub contradicted: u64,
    /// Not resolved by the end of the history.
    pub open: u64,
    /// Resolved by a success in their lane that passed what had failed (M-82).
    pub resolved: u64,
    /// Those of `resolved` by a success that named a remedy.
    pub with_remedy: u64,
}

/// What guards said, in canonical order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Guards {
    /// Denied facts before which a prior could have been followed.
    pub conflicts: u64,
    /// Facts that are denied, failing or not.
    pub denials: u64,
    /// Decisions before which only a guard at *no* kept a prior from steering.
    pub held: u64,
}

/// Before how many decisions something was known, in canonical order. One decision may count in more
/// than one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KnownCounts {
    /// A concept.
    pub concept: u64,
    /// A capsule of the same failure on another line.
    pub elsewhere: u64,
    /// A capsule of the task line.
    pub exact: u64,
    /// The answer started with the capsule of the very failure that followed.
    pub foreseen: u64,
    /// Nothing.
    pub nothing: u64,
    /// A capsule of the very failure that followed.
    pub repeated: u64,
}

/// What a rollout mode would have done, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModeFigures {
    /// What came of the remedy that the answer names first, where it is shown and is no prescription.
    pub advised: Score,
    /// Decisions before which priors were shown.
    pub answered: u64,
    /// The mode.
    pub mode: Rollout,
    /// What came of prescriptions.
    pub prescribed: Score,
    /// Decisions before which priors were recorded, and not shown.
    pub recorded: u64,
}

/// A part of the history, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Part {
    /// What came of what `guided` would have advised.
    pub advised: Score,
    /// Decisions.
    pub decisions: u64,
    /// The first decision's time.
    pub first_ts: Timestamp,
    /// Decisions before which something was known.
    pub known: u64,
    /// The last decision's time.
    pub last_ts: Timestamp,
    /// What came of what `prescriptive` would have prescribed.
    pub prescribed: Score,
}

/// The decisions on one failure code, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReasonFigures {
    /// What came of what `guided` would have advised.
    pub advised: Score,
    /// Decisions.
    pub decisions: u64,
    /// How they ended.
    pub endings: Endings,
    /// The code.
    pub failure_reason_code: FailureReasonCode,
    /// Decisions before which something was known.
    pub known: u64,
    /// What came of what `prescriptive` would have prescribed.
    pub prescribed: Score,
}

/// What another threshold would buy, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SweepFigures {
    /// What came of prescriptions under it.
    pub prescribed: Score,
    /// Prescriptions in parts per million of the decisions, rounded down; absent without decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_ppm: Option<u64>,
    /// Which threshold of the policy.
    pub threshold: &'static str,
    /// What it was set to; all others are the policy's.
    pub value: u64,
}

/// Walks a history and scores what each rollout mode would have done on it.
///
/// Before each failing fact the question of [`crate::priors`] is asked, with only what was known
/// strictly before it and with staleness judged at its time. The time it takes grows with the number
/// of facts times the logarithm of the capsules, the memory with capsules and decisions.
#[must_use]
pub fn backtest(ledger: &Ledger, rules: &Rules) -> Backtest {
    report(&walk(ledger, rules), ledger, rules)
}

/// Scores what a walk over that ledger saw.
#[must_use]
pub fn report(walked: &Walked, ledger: &Ledger, rules: &Rules) -> Backtest {
    let decisions = &walked.decisions;
    Backtest {
        decisions: decisions.len() as u64,
        endings: Endings::of(decisions.iter()),
        facts: ledger.facts.len() as u64,
        format_version: "1",
        guards: Guards {
            conflicts: walked.guard_conflicts,
            denials: walked.denials,
            held: count(decisions, |decision| decision.answer.guard_held),
        },
        known: KnownCounts::of(decisions),
        modes: vec![shadow(decisions), guided(decisions), prescriptive(decisions)],
        over_time: over_time(decisions),
        policy: rules.policy.clone(),
        reasons: reasons(decisions),
        snapshot_digest: ledger.snapshot_digest(),
        sweep: sweep(decisions, &rules.policy),
    }
}

fn count(decisions: &[Decision], is: impl Fn(&Decision) -> bool) -> u64 {
    decisions.iter().filter(|decision| is(decision)).count() as u64
}

impl Endings {
    fn of<'d>(decisions: impl Iterator<Item = &'d Decision>) -> Self {
        let mut endings = Self::default();
        for decision in decisions {
            match decision.ending {
                Ending::Open => endings.open += 1,
                Ending::Resolved { remedy, contradicted } => {
                    endings.resolved += 1;
                    endings.with_remedy += u64::from(remedy.is_some());
                    endings.contradicted += u64::from(contradicted);
                }
            }
        }
        endings
    }
}

impl KnownCounts {
    fn of(decisions: &[Decision]) -> Self {
        Self {
            concept: count(decisions, |decision| decision.answer.concept),
            elsewhere: count(decisions, |decision| decision.answer.elsewhere),
            exact: count(decisions, |decision| decision.answer.exact),
            foreseen: count(decisions, |decision| decision.answer.foreseen),
            nothing: count(decisions, |decision| !decision.answer.is_something()),
            repeated: count(decisions, |decision| decision.answer.repeated),
        }
    }
}

fn something(decisions: &[Decision]) -> u64 {
    count(decisions, |decision| decision.answer.is_something())
}

fn advised<'d>(decisions: impl Iterator<Item = &'d Decision>) -> Score {
    Score::of(decisions.map(|decision| (decision, decision.answer.remedy)))
}

fn prescribed<'d>(decisions: impl Iterator<Item = &'d Decision>) -> Score {
    Score::of(decisions.map(|decision| (decision, decision.answer.prescribed)))
}

fn shadow(decisions: &[Decision]) -> ModeFigures {
    ModeFigures {
        advised: Score::default(),
        answered: 0,
        mode: Rollout::Shadow,
        prescribed: Score::default(),
        recorded: something(decisions),
    }
}

fn guided(decisions: &[Decision]) -> ModeFigures {
    ModeFigures {
        advised: advised(decisions.iter()),
        answered: something(decisions),
        mode: Rollout::Guided,
        prescribed: Score::default(),
        recorded: 0,
    }
}

fn prescriptive(decisions: &[Decision]) -> ModeFigures {
    let advice = decisions.iter().filter(|decision| decision.answer.prescribed.is_none());
    ModeFigures {
        advised: advised(advice),
        answered: something(decisions),
        mode: Rollout::Prescriptive,
        prescribed: prescribed(decisions.iter()),
        recorded: 0,
    }
}

/// Part `n` of `parts` holds the decisions from `n * all / parts` on.
fn over_time(decisions: &[Decision]) -> Vec<Part> {
    let (all, parts) = (decisions.len(), PARTS.min(decisions.len()));
    let part = |number: usize| {
        let own = decisions.get(number * all / parts..(number + 1) * all / parts)?;
        Some(Part {
            advised: advised(own.iter()),
            decisions: own.len() as u64,
            first_ts: own.first()?.ts,
            known: something(own),
            last_ts: own.last()?.ts,
            prescribed: prescribed(own.iter()),
        })
    };
    (0..parts).filter_map(part).collect()
}

fn reasons(decisions: &[Decision]) -> Vec<ReasonFigures> {
    let mut by_code: BTreeMap<&FailureReasonCode, Vec<&Decision>> = BTreeMap::new();
    for decision in decisions {
        by_code.entry(&decision.failure_reason_code).or_default().push(decision);
    }
    let figures = |(code, own): (&FailureReasonCode, Vec<&Decision>)| ReasonFigures {
        advised: advised(own.iter().copied()),
        decisions: own.len() as u64,
        endings: Endings::of(own.iter().copied()),
        failure_reason_code: code.clone(),
        known: own.iter().filter(|decision| decision.answer.is_something()).count() as u64,
        prescribed: prescribed(own.iter().copied()),
    };
    by_code.into_iter().map(figures).collect()
}

fn sweep(decisions: &[Decision], policy: &Policy) -> Vec<SweepFigures> {
    let variants = Sweep::of(policy).variants.into_iter().enumerate();
    let figures = |(number, variant): (usize, super::sweep::Variant)| {
        let offer = |decision: &Decision| decision.answer.swept.offer(number);
        let prescribed = Score::of(decisions.iter().map(|decision| (decision, offer(decision))));
        SweepFigures {
            prescribed,
            share_ppm: ppm(prescribed.offered, decisions.len() as u64),
            threshold: variant.threshold,
            value: variant.value,
        }
    };
    variants.map(figures).collect()
}
