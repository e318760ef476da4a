//! What a backtest prints: questions, kinds of remedies, calibration, baselines, the history over time, codes and
//! thresholds, scored.

use std::collections::BTreeMap;

use dome_core::{FailureReasonCode, RemedyKind, Sha256Hash, Timestamp};
use serde::Serialize;

use super::baseline::BASELINES;
use super::{Decision, Ending, Offer, Proof, Score, Walked, walk};
use crate::fold::Rules;
use crate::ledger::Ledger;
use crate::policy::{PPM, Policy, ppm};
use crate::remedy::rerun_identity;

/// How many parts a history is cut into at most, to see it over time.
pub const PARTS: usize = 12;

/// The width of a band of confidence.
const BAND_PPM: u64 = 100_000;

/// What `dome backtest` prints, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Backtest {
    /// Asked when the failure had just happened.
    pub after: QuestionFigures,
    /// What simple rules would have been worth, asked at the same moments.
    pub baselines: Vec<BaselineFigures>,
    /// Asked before, knowing the task line alone.
    pub before: QuestionFigures,
    /// In each band of confidence, how often the first remedy of the failure worked next time.
    pub calibration: Vec<CalibrationBand>,
    /// Failures of which the answer says that work on them is mostly given up: right when nothing came of it.
    pub dead_ends: Score,
    /// Failures: at each both questions were asked.
    pub decisions: u64,
    /// How the failures ended, whatever was offered.
    pub endings: Endings,
    /// All facts.
    pub facts: u64,
    /// The version of this document.
    pub format_version: &'static str,
    /// What guards said.
    pub guards: GuardFigures,
    /// What was prescribed when the failure had just happened, by kind of remedy.
    pub kinds: Vec<KindFigures>,
    /// What was known before the decisions.
    pub known: KnownCounts,
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

/// What the answers to one question were worth, in canonical order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuestionFigures {
    /// The remedies that answers name first, whatever holds them back.
    pub advised: Score,
    /// Decisions at which anything was known.
    pub answered: u64,
    /// The remedies that could have been followed.
    pub prescribed: Score,
}

/// What a simple rule would have been worth, in canonical order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BaselineFigures {
    /// The rule: `always_rerun` reruns once, `last_that_worked` does what ended this failure last, `majority_of_code`
    /// what ended failures with this code most often.
    pub baseline: &'static str,
    /// What it was worth.
    pub score: Score,
}

/// The answers of one band of confidence, in canonical order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CalibrationBand {
    /// The least confidence of the band.
    pub from_ppm: u64,
    /// What the first remedies were worth.
    pub score: Score,
    /// Where the next band begins; the last one has it too.
    pub to_ppm: u64,
}

/// How failures ended, in canonical order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Endings {
    /// They failed once more before they ended.
    pub again: u64,
    /// They passed, and nothing says that anything was mended.
    pub cleared: u64,
    /// Those of `resolved` that failed again before that was proven.
    pub contradicted: u64,
    /// Work on them was given up.
    pub given_up: u64,
    /// Those of `resolved` that were proven to hold.
    pub held: u64,
    /// Not ended by the end of the history.
    pub open: u64,
    /// They were resolved (M-82).
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
    /// Decisions before which only a guard at *no* kept the line's first prior from steering.
    pub held: u64,
}

/// What was prescribed of one kind, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KindFigures {
    /// The kind of the remedy.
    pub kind: RemedyKind,
    /// Whether it promises nothing for the next task (M-78).
    pub momentary: bool,
    /// What its prescriptions were worth.
    pub prescribed: Score,
}

/// At how many decisions something was known, in canonical order. One decision may count in more
/// than one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KnownCounts {
    /// A concept, before it.
    pub concept: u64,
    /// A capsule of the same failure on another line, before it.
    pub elsewhere: u64,
    /// A capsule of the task line, before it.
    pub exact: u64,
    /// The answer before it started with the capsule of the very failure that followed.
    pub foreseen: u64,
    /// Nothing, before it.
    pub nothing: u64,
    /// A capsule of the very failure.
    pub repeated: u64,
}

/// A part of the history, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Part"))]
pub struct BacktestPart {
    /// Asked when the failure had just happened.
    pub after: QuestionFigures,
    /// Decisions.
    pub decisions: u64,
    /// The first decision's time.
    pub first_ts: Timestamp,
    /// The last decision's time.
    pub last_ts: Timestamp,
}

/// The decisions on one failure code, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReasonFigures {
    /// Asked when the failure had just happened.
    pub after: QuestionFigures,
    /// Decisions.
    pub decisions: u64,
    /// How they ended.
    pub endings: Endings,
    /// The code.
    pub failure_reason_code: FailureReasonCode,
}

