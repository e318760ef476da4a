//! The report: what each rollout mode would have done on a history.

use std::collections::BTreeMap;

use dome_core::{FailureReasonCode, Sha256Hash, Timestamp};
use serde::Serialize;

use super::{Decision, FailureEnding, Walked, walk};
use crate::fold::Rules;
use crate::ledger::Ledger;
use crate::policy::{PPM, Policy, ppm};
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
    pub guards: GuardFigures,
    /// What was known before the decisions.
    pub known: KnownCounts,
    /// What each rollout mode would have done: `shadow`, `guided`, `prescriptive`.
    pub modes: Vec<ModeFigures>,
    /// The history cut into at most 12 parts with as many decisions each (give or take one).
    pub over_time: Vec<BacktestPart>,
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Guards"))]
pub struct GuardFigures {
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Part"))]
pub struct BacktestPart {
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

/// How the failures ended before which a remedy was offered. In canonical order; `offered` is the sum
/// of `open`, `other_remedy`, `same_remedy` and `unnamed_remedy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Score {
    /// Those of `same_remedy` that failed again within the contradiction window.
    pub contradicted: u64,
    /// Decisions before which a remedy was offered.
    pub offered: u64,
    /// Not resolved by the end of the history.
    pub open: u64,
    /// Resolved by another remedy.
    pub other_remedy: u64,
    /// `same_remedy` without `contradicted`, in parts per million of `offered`, rounded down; absent
    /// where nothing was offered. What did not end counts against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision_ppm: Option<u64>,
    /// Resolved by the remedy that was offered.
    pub same_remedy: u64,
    /// Resolved by a success that names no remedy.
    pub unnamed_remedy: u64,
}

impl Score {
    pub(crate) fn of<'d>(decisions: impl Iterator<Item = (&'d Decision, Option<Sha256Hash>)>) -> Self {
        let mut score = Self::default();
        for (decision, offered) in decisions.filter_map(|(decision, offered)| Some((decision, offered?))) {
            score.offered += 1;
            match decision.ending {
                FailureEnding::Open => score.open += 1,
                FailureEnding::Resolved { remedy: None, .. } => score.unnamed_remedy += 1,
                FailureEnding::Resolved { remedy: Some(remedy), contradicted } if remedy == offered => {
                    score.same_remedy += 1;
                    score.contradicted += u64::from(contradicted);
                }
                FailureEnding::Resolved { .. } => score.other_remedy += 1,
            }
        }
        score.precision_ppm = ppm(score.same_remedy.saturating_sub(score.contradicted), score.offered);
        score
    }

    /// Contradictions in parts per million of what the offered remedy resolved, rounded down; `None`
    /// where it resolved nothing.
    #[must_use]
    pub fn contradiction_ppm(&self) -> Option<u64> {
        ppm(self.contradicted, self.same_remedy)
    }
}

/// M-91 gives 206,543 ppm for one success, 342,371 for two, 438,493 for three, 510,099 for four, 675,584 for eight.
const CONFIDENCE: [u64; 11] = [0, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000, PPM];
const COUNTS: [u64; 5] = [1, 2, 3, 5, 8];
const CONTRADICTION: [u64; 5] = [0, 100_000, 250_000, 500_000, PPM];
/// A day, a week, 30, 90 and 365 days.
const STALENESS: [u64; 5] = [86_400, 604_800, 2_592_000, 7_776_000, 31_536_000];

type Set = fn(&mut Policy) -> &mut u64;

const LADDERS: [(&str, Set, &[u64]); 5] = [
    ("min_confidence_ppm", |policy| &mut policy.min_confidence_ppm, &CONFIDENCE),
    ("min_support", |policy| &mut policy.min_support, &COUNTS),
    ("min_run_count", |policy| &mut policy.min_run_count, &COUNTS),
    ("max_contradiction_ppm", |policy| &mut policy.max_contradiction_ppm, &CONTRADICTION),
    ("max_staleness_s", |policy| &mut policy.max_staleness_s, &STALENESS),
];

