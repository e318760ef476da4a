//! Simple rules that a memory has to be better than.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use dome_core::{FailureReasonCode, Sha256Hash};

use super::Offer;
use crate::fold::{Happened, Step};
use crate::remedy::rerun_identity;
use crate::settle::Fact;

/// Their names, in the order of [`super::Decision::baselines`].
pub(super) const BASELINES: [&str; 3] = ["always_rerun", "last_that_worked", "majority_of_code"];

/// What worked so far.
#[derive(Default)]
pub(super) struct Baselines {
    /// What ended the last row of a key that a remedy ended.
    last: BTreeMap<Sha256Hash, Offer>,
    /// How often each remedy ended a row, by code.
    of_code: BTreeMap<FailureReasonCode, BTreeMap<Sha256Hash, (u64, Offer)>>,
}

impl Baselines {
    /// What each rule offers when a failure has just happened.
    pub(super) fn offers(&self, fact: &Fact) -> [Option<Offer>; 3] {
        let rerun = Offer { identity: rerun_identity(), confidence_ppm: 0, momentary: true, reruns: Some(1) };
        let last = self.last.get(&fact.keys.derived).copied();
        let of_code = self.of_code.get(&fact.keys.failure_reason_code);
        let most = of_code.and_then(|of_code| of_code.iter().min_by_key(|(key, (count, _))| (Reverse(*count), **key)));
        [Some(rerun), last, most.map(|(_, (_, offer))| *offer)]
    }

    pub(super) fn learn(&mut self, fact: &Fact, step: &Step, code: impl Fn(&Sha256Hash) -> Option<FailureReasonCode>) {
        let Some(remedy) = &fact.remedy else { return };
        for effect in &step.effects {
            let Happened::Resolved { remedy: Some(identity), .. } = effect.what else { continue };
            let reruns = (identity == rerun_identity()).then_some(1);
            let offer = Offer { identity, confidence_ppm: 0, momentary: remedy.is_momentary(), reruns };
            self.last.insert(effect.key, offer);
            if let Some(code) = code(&effect.key) {
                self.of_code.entry(code).or_default().entry(identity).or_insert((0, offer)).0 += 1;
            }
        }
    }
}