/// What another threshold would buy, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SweepFigures {
    /// What its prescriptions were worth.
    pub prescribed: Score,
    /// Prescriptions in parts per million of the decisions, rounded down; absent without decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_ppm: Option<u64>,
    /// Which threshold of the policy.
    pub threshold: &'static str,
    /// What it was set to; all others are the policy's.
    pub value: u64,
}

/// M-91 gives 206,543 ppm for one success, 342,371 for two, 438,493 for three, 510,099 for four, 675,584 for eight.
const CONFIDENCE: [u64; 11] = [0, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000, PPM];
const COUNTS: [u64; 5] = [1, 2, 3, 5, 8];
const CONTRADICTION: [u64; 5] = [0, 100_000, 250_000, 500_000, PPM];

type Set = fn(&mut Policy) -> &mut u64;

/// Staleness is not among them: a failure that has just happened is not stale.
const LADDERS: [(&str, Set, &[u64]); 4] = [
    ("min_confidence_ppm", |policy| &mut policy.min_confidence_ppm, &CONFIDENCE),
    ("min_support", |policy| &mut policy.min_support, &COUNTS),
    ("min_run_count", |policy| &mut policy.min_run_count, &COUNTS),
    ("max_contradiction_ppm", |policy| &mut policy.max_contradiction_ppm, &CONTRADICTION),
];

/// What a policy offers is one bit of an integer, and the own policy has the first.
const _: () = assert!(CONFIDENCE.len() + 2 * COUNTS.len() + CONTRADICTION.len() < 64);

pub(super) fn variants(own: &Policy) -> impl Iterator<Item = (&'static str, u64, Policy)> {
    LADDERS.into_iter().flat_map(move |(threshold, set, values)| {
        values.iter().map(move |value| {
            let mut policy = own.clone();
            *set(&mut policy) = *value;
            (threshold, *value, policy)
        })
    })
}

/// Walks a history and scores what the answers would have been worth on it. Memory grows with capsules and decisions.
#[must_use]
pub fn backtest(ledger: &Ledger, rules: &Rules) -> Backtest {
    report(&walk(ledger, rules), ledger, rules)
}

/// Scores what a walk over that ledger saw.
#[must_use]
pub fn report(walked: &Walked, ledger: &Ledger, rules: &Rules) -> Backtest {
    let decisions = &walked.decisions;
    let dead_ends = decisions.iter().filter(|decision| decision.after.dead_end);
    Backtest {
        after: after(decisions.iter()),
        baselines: baselines(decisions),
        before: before(decisions),
        calibration: calibration(decisions),
        dead_ends: Score::of(dead_ends.map(|decision| decision.outcome.of_dead_end())),
        decisions: decisions.len() as u64,
        endings: Endings::of(decisions.iter()),
        facts: ledger.facts.len() as u64,
        format_version: "2",
        guards: GuardFigures {
            conflicts: walked.guard_conflicts,
            denials: walked.denials,
            held: count(decisions, |decision| decision.before.guard_held),
        },
        kinds: kinds(walked),
        known: KnownCounts::of(decisions),
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

/// What it was worth to offer what `offer` gives.
pub(crate) fn scored<'d>(
    decisions: impl Iterator<Item = &'d Decision>,
    offer: impl Fn(&Decision) -> Option<Offer>,
) -> Score {
    Score::of(decisions.filter_map(|decision| Some(decision.outcome.of_offer(&offer(decision)?))))
}

fn after<'d>(decisions: impl Iterator<Item = &'d Decision> + Clone) -> QuestionFigures {
    let known = decisions.clone().filter(|decision| decision.after.repeated || decision.after.concept);
    QuestionFigures {
        answered: known.count() as u64,
        advised: scored(decisions.clone(), |decision| decision.after.advised()),
        prescribed: scored(decisions, |decision| decision.after.prescribed()),
    }
}

fn before(decisions: &[Decision]) -> QuestionFigures {
    QuestionFigures {
        answered: count(decisions, |decision| decision.before.is_something()),
        advised: scored(decisions.iter(), |decision| decision.before.advised),
        prescribed: scored(decisions.iter(), |decision| decision.before.prescribed),
    }
}

fn baselines(decisions: &[Decision]) -> Vec<BaselineFigures> {
    let figures = |(number, baseline): (usize, &'static str)| BaselineFigures {
        baseline,
        score: scored(decisions.iter(), |decision| decision.baselines.get(number).copied().flatten()),
    };
    BASELINES.into_iter().enumerate().map(figures).collect()
}

