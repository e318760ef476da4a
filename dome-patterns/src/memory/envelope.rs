//! What became of entries, told to the memory of failures.

use dome_core::build::{Draft, FailedCode, SignalType};
use dome_core::{Decision, Envelope, Evidence, GateId, GuardEval, PolicyReasonCode, Sha256Hash, Status};

use super::entry::{Retired, RetiredWhy, Synthesis};
use super::promotion::PromotionDenial;
use super::value::Key;
use crate::codes::{RetirementCode, RevalidationDenialCode, WriteDenialCode};
use crate::pattern::Pattern;
use crate::report::{ReportError, Reporter};

/// Something that happened to an entry: it went well, it failed, or it was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryEvent {
    step: &'static str,
    key: Key,
    came_to: CameTo,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum CameTo {
    Good,
    Failed(FailedCode),
    Denied(PolicyReasonCode),
}

impl MemoryEvent {
    /// What a write came to.
    #[must_use]
    pub fn written(key: Key, result: &Result<(), WriteDenialCode>) -> Self {
        Self::of("write", key, result.map_err(WriteDenialCode::code))
    }

    /// What a promotion came to.
    #[must_use]
    pub fn promoted(key: Key, result: &Result<(), PromotionDenial>) -> Self {
        Self::of("promote", key, result.as_ref().copied().map_err(|denial| denial.code().code()))
    }

    /// What a revalidation came to.
    #[must_use]
    pub fn revalidated(key: Key, result: &Result<(), RevalidationDenialCode>) -> Self {
        Self::of("revalidate", key, result.map_err(RevalidationDenialCode::code))
    }

    /// That a synthesised entry was retired: it expired, or a fact refuted it. Nothing where it was
    /// retired otherwise.
    #[must_use]
    pub fn retired(retired: &Retired<Synthesis>) -> Option<Self> {
        let code = match retired.why {
            RetiredWhy::Expired => RetirementCode::Expired,
            RetiredWhy::Refuted => RetirementCode::Refuted,
            RetiredWhy::Replaced | RetiredWhy::Withdrawn | RetiredWhy::Ended => return None,
        };
        Some(Self { step: "revalidate", key: retired.key.clone(), came_to: CameTo::Failed(code.code()) })
    }

    fn of(step: &'static str, key: Key, result: Result<(), PolicyReasonCode>) -> Self {
        Self { step, key, came_to: result.map_or_else(CameTo::Denied, |()| CameTo::Good) }
    }

    /// The envelope of the event. `evidence` is the digest of what shows it: a fact's, or
    /// [`Memory::digest`](super::Memory::digest).
    ///
    /// # Errors
    ///
    /// [`ReportError::Pattern`] when the binding lacks the step; [`ReportError::Rejected`] when the
    /// reporter's sequence or tool would be rejected.
    pub fn envelope(
        &self,
        evidence: Sha256Hash,
        pattern: &Pattern,
        reporter: &mut Reporter,
    ) -> Result<Envelope, ReportError> {
        let line = pattern.step(self.step)?.line(self.key.clone());
        let origin = reporter.origin(self.step, self.key.as_str())?;
        let (shown, holds) = (Evidence::of(evidence), "holds".parse::<GateId>()?);
        Ok(match &self.came_to {
            CameTo::Good => finish(Draft::success(origin, line, shown).passed(holds), pattern, reporter).build()?,
            CameTo::Failed(code) => {
                finish(Draft::failure(origin, line, code.clone(), shown).failed(holds), pattern, reporter).build()?
            }
            CameTo::Denied(code) => {
                let guard = GuardEval::new("memory_policy".parse()?, Status::Fail);
                let guard = guard.decided(Decision::Deny, [code.clone()]);
                finish(Draft::denial(origin, line, code.clone(), shown).guard(guard), pattern, reporter).build()?
            }
        })
    }
}

fn finish<S: SignalType>(draft: Draft<S>, pattern: &Pattern, reporter: &Reporter) -> Draft<S> {
    reporter.with_tool(draft).label("pattern", pattern.pattern.as_str())
}
