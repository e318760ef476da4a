//! What guards said last, in one lane of a task line (M-96).

use std::collections::BTreeSet;

use dome_core::{Decision, GuardId, Signal};
use serde::{Deserialize, Serialize};

use crate::record::Record;

/// The guards that are at *no*; all others are at *yes*.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Guards {
    at_no: BTreeSet<GuardId>,
    /// The guard with the empty id: a denial that no evaluation explains.
    unnamed_at_no: bool,
}
impl Guards {
    pub(super) fn observe(&mut self, record: &Record) {
        if record.is_succeeding() {
            *self = Self::default();
        }
        for eval in &record.guard_evals {
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
        let explained = record.guard_evals.iter().any(dome_core::GuardEval::denies);
        self.unnamed_at_no |= record.signal == Signal::Denial && !explained;
    }

    pub(super) fn deny(&self) -> bool {
        self.unnamed_at_no || !self.at_no.is_empty()
    }
}
