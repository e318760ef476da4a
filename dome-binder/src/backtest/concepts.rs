//! Concepts at one moment of a history: sums that grow by what each next fact changes (M-95).

use std::collections::{BTreeMap, BTreeSet};

use dome_core::{FailureReasonCode, Sha256Hash, TargetId, Timestamp};

use super::past::Offer;
use crate::capsule::{Capsule, CapsuleKind, CodeFacts};
use crate::concept::is_listed;
use crate::eligibility::{Figures, FirstRemedy};
use crate::fold::{CapsuleState, Happened, Rules, RunSets, Step, UnitedTrials};
use crate::remedy::best_remedies;
use crate::settle::Fact;

/// What a capsule adds to its concept.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    support: u64,
    confirmed: u64,
    refuted: u64,
}

/// A concept, as far as its place and its eligibility go.
#[derive(Debug, Default)]
pub(super) struct ConceptPast {
    /// The lines that have a capsule with this key, whatever its kind; no line has two.
    pub(super) lines: BTreeSet<Sha256Hash>,
    pub(super) is_listed: bool,
    shares: BTreeMap<Sha256Hash, Share>,
    sum: Share,
    targets: BTreeSet<TargetId>,
    trials: UnitedTrials,
    last_seen: Option<Timestamp>,
    code: Option<FailureReasonCode>,
    /// What it came to when it was last asked for.
    told: Option<(Figures, Option<Offer>)>,
}

impl ConceptPast {
    /// A capsule of kind `failure` has changed: by a fact, or because it was applied.
    pub(super) fn change(
        &mut self,
        state: &CapsuleState,
        capsule: &Capsule,
        by: Option<(&Fact, &Step)>,
        rules: &Rules,
    ) {
        let share = Share {
            support: capsule.support_count,
            confirmed: capsule.confirmed_count,
            refuted: capsule.refuted_count,
        };
        let before = self.shares.insert(capsule.derived_key, share);
        let had = before.unwrap_or_default();
        self.sum.support += share.support - had.support;
        self.sum.confirmed += share.confirmed - had.confirmed;
        self.sum.refuted += share.refuted - had.refuted;
        match (before, by) {
            (Some(_), Some((fact, step))) => {
                let own = step.effects.iter().filter(|effect| effect.key == capsule.derived_key);
                let named = own.filter_map(|effect| match effect.what {
                    Happened::Again { remedy }
                    | Happened::Contradicted { remedy }
                    | Happened::Resolved { remedy, .. }
                    | Happened::Held { remedy } => remedy,
                    _ => None,
                });
                self.trials.add_change(&state.trials, &fact.run_id, named);
            }
            (Some(_), None) => {}
            (None, _) => self.trials.add(&state.trials),
        }
        self.last_seen = self.last_seen.max(Some(capsule.last_seen_ts));
        if before.is_none() {
            self.targets.insert(capsule.target_id.clone());
            self.code = Some(capsule.failure_reason_code.clone());
        }
        self.is_listed = is_listed(self.sum.support, self.targets.len() as u64, &rules.policy);
        self.told = None;
    }

    /// What M-92 looks at, and the first remedy.
    pub(super) fn figures(&mut self, rules: &Rules) -> Option<(Figures, Option<Offer>)> {
        if self.told.is_some() {
            return self.told;
        }
        let first = best_remedies(self.trials.all()).into_iter().next();
        let code = self.code.as_ref().map(|code| CodeFacts::of(code, CapsuleKind::Failure, rules));
        let figures = Figures {
            support_count: self.sum.support,
            run_count: self.trials.all().count(RunSets::MINTED),
            remedy: first.as_ref().map(FirstRemedy::of),
            unresolved_ppm: None,
            confirmed_count: self.sum.confirmed,
            refuted_count: self.sum.refuted,
            broken: false,
            elsewhere: true,
            last_seen_ts: self.last_seen?,
            class: code.as_ref().and_then(|code| code.class),
            reason_code_known: code.is_some_and(|code| code.known),
            guard_denied: false,
        };
        let told = (figures, first.as_ref().map(Offer::of));
        self.told = Some(told);
        self.told
    }
}
