//! What guards said last, in one lane of a task line (M-96).

use std::collections::BTreeSet;

use dome_core::{Decision, GuardId, Signal};

use crate::record::Record;

/// The guards that are at *no*; all others are at *yes*.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guards {
    at_no: BTreeSet<GuardId>,
    /// The guard with the empty id: a denial that no evaluation explains.
    unnamed_at_no: bool,
}

impl Guards {
    pub(crate) fn observe(&mut self, record: &Record) {
        if record.is_succeeding() {
            *self = Self::default();
        }
        for eval in record.guard_evals() {
            match eval.decision {
                Some(Decision::Deny | Decision::Stop) => {
                    self.at_no.insert(eval.guard_id.clone());
                }
                Some(Decision::Allow) => {
                    self.at_no.remove(&eval.guard_id);
                }
                None => {}
            }
        }
        let explained = record.guard_evals().iter().any(dome_core::GuardEval::denies);
        self.unnamed_at_no |= record.signal == Signal::Denial && !explained;
    }

    pub(super) fn deny(&self) -> bool {
        self.unnamed_at_no || !self.at_no.is_empty()
    }

    /// The guards at *no*, the empty id first.
    pub(crate) fn at_no(&self) -> impl Iterator<Item = &str> {
        let unnamed = self.unnamed_at_no.then_some("");
        unnamed.into_iter().chain(self.at_no.iter().map(GuardId::as_str))
    }
}