/// What a policy offers is one bit of an integer, and the own policy has the first.
const _: () = assert!(CONFIDENCE.len() + 2 * COUNTS.len() + CONTRADICTION.len() + STALENESS.len() < 64);

pub(super) fn variants(own: &Policy) -> impl Iterator<Item = (&'static str, u64, Policy)> {
    LADDERS.into_iter().flat_map(move |(threshold, set, values)| {
        values.iter().map(move |value| {
            let mut policy = own.clone();
            *set(&mut policy) = *value;
            (threshold, *value, policy)
        })
    })
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
        guards: GuardFigures {
            conflicts: walked.guard_conflicts,
            denials: walked.denials,
            held: count(decisions, |decision| decision.known.guard_held),
        },
        known: KnownCounts::of(decisions),
        modes: Rollout::ALL.iter().map(|mode| mode_figures(*mode, decisions)).collect(),
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
                FailureEnding::Open => endings.open += 1,
                FailureEnding::Resolved { remedy, contradicted } => {
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
            concept: count(decisions, |decision| decision.known.concepts > 0),
            elsewhere: count(decisions, |decision| decision.known.elsewhere > 0),
            exact: count(decisions, |decision| decision.known.exact > 0),
            foreseen: count(decisions, |decision| decision.known.foreseen),
            nothing: count(decisions, |decision| !decision.known.is_something()),
            repeated: count(decisions, |decision| decision.known.repeated),
        }
    }
}

fn advised<'d>(decisions: impl Iterator<Item = &'d Decision>) -> Score {
    Score::of(decisions.map(|decision| (decision, decision.known.remedy)))
}

fn prescribed<'d>(decisions: impl Iterator<Item = &'d Decision>) -> Score {
    Score::of(decisions.map(|decision| (decision, decision.known.prescribed())))
}

pub(crate) fn mode_figures(mode: Rollout, decisions: &[Decision]) -> ModeFigures {
    let known = count(decisions, |decision| decision.known.is_something());
    let (shown, recorded) = if mode == Rollout::Shadow { (0, known) } else { (known, 0) };
    let advice = |decision: &&Decision| match mode {
        Rollout::Shadow => false,
        Rollout::Guided => true,
        Rollout::Prescriptive => decision.known.prescribed().is_none(),
    };
    let prescriptions = |_: &&Decision| mode == Rollout::Prescriptive;
    ModeFigures {
        advised: advised(decisions.iter().filter(advice)),
        answered: shown,
        mode,
        prescribed: prescribed(decisions.iter().filter(prescriptions)),
        recorded,
    }
}

/// Part `n` of `parts` holds the decisions from `n * all / parts` on.
fn over_time(decisions: &[Decision]) -> Vec<BacktestPart> {
    let (all, parts) = (decisions.len(), PARTS.min(decisions.len()));
    let part = |number: usize| {
        let own = decisions.get(number * all / parts..(number + 1) * all / parts)?;
        Some(BacktestPart {
            advised: advised(own.iter()),
            decisions: own.len() as u64,
            first_ts: own.first()?.ts,
            known: count(own, |decision| decision.known.is_something()),
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
        known: own.iter().filter(|decision| decision.known.is_something()).count() as u64,
        prescribed: prescribed(own.iter().copied()),
    };
    by_code.into_iter().map(figures).collect()
}

fn sweep(decisions: &[Decision], policy: &Policy) -> Vec<SweepFigures> {
    let figures = |(number, (threshold, value, _)): (usize, (&'static str, u64, Policy))| {
        let prescribed = Score::of(decisions.iter().map(|decision| (decision, decision.known.offers.of(number))));
        SweepFigures { prescribed, share_ppm: ppm(prescribed.offered, decisions.len() as u64), threshold, value }
    };
    (1..).zip(variants(policy)).map(figures).collect()
}
