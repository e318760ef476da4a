//! Whether a mode is earned.

use dome_core::Sha256Hash;
use serde::Serialize;

use super::policy::{RolloutPolicy, StepPolicy};
use super::recorded::{RecordedAnswer, RecordedFigures, recorded};
use super::requirement::{Evidence, Requirement};
use crate::backtest::{Backtest, Score, Walked, report, walk};
use crate::fold::Rules;
use crate::ledger::Ledger;
use crate::priors::Rollout;

/// What `dome rollout status` prints, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutStatus {
    /// Whether the mode is earned: its own step, and every one before it.
    pub earned: bool,
    /// The version of this document.
    pub format_version: &'static str,
    /// The furthest mode that is earned.
    pub furthest: Rollout,
    /// What is missing for the mode, in plain words.
    pub missing: Vec<String>,
    /// The mode that is judged.
    pub mode: Rollout,
    /// What each mode has to show.
    pub policy: RolloutPolicy,
    /// Which facts the backtest walked.
    pub snapshot_digest: Sha256Hash,
    /// From `shadow` to `guided`, from `guided` to `prescriptive`.
    pub steps: Vec<StepStatus>,
}

/// One step from a mode to the next, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StepStatus {
    /// Whether all its requirements are met.
    pub earned: bool,
    /// The mode before.
    pub from: Rollout,
    /// What was recorded while the mode before was on, or one further.
    pub recorded: RecordedFigures,
    /// Every requirement with its number and threshold.
    pub requirements: Vec<Requirement>,
    /// The mode.
    pub to: Rollout,
}

/// Judges whether `mode` is earned, on a history and on recorded answers.
#[must_use]
pub fn status(
    ledger: &Ledger,
    rules: &Rules,
    answers: &[RecordedAnswer],
    policy: &RolloutPolicy,
    mode: Rollout,
) -> RolloutStatus {
    let walked = walk(ledger, rules);
    let tested = report(&walked, ledger, rules);
    let history = History { ledger, walked: &walked, tested: &tested, answers };
    let steps = vec![
        history.step(Rollout::Shadow, Rollout::Guided, &policy.guided),
        history.step(Rollout::Guided, Rollout::Prescriptive, &policy.prescriptive),
    ];
    let furthest = steps.iter().take_while(|step| step.earned).map(|step| step.to).last();
    let furthest = furthest.unwrap_or(Rollout::Shadow);
    let missing = steps.iter().filter(|step| step.to <= mode).flat_map(StepStatus::missing).collect();
    RolloutStatus {
        earned: mode <= furthest,
        furthest,
        format_version: "1",
        missing,
        mode,
        policy: policy.clone(),
        snapshot_digest: tested.snapshot_digest,
        steps,
    }
}

/// What steps are judged by.
struct History<'h> {
    ledger: &'h Ledger,
    walked: &'h Walked,
    tested: &'h Backtest,
    answers: &'h [RecordedAnswer],
}

impl History<'_> {
    fn step(&self, from: Rollout, to: Rollout, policy: &StepPolicy) -> StepStatus {
        let mode = self.tested.modes.iter().find(|figures| figures.mode == to);
        let modes: Vec<Rollout> =
            [Rollout::Shadow, Rollout::Guided, Rollout::Prescriptive].into_iter().filter(|on| *on >= from).collect();
        let recorded = recorded(self.answers, &modes, self.ledger, self.walked);
        let (offered, said) = match to {
            Rollout::Prescriptive => (mode.map(|figures| figures.prescribed), recorded.prescribed),
            Rollout::Shadow | Rollout::Guided => (mode.map(|figures| figures.advised), recorded.advised),
        };
        let requirements = self.requirements(&offered.unwrap_or_default(), &recorded, &said, policy);
        StepStatus { earned: requirements.iter().all(|one| one.met), from, recorded, requirements, to }
    }

    fn requirements(
        &self,
        offered: &Score,
        recorded: &RecordedFigures,
        said: &Score,
        policy: &StepPolicy,
    ) -> Vec<Requirement> {
        use Evidence::{Backtest, Recorded};
        let conflicts = Some(self.tested.guards.conflicts);
        vec![
            Requirement::least("min_decisions", Backtest, Some(self.tested.decisions), policy.min_decisions),
            Requirement::least("min_offered", Backtest, Some(offered.offered), policy.min_offered),
            Requirement::least("min_precision_ppm", Backtest, offered.precision_ppm, policy.min_precision_ppm),
            Requirement::most(
                "max_contradiction_ppm",
                Backtest,
                offered.contradiction_ppm(),
                policy.max_contradiction_ppm,
            ),
            Requirement::most("max_guard_conflicts", Backtest, conflicts, policy.max_guard_conflicts),
            Requirement::least("min_recorded", Recorded, Some(recorded.answers), policy.min_recorded),
            Requirement::least(
                "min_recorded_precision_ppm",
                Recorded,
                said.precision_ppm,
                policy.min_recorded_precision_ppm,
            ),
        ]
    }
}

impl StepStatus {
    /// What is missing, in plain words.
    fn missing(&self) -> impl Iterator<Item = String> {
        let unmet = self.requirements.iter().filter(|one| !one.met);
        unmet.map(|one| format!("{}: {one}", self.to.as_str()))
    }
}
