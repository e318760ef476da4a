//! What became of the items, told to the memory: a failure as a failure, a denial as a denial.

use dome_core::build::{Draft, SignalType};
use dome_core::{Decision, Envelope, Evidence, GateId, GuardEval, GuardId, IdentifierError, Status, TargetId};

use super::reduce::{ReduceRefusal, Reduced};
use super::result::{ItemResult, MapResult, Outcome};
use crate::codes::MapFailureCode;
use crate::contract::MapFailure;
use crate::pattern::{Pattern, Step};
use crate::report::{ReportError, Reporter};

impl MapFailureCode {
    /// Whether the worker is the cause, rather than what it wrote.
    const fn is_of_worker(self) -> bool {
        matches!(self, Self::WorkerLost | Self::WorkerTimeout | Self::WorkerFailed)
    }
}

fn gates() -> Result<[GateId; 2], IdentifierError> {
    Ok(["worker".parse()?, "output_contract".parse()?])
}

fn guard(name: &str, denied: &dome_core::PolicyReasonCode) -> Result<GuardEval, IdentifierError> {
    let guard = GuardEval::new(GuardId::new(name)?, Status::Fail);
    Ok(guard.decided(Decision::Deny, [denied.clone()]))
}

impl ItemResult {
    /// The envelope of this item's outcome: a success, a failure with its `failure_reason_code`, or a
    /// denial with its `policy_reason_code`. No text of the worker's is in it.
    ///
    /// # Errors
    ///
    /// [`ReportError::Pattern`] when the binding has no step `map`; [`ReportError::Rejected`] when the
    /// reporter's sequence or tool would be rejected.
    pub fn envelope(&self, pattern: &Pattern, reporter: &mut Reporter) -> Result<Envelope, ReportError> {
        let step = pattern.step("map")?;
        let origin = reporter.origin("map", self.item.as_str())?;
        let (line, input) = (step.line(self.item.clone()), Evidence::of(self.input_sha256));
        let [worker, contract] = gates()?;
        Ok(match &self.outcome {
            Outcome::Accepted(_) => {
                let draft = Draft::success(origin, line, input).passed(worker).passed(contract);
                self.finish(draft, reporter, pattern).build()?
            }
            Outcome::Failed(failure) => {
                let MapFailure { code, .. } = failure;
                let draft = Draft::failure(origin, line, code.code(), input).message(failure.to_string());
                let draft = if code.is_of_worker() {
                    draft.failed(worker).skipped(contract)
                } else {
                    draft.passed(worker).failed(contract)
                };
                self.finish(draft, reporter, pattern).build()?
            }
            Outcome::Denied(code) => {
                let code = code.code();
                let guard = guard("map_budget", &code)?;
                let draft = Draft::denial(origin, line, code, input).guard(guard);
                self.finish(draft, reporter, pattern).build()?
            }
        })
    }

    fn finish<S: SignalType>(&self, draft: Draft<S>, reporter: &Reporter, pattern: &Pattern) -> Draft<S> {
        let mut draft = reporter.with_tool(draft).label("pattern", pattern.pattern.as_str());
        if let Some((sha256, bytes)) = self.output {
            draft = draft.evidence(Evidence::of(sha256).with_bytes(bytes));
        }
        match self.time_ms {
            Some(time_ms) => draft.duration_ms(time_ms.min(dome_core::limits::SAFE_INTEGER)),
            None => draft,
        }
    }
}

impl MapResult {
    /// The envelopes of all items, in the order of the plan.
    ///
    /// # Errors
    ///
    /// As [`ItemResult::envelope`].
    pub fn envelopes(&self, pattern: &Pattern, reporter: &mut Reporter) -> Result<Vec<Envelope>, ReportError> {
        self.items().iter().map(|item| item.envelope(pattern, reporter)).collect()
    }

    /// The envelope of what a reduce of this result came to; `job` names the work as a whole.
    ///
    /// # Errors
    ///
    /// As [`ItemResult::envelope`], for the step `reduce`.
    pub fn reduce_envelope<A>(
        &self,
        job: &TargetId,
        reduced: &Result<Reduced<A>, ReduceRefusal>,
        pattern: &Pattern,
        reporter: &mut Reporter,
    ) -> Result<Envelope, ReportError> {
        let step: &Step = pattern.step("reduce")?;
        let origin = reporter.origin("reduce", job.as_str())?;
        let (line, plan) = (step.line(job.clone()), Evidence::of(self.plan()));
        let gate: GateId = "reduced".parse()?;
        Ok(match reduced {
            Ok(_) => self.counted(Draft::success(origin, line, plan).passed(gate), reporter, pattern).build()?,
            Err(ReduceRefusal::Failed(code)) => {
                self.counted(Draft::failure(origin, line, code.code(), plan).failed(gate), reporter, pattern).build()?
            }
            Err(ReduceRefusal::Denied(code)) => {
                let code = code.code();
                let guard = guard("reduce_budget", &code)?;
                self.counted(Draft::denial(origin, line, code, plan).guard(guard), reporter, pattern).build()?
            }
        })
    }

    fn counted<S: SignalType>(&self, draft: Draft<S>, reporter: &Reporter, pattern: &Pattern) -> Draft<S> {
        let counts = self.counts();
        let numbers = [("accepted", counts.accepted), ("denied", counts.denied), ("failed", counts.failed)];
        let draft = reporter.with_tool(draft).label("pattern", pattern.pattern.as_str());
        numbers.into_iter().fold(draft, |draft, (name, count)| draft.label(name, count.to_string()))
    }
}