fn calibration(decisions: &[Decision]) -> Vec<CalibrationBand> {
    let band = |from_ppm: u64| {
        let to_ppm = from_ppm + BAND_PPM;
        let within = move |offer: &Offer| {
            (from_ppm..to_ppm).contains(&offer.confidence_ppm) || (to_ppm == PPM && offer.confidence_ppm == PPM)
        };
        let score = scored(decisions.iter(), |decision| decision.after.advised().filter(within));
        CalibrationBand { from_ppm, score, to_ppm }
    };
    (0..PPM / BAND_PPM).map(|number| band(number * BAND_PPM)).collect()
}

fn kinds(walked: &Walked) -> Vec<KindFigures> {
    let mut by_kind: BTreeMap<&RemedyKind, Vec<(&Decision, Offer)>> = BTreeMap::new();
    let rerun = dome_core::Remedy::rerun();
    for decision in &walked.decisions {
        let Some(offer) = decision.after.prescribed() else { continue };
        let named = walked.kinds.get(&offer.identity);
        if let Some(kind) = named.or_else(|| (offer.identity == rerun_identity()).then_some(&rerun.kind)) {
            by_kind.entry(kind).or_default().push((decision, offer));
        }
    }
    let figures = |(kind, offers): (&RemedyKind, Vec<(&Decision, Offer)>)| KindFigures {
        kind: kind.clone(),
        momentary: offers.iter().any(|(_, offer)| offer.momentary),
        prescribed: Score::of(offers.iter().map(|(decision, offer)| decision.outcome.of_offer(offer))),
    };
    by_kind.into_iter().map(figures).collect()
}

impl Endings {
    fn of<'d>(decisions: impl Iterator<Item = &'d Decision>) -> Self {
        let mut endings = Self::default();
        for Decision { outcome, .. } in decisions {
            endings.again += u64::from(outcome.again);
            match outcome.ending {
                Ending::Open => endings.open += 1,
                Ending::Cleared => endings.cleared += 1,
                Ending::GivenUp => endings.given_up += 1,
                Ending::Resolved { remedy, proof } => {
                    endings.resolved += 1;
                    endings.with_remedy += u64::from(remedy.is_some());
                    endings.held += u64::from(proof == Proof::Held);
                    endings.contradicted += u64::from(proof == Proof::Contradicted);
                }
            }
        }
        endings
    }
}

impl KnownCounts {
    fn of(decisions: &[Decision]) -> Self {
        Self {
            concept: count(decisions, |decision| decision.before.concepts > 0),
            elsewhere: count(decisions, |decision| decision.before.elsewhere > 0),
            exact: count(decisions, |decision| decision.before.exact > 0),
            foreseen: count(decisions, |decision| decision.before.foreseen),
            nothing: count(decisions, |decision| !decision.before.is_something()),
            repeated: count(decisions, |decision| decision.before.repeated),
        }
    }
}

/// Part `n` of `parts` holds the decisions from `n * all / parts` on.
fn over_time(decisions: &[Decision]) -> Vec<BacktestPart> {
    let (all, parts) = (decisions.len(), PARTS.min(decisions.len()));
    let part = |number: usize| {
        let own = decisions.get(number * all / parts..(number + 1) * all / parts)?;
        let (first_ts, last_ts) = (own.first()?.ts, own.last()?.ts);
        Some(BacktestPart { after: after(own.iter()), decisions: own.len() as u64, first_ts, last_ts })
    };
    (0..parts).filter_map(part).collect()
}

fn reasons(decisions: &[Decision]) -> Vec<ReasonFigures> {
    let mut by_code: BTreeMap<&FailureReasonCode, Vec<&Decision>> = BTreeMap::new();
    for decision in decisions {
        by_code.entry(&decision.failure_reason_code).or_default().push(decision);
    }
    let figures = |(code, own): (&FailureReasonCode, Vec<&Decision>)| ReasonFigures {
        after: after(own.iter().copied()),
        decisions: own.len() as u64,
        endings: Endings::of(own.iter().copied()),
        failure_reason_code: code.clone(),
    };
    by_code.into_iter().map(figures).collect()
}

fn sweep(decisions: &[Decision], policy: &Policy) -> Vec<SweepFigures> {
    let figures = |(number, (threshold, value, _)): (usize, (&'static str, u64, Policy))| {
        let prescribed = scored(decisions.iter(), |decision| decision.after.prescribed_by(number));
        SweepFigures { prescribed, share_ppm: ppm(prescribed.offered, decisions.len() as u64), threshold, value }
    };
    (1..).zip(variants(policy)).map(figures).collect()
}
