//! The outcome of every item, in the order of the plan.

use dome_core::{Sha256Hash, TargetId, canonical};
use serde::Serialize;

use super::budget::Budget;
use super::reduce::{Accepted, Reduce, ReduceRefusal, Reduced};
use crate::codes::{MapDenialCode, MapFailureCode, ReduceDenialCode};
use crate::contract::{Field, MapFailure, Output, OutputProblem};

/// What became of one item. A failure is never a denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An output that keeps the contract.
    Accepted(Output),
    /// The work came to nothing.
    Failed(MapFailure),
    /// No worker was given it.
    Denied(MapDenialCode),
}

/// One item with its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemResult {
    pub(super) item: TargetId,
    pub(super) input_sha256: Sha256Hash,
    pub(super) outcome: Outcome,
    /// Digest and length of what the worker wrote.
    pub(super) output: Option<(Sha256Hash, u64)>,
    pub(super) time_ms: Option<u64>,
}

/// The outcome of every item, in the order of the plan, whatever the order of completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapResult {
    plan: Sha256Hash,
    budget: Budget,
    rows: Vec<ItemResult>,
    counts: Counts,
}

/// How many items came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    pub(super) failed: u64,
    pub(super) denied: u64,
}

/// An item's row, in canonical order.
#[derive(Serialize)]
#[serde(untagged)]
enum Row<'r> {
    Accepted {
        item: &'r TargetId,
        status: &'static str,
        value: &'r Field,
    },
    Failed {
        failure_reason_code: MapFailureCode,
        item: &'r TargetId,
        problems: &'r [OutputProblem],
        status: &'static str,
    },
    Denied {
        item: &'r TargetId,
        policy_reason_code: MapDenialCode,
        status: &'static str,
    },
}

impl ItemResult {
    /// Which item.
    #[must_use]
    pub const fn item(&self) -> &TargetId {
        &self.item
    }

    /// What became of it.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The digest of what its worker was given.
    #[must_use]
    pub const fn input_sha256(&self) -> Sha256Hash {
        self.input_sha256
    }

    /// Digest and length in bytes of what its worker wrote, if one was heard of.
    #[must_use]
    pub const fn output(&self) -> Option<(Sha256Hash, u64)> {
        self.output
    }

    /// The output, if it keeps the contract.
    #[must_use]
    pub const fn accepted(&self) -> Option<&Output> {
        if let Outcome::Accepted(output) = &self.outcome { Some(output) } else { None }
    }

    fn row(&self) -> Row<'_> {
        let item = &self.item;
        match &self.outcome {
            Outcome::Accepted(output) => Row::Accepted { item, status: "accepted", value: output.value() },
            Outcome::Failed(failure) => {
                let MapFailure { code, problems } = failure;
                Row::Failed { failure_reason_code: *code, item, problems, status: "failed" }
            }
            Outcome::Denied(code) => Row::Denied { item, policy_reason_code: *code, status: "denied" },
        }
    }

    /// The item's row as canonical bytes, without a line feed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        canonical::append(&self.row(), &mut bytes);
        bytes
    }
}

impl MapResult {
    pub(super) fn new(plan: Sha256Hash, budget: Budget, rows: Vec<ItemResult>) -> Self {
        let mut counts = Counts::default();
        for row in &rows {
            match row.outcome {
                Outcome::Accepted(_) => counts.accepted += 1,
                Outcome::Failed(_) => counts.failed += 1,
                Outcome::Denied(_) => counts.denied += 1,
            }
        }
        Self { plan, budget, rows, counts }
    }

    /// The items, in the order of the plan.
    #[must_use]
    pub fn items(&self) -> &[ItemResult] {
        &self.rows
    }

    /// The digest of the plan.
    #[must_use]
    pub const fn plan(&self) -> Sha256Hash {
        self.plan
    }

    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    /// Every item's row, a line each: the same bytes whatever the order of completion.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for row in &self.rows {
            canonical::append(&row.row(), &mut bytes);
            bytes.push(b'\n');
        }
        bytes
    }

    /// Reduces the accepted outputs, in the order of the plan.
    ///
    /// # Errors
    ///
    /// [`ReduceRefusal::Denied`] with `REDUCE.FAILURES_EXCEEDED` or `REDUCE.DENIALS_EXCEEDED` when more
    /// items failed or were denied than the budget allows; [`ReduceRefusal::Failed`] with
    /// `REDUCE.OVERFLOW` or `REDUCE.FAILED` when the reducer says so.
    pub fn reduce<R: Reduce + ?Sized>(&self, reducer: &R) -> Result<Reduced<R::Answer>, ReduceRefusal> {
        let Counts { accepted, failed, denied } = self.counts;
        if failed > self.budget.failures_allowed {
            return Err(ReduceRefusal::Denied(ReduceDenialCode::Failures));
        }
        if denied > self.budget.denials_allowed {
            return Err(ReduceRefusal::Denied(ReduceDenialCode::Denials));
        }
        let answer = reducer.reduce(&Accepted::of(&self.rows)).map_err(ReduceRefusal::Failed)?;
        Ok(Reduced { accepted, answer, denied, failed })
    }
}
