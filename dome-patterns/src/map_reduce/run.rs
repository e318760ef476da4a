//! What the workers came to, collected in any order.

use dome_core::{Sha256Hash, TargetId};

use super::plan::MapPlan;
use super::result::{ItemResult, MapResult, Outcome};
use crate::codes::MapFailureCode;
use crate::contract::MapFailure;

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status; 0 is success.
    Exited(i32),
    /// By a signal, or it could not be started.
    Killed,
    /// By the caller, because its time was over.
    TimedOut,
}

/// What one worker came to, as its caller saw it. The bytes are looked at once and not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// How it ended.
    pub ended: Ended,
    /// What it wrote.
    pub output: Vec<u8>,
    /// How long it took, in milliseconds, by the caller's clock.
    pub time_ms: u64,
}

/// What the workers came to so far.
#[derive(Clone, Debug)]
#[must_use = "a run comes to nothing until `finish`"]
pub struct MapRun<'p> {
    plan: &'p MapPlan,
    seen: Vec<Option<Seen>>,
}

#[derive(Clone, Debug)]
struct Seen {
    outcome: Outcome,
    output_sha256: Sha256Hash,
    output_bytes: u64,
    time_ms: u64,
}

/// Why a completion is not taken: the caller mixed something up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The plan has no such item.
    #[error("the plan has no item `{0}`")]
    Unknown(TargetId),
    /// The item was denied, so that no worker can have run.
    #[error("the item `{0}` was denied")]
    Denied(TargetId),
    /// The item has a completion; the first one stands.
    #[error("the item `{0}` has a completion already")]
    Twice(TargetId),
}

impl Completion {
    /// A worker that ended well and wrote `output`.
    #[must_use]
    pub const fn exited(output: Vec<u8>, time_ms: u64) -> Self {
        Self { ended: Ended::Exited(0), output, time_ms }
    }
}

impl<'p> MapRun<'p> {
    pub(super) fn new(plan: &'p MapPlan) -> Self {
        Self { plan, seen: vec![None; plan.items().len()] }
    }

    /// Takes what the worker of `item` came to. Whose worker it was is for the caller to know: nothing
    /// that the worker wrote decides it.
    ///
    /// # Errors
    ///
    /// [`RecordError`]; what the worker did wrong is no error but its outcome.
    pub fn record(&mut self, item: &TargetId, completion: Completion) -> Result<(), RecordError> {
        let (place, planned) = self.plan.planned(item).ok_or_else(|| RecordError::Unknown(item.clone()))?;
        if planned.denied.is_some() {
            return Err(RecordError::Denied(item.clone()));
        }
        let slot = self.seen.get_mut(place).filter(|slot| slot.is_none());
        let slot = slot.ok_or_else(|| RecordError::Twice(item.clone()))?;
        *slot = Some(Seen::of(self.plan, item, &completion));
        Ok(())
    }

    /// The outcome of every item, in the order of the plan. An item without a completion is lost.
    #[must_use]
    pub fn finish(self) -> MapResult {
        let Self { plan, seen } = self;
        let rows = plan.items().iter().zip(seen).map(|(planned, seen)| {
            let (outcome, seen) = match (planned.denied, seen) {
                (Some(code), _) => (Outcome::Denied(code), None),
                (None, Some(seen)) => (seen.outcome.clone(), Some(seen)),
                (None, None) => (Outcome::Failed(MapFailure::of(MapFailureCode::WorkerLost)), None),
            };
            ItemResult {
                item: planned.item.id.clone(),
                input_sha256: planned.input_sha256,
                outcome,
                output: seen.as_ref().map(|seen| (seen.output_sha256, seen.output_bytes)),
                time_ms: seen.map(|seen| seen.time_ms),
            }
        });
        MapResult::new(plan.digest(), *plan.budget(), rows.collect())
    }
}

impl Seen {
    fn of(plan: &MapPlan, item: &TargetId, completion: &Completion) -> Self {
        Self {
            outcome: judge(plan, item, completion).unwrap_or_else(Outcome::Failed),
            output_sha256: Sha256Hash::of(&completion.output),
            output_bytes: completion.output.len() as u64,
            time_ms: completion.time_ms,
        }
    }
}

fn judge(plan: &MapPlan, item: &TargetId, completion: &Completion) -> Result<Outcome, MapFailure> {
    let Completion { ended, output, time_ms } = completion;
    if *ended == Ended::TimedOut || *time_ms > plan.budget().worker_time_ms {
        return Err(MapFailure::of(MapFailureCode::WorkerTimeout));
    }
    if output.len() as u64 > plan.budget().output_bytes {
        return Err(MapFailure::of(MapFailureCode::OutputTooLarge));
    }
    if *ended != Ended::Exited(0) {
        return Err(MapFailure::of(MapFailureCode::WorkerFailed));
    }
    plan.contract().validate(item, output).map(Outcome::Accepted)
}
