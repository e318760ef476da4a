//! One decision: what was known before a failing fact, and how that failure ended.

use std::collections::BTreeMap;

use dome_core::{FailureReasonCode, Sha256Hash, Timestamp};

use crate::ledger::Position;

/// A failing fact, what the answer before it was, and what came after. It is small: a backtest keeps
/// one for each failing fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The fact's place in the total order.
    pub position: Position,
    /// Its ordered time: when the question was asked.
    pub ts: Timestamp,
    /// Its task line (M-62).
    pub line_key: Sha256Hash,
    /// What failed.
    pub failure_reason_code: FailureReasonCode,
    /// What was known.
    pub answer: Answer,
    /// What became of the failure.
    pub ending: Ending,
}

/// What the answer was, as far as it is scored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// There were capsules of the task line.
    pub exact: bool,
    /// One of them was known on another line too.
    pub elsewhere: bool,
    /// There was a concept.
    pub concept: bool,
    /// The capsule of this very failure was among them.
    pub repeated: bool,
    /// The answer started with the capsule of this very failure.
    pub foreseen: bool,
    /// The remedy that the answer named first.
    pub remedy: Option<Sha256Hash>,
    /// The remedy of the prior that could be followed.
    pub prescribed: Option<Sha256Hash>,
    /// Only a guard kept a prior from steering.
    pub guard_held: bool,
    /// The same as `prescribed` under the policies of the sweep.
    pub(super) swept: Swept,
}

/// Which remedies the policies of a sweep would let be followed: each remedy with the policies, as bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Swept(Box<[(Sha256Hash, u64)]>);

impl Swept {
    /// From what each policy offers, in their order.
    pub(super) fn of(offers: impl Iterator<Item = Option<Sha256Hash>>) -> Self {
        let mut by_remedy: BTreeMap<Sha256Hash, u64> = BTreeMap::new();
        for (bit, remedy) in (0_u32..).zip(offers) {
            if let Some(remedy) = remedy {
                *by_remedy.entry(remedy).or_default() |= 1_u64.checked_shl(bit).unwrap_or(0);
            }
        }
        Self(by_remedy.into_iter().collect())
    }

    /// What one policy offers.
    pub(super) fn offer(&self, policy: usize) -> Option<Sha256Hash> {
        let bit = u32::try_from(policy).ok().and_then(|policy| 1_u64.checked_shl(policy))?;
        self.0.iter().find(|(_, policies)| policies & bit != 0).map(|(remedy, _)| *remedy)
    }
}

impl Answer {
    /// Whether there was a prior at all.
    #[must_use]
    pub const fn is_something(&self) -> bool {
        self.exact || self.concept
    }
}

/// How a failure ended, in its lane (M-82, M-81).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// It was not resolved by the end of the history.
    #[default]
    Open,
    /// It was resolved.
    Resolved {
        /// By this remedy, if the success named one.
        remedy: Option<Sha256Hash>,
        /// And failed again within the contradiction window.
        contradicted: bool,
    },
}
