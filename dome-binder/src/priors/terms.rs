//! The terms of an answer: how far a store or a project lets dome go, whatever is asked for.
//!
//! Nothing here decides; it is said in the answer, so that whoever audits it sees why a prior was advice, or by whose
//! word it was more.

use dome_core::{RunId, Sha256Hash, choice};
use serde::Serialize;

use super::brief::short;
use super::{OwnersWord, Prior, Rollout};
use crate::eligibility::Verdict;

/// Bytes of a text in the terms of a brief answer, at the most; as JSON it may be twice as long.
const MOST_TERM_BYTES: usize = 120;

/// By what terms a question was answered, where it was not simply answered as it was asked. In canonical order.
///
/// ```
/// use dome_binder::priors::{LimitReason, Rollout, RolloutLimit, RolloutTerms};
/// let terms = RolloutTerms::of(Rollout::Prescriptive);
/// assert!(terms.is_plain(), "nothing to say");
/// let limit = RolloutLimit::new(LimitReason::StoreMode, "the store's rollout mode is `guided`");
/// let terms = RolloutTerms { limits: vec![limit], ..terms };
/// assert_eq!(terms.limits[0].to_string(), "store_mode: the store's rollout mode is `guided`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutTerms {
    /// The mode that was asked for; `rollout` of the answer is the one that it was answered in.
    pub asked: Rollout,
    /// Where the store prescribes by what it earned: which facts it earned it on (M-120).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earned_on: Option<Sha256Hash>,
    /// Why it was answered in a lesser mode than was asked for.
    pub limits: Vec<RolloutLimit>,
    /// The override that lets the store prescribe though that was not earned.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<OwnersWord>,
    /// The run that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
}

impl RolloutTerms {
    /// The terms of a question that nothing limits.
    #[must_use]
    pub const fn of(asked: Rollout) -> Self {
        Self { asked, earned_on: None, limits: Vec::new(), overridden: None, run_id: None }
    }

    /// The same for an answer in few words: texts of others by their beginnings, and without what whoever asks knows.
    pub(super) fn brief(&self) -> Self {
        let texts = |text: &String| short(text, MOST_TERM_BYTES).to_string();
        let limits = self.limits.iter().map(|limit| RolloutLimit { detail: texts(&limit.detail), ..limit.clone() });
        let overridden = self.overridden.as_ref().map(|said| OwnersWord {
            by: texts(&said.by),
            why: texts(&said.why),
            ..said.clone()
        });
        Self { limits: limits.collect(), overridden, run_id: None, ..self.clone() }
    }

    /// Whether there is nothing to say: no right, no limit, no run.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.limits.is_empty() && self.earned_on.is_none() && self.overridden.is_none() && self.run_id.is_none()
    }
}

/// One thing that limits the mode, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutLimit {
    /// What was found and what was expected.
    pub detail: String,
    /// What kind of limit it is.
    pub reason: LimitReason,
}

impl RolloutLimit {
    /// A limit and what there is to say of it.
    #[must_use]
    pub fn new(reason: LimitReason, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), reason }
    }
}

impl std::fmt::Display for RolloutLimit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.reason, self.detail)
    }
}

choice! {
    /// What limits the rollout mode.
    LimitReason {
        /// The project's settings let no further.
        ProjectSetting = "project_setting",
        /// The store is in a lesser mode.
        StoreMode = "store_mode",
        /// The model that `prescriptive` was earned under is not this one.
        ModelChanged = "model_changed",
        /// What the store derives by is not what `prescriptive` was earned under.
        PolicyChanged = "policy_changed",
        /// The facts that it was earned on are not all facts of the store today.
        NotAncestor = "not_ancestor",
        /// It was earned too long ago.
        TooOld = "too_old",
    }
}

choice! {
    /// Why a prior that could have been followed was answered as advice.
    AdvisoryBecause {
        /// It was answered in this run before: a prescription is answered once.
        AnsweredInRun = "answered_in_run",
        /// No run was named, so that nothing can say whether it was answered in it before.
        RunNotNamed = "run_not_named",
        /// The store cannot remember that it was answered.
        NotRemembered = "not_remembered",
        /// The answer is brief, and has no room for it; it may be asked for in full.
        NotShown = "not_shown",
    }
}

impl AdvisoryBecause {
    /// The same in plain words.
    #[must_use]
    pub const fn explained(self) -> &'static str {
        match self {
            Self::AnsweredInRun => "it was prescribed in this run before, and is prescribed once",
            Self::RunNotNamed => "a store prescribes once in a run, and --run names none",
            Self::NotRemembered => "the store cannot remember that it was prescribed",
            Self::NotShown => "the answer was brief, and had no room for it",
        }
    }
}

impl Prior {
    /// Makes advice of a prior that could have been followed.
    ///
    /// ```
    /// # use dome_binder::priors::{AdvisoryBecause, Prior};
    /// # use dome_binder::Verdict;
    /// # fn f(mut prior: Prior) {
    /// prior.advise(AdvisoryBecause::AnsweredInRun);
    /// assert!(prior.verdict <= Verdict::Advisory && !prior.side_effects);
    /// # }
    /// ```
    pub fn advise(&mut self, because: AdvisoryBecause) {
        self.verdict = self.verdict.min(Verdict::Advisory);
        self.side_effects = Self::grants(self.verdict, self.layer);
        self.advisory_because = Some(because);
    }
}
