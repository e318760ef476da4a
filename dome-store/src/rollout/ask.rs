//! A planner's question, answered as far as the store and the project let it.

use std::collections::BTreeSet;

use dome_binder::Verdict;
use dome_binder::priors::{
    AdvisoryBecause, LimitReason, Priors, PriorsQuery, Rollout, RolloutLimit, RolloutTerms, brief,
};
use dome_core::{RunId, Sha256Hash, Timestamp};
use dome_replay::Watch;

use super::{RolloutStanding, once};
use crate::folder::StoreFolder;
use crate::index::{FactsIn, Indexed, Result};
use crate::records::StoreRecords;

/// A planner's question, and who asks it.
#[derive(Clone, Copy, Debug)]
pub struct PriorsAsk<'q> {
    /// The question; its mode is what is asked for at most.
    pub query: &'q PriorsQuery,
    /// The instant that staleness is measured at; by default the last fact's.
    pub as_of: Option<Timestamp>,
    /// How far the project's settings let dome go.
    pub project: Option<Rollout>,
    /// The run that asks: a store prescribes once in a run.
    pub run_id: Option<&'q RunId>,
    /// Whether only the brief answer is shown: what it has no room for is not prescribed.
    pub is_brief: bool,
}

impl FactsIn<'_> {
    /// Answers a planner's question in the mode that it asks for, that of the store, or that of the project, whichever is
    /// the least; a result has no mode of its own.
    ///
    /// What the store keeps of tools holds back remedies whose tool nothing vouches for ([`crate::records`]).
    ///
    /// What a store prescribes it remembers first, for the run that asks. A second time, without a run, or where it
    /// cannot be remembered, it is advice, and the prior says why.
    ///
    /// # Errors
    ///
    /// As [`FactsIn::ask`]; and when the store's rollout, or its records, are damaged.
    pub fn priors(self, ask: &PriorsAsk<'_>, watch: &dyn Watch) -> crate::Result<Priors> {
        let (standing, mut answer) = self.ask(watch, |known| self.answered(ask, known))?;
        if let Some(folder) = standing {
            once_in_run(&mut answer, &folder, ask, watch);
        }
        Ok(answer)
    }

    fn answered(self, ask: &PriorsAsk<'_>, known: &Indexed) -> Result<(Option<StoreFolder>, Priors)> {
        let mut terms = RolloutTerms { run_id: ask.run_id.cloned(), ..RolloutTerms::of(ask.query.rollout) };
        let mut rollout = ask.query.rollout;
        if let Some(most) = ask.project.filter(|most| *most < rollout) {
            let detail = format!("`dome.toml` lets no further than `{most}`");
            terms.limits.push(RolloutLimit::new(LimitReason::ProjectSetting, detail));
            rollout = most;
        }
        let mut query = ask.query.clone();
        let folder = match self {
            Self::Result(_) => None,
            Self::Store(store) => {
                let standing = RolloutStanding::of(store, &known.index, ask.as_of)?;
                if standing.rollout.mode < terms.asked {
                    let detail = format!("the rollout mode of the store is `{}`", standing.rollout.mode);
                    terms.limits.push(RolloutLimit::new(LimitReason::StoreMode, detail));
                }
                if standing.most < terms.asked {
                    terms.limits.extend(standing.limits);
                }
                rollout = rollout.min(standing.most);
                let prescribes = rollout == Rollout::Prescriptive;
                terms.earned_on = standing.rollout.earned.filter(|_| prescribes).map(|earned| earned.snapshot_digest);
                terms.overridden = standing.rollout.overridden;
                query.store = StoreRecords::of(&standing.folder)?.says();
                Some(standing.folder)
            }
        };
        let mut answer = known.index.priors(&PriorsQuery { rollout, ..query }, ask.as_of)?;
        answer.rollout_terms = (!terms.is_plain()).then_some(terms);
        Ok((folder, answer))
    }
}

/// Leaves prescriptive what is prescribed in the run for the first time, and is remembered.
fn once_in_run(answer: &mut Priors, folder: &StoreFolder, ask: &PriorsAsk<'_>, watch: &dyn Watch) {
    let followed = |verdict| verdict == Verdict::Prescriptive;
    if ask.is_brief {
        let shown: BTreeSet<Sha256Hash> = brief(answer).priors.iter().map(|prior| prior.key).collect();
        let hidden = answer.priors.iter_mut().filter(|prior| !shown.contains(&prior.key()));
        hidden.filter(|prior| followed(prior.verdict)).for_each(|prior| prior.advise(AdvisoryBecause::NotShown));
    }
    let keys: Vec<Sha256Hash> =
        answer.priors.iter().filter(|prior| followed(prior.verdict)).map(|prior| prior.key()).collect();
    if keys.is_empty() {
        return;
    }
    let because: Vec<Option<AdvisoryBecause>> = match ask.run_id.map(|run_id| once::prescribe(folder, run_id, &keys)) {
        None => keys.iter().map(|_| Some(AdvisoryBecause::RunNotNamed)).collect(),
        Some(Ok(first)) => first.iter().map(|first| (!first).then_some(AdvisoryBecause::AnsweredInRun)).collect(),
        Some(Err(error)) => {
            watch.note(&format!("nothing is prescribed, since it cannot be remembered: {}", error.chain()));
            keys.iter().map(|_| Some(AdvisoryBecause::NotRemembered)).collect()
        }
    };
    let prescribed = answer.priors.iter_mut().filter(|prior| followed(prior.verdict));
    for (prior, because) in prescribed.zip(because) {
        if let Some(because) = because {
            prior.advise(because);
        }
    }
}
