//! What reduces: something that sees validated outputs and nothing else.

use dome_core::canonical;
use serde::Serialize;

use super::result::ItemResult;
use crate::codes::{ReduceDenialCode, ReduceFailureCode};
use crate::contract::Output;

/// The accepted outputs, in the order of the plan. It can only be made from a result.
///
/// ```compile_fail,E0277
/// // Raw text never gets here:
/// let accepted: dome_patterns::Accepted<'_> = vec![br#"{"passed": 3}"#.to_vec()].into();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Accepted<'r> {
    rows: &'r [ItemResult],
}

impl<'r> Accepted<'r> {
    pub(super) const fn of(rows: &'r [ItemResult]) -> Self {
        Self { rows }
    }

    /// The outputs, in the order of the plan.
    pub fn outputs(&self) -> impl Iterator<Item = &'r Output> + use<'r> {
        self.rows.iter().filter_map(ItemResult::accepted)
    }
}

/// What makes one answer of all outputs. A closure is one.
///
/// ```
/// use dome_patterns::{Accepted, Budget, Completion, Item, MapPlan, ReduceFailureCode};
///
/// let contract = r#"{"contract_version": "1", "members": {"passed": {"type": "integer", "min": 0, "max": 99}}}"#;
/// let items = ["a", "b"].map(|id| Item { id: id.parse().unwrap(), input: Vec::new() });
/// let plan = MapPlan::new(contract.parse()?, Budget::default(), items.into())?;
/// let mut run = plan.start();
/// run.record(&"b".parse()?, Completion::exited(br#"{"passed": 5}"#.into(), 1))?;
/// run.record(&"a".parse()?, Completion::exited(br#"{"passed": 3}"#.into(), 1))?;
///
/// let best = |accepted: &Accepted<'_>| {
///     let best = accepted.outputs().max_by_key(|output| output.integer("passed"));
///     best.map(|output| output.item().clone()).ok_or(ReduceFailureCode::Failed)
/// };
/// assert_eq!(run.finish().reduce(&best)?.answer.as_str(), "b");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Reduce {
    /// What it makes.
    type Answer;

    /// Makes it.
    ///
    /// # Errors
    ///
    /// When there is no answer: why.
    fn reduce(&self, accepted: &Accepted<'_>) -> Result<Self::Answer, ReduceFailureCode>;
}

impl<A, F: Fn(&Accepted<'_>) -> Result<A, ReduceFailureCode>> Reduce for F {
    type Answer = A;

    fn reduce(&self, accepted: &Accepted<'_>) -> Result<A, ReduceFailureCode> {
        self(accepted)
    }
}

/// An answer, with how many items it rests on, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reduced<A> {
    /// Items that were reduced.
    pub accepted: u64,
    /// The answer.
    pub answer: A,
    /// Items that were denied.
    pub denied: u64,
    /// Items that failed.
    pub failed: u64,
}

impl Reduced<super::reducer::Summary> {
    /// The canonical bytes (M-01).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        canonical::append(self, &mut bytes);
        bytes
    }
}

/// Why nothing was reduced: not allowed, or not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReduceRefusal {
    /// The budget does not allow it.
    #[error("not reduced: {0}")]
    Denied(ReduceDenialCode),
    /// The reducer came to nothing.
    #[error("the reduce failed: {0}")]
    Failed(ReduceFailureCode),
}
