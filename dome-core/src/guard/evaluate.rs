//! The evaluation itself: a pure function of a bundle and a context (M-100).

use std::collections::BTreeSet;

use compact_str::CompactString;

use super::applies::{Applies, Known, Unknown};
use super::bundle::{Guard, GuardrailsBundle, UnknownsPolicy};
use super::context::{GuardContext, PredicateResult};
use super::decision::{Cause, CauseKind, GuardDecision, GuardFeedback};
use crate::choice::{Decision, Status};
use crate::envelope::GuardEval;
use crate::reason::PolicyReasonCode;

/// What a bundle decides on a context (M-100).
///
/// - A guard that does not apply is `SKIP` and decides nothing.
/// - Where evidence that it or the bundle requires is missing, or its predicate is false, it is
///   `FAIL` with its own decision and code.
/// - Where a state, the transition or its predicate is not known, it is `FAIL` by the bundle's
///   unknowns policy, or `SKIP` while there are no more than `max_unknowns` of them in all.
///   A predicate without a result is decided as an unknown transition is.
/// - Else it is `PASS` and allows.
///
/// `STOP` outranks `DENY`, and `DENY` outranks `ALLOW`, for one guard and for all.
#[must_use]
pub fn evaluate(bundle: &GuardrailsBundle, context: &GuardContext) -> GuardDecision {
    let known = Known::of(bundle, context);
    let mut asked: Vec<Asked<'_>> =
        bundle.guards.iter().map(|guard| Asked::of(guard, bundle, context, &known)).collect();
    asked.sort_by(|a, b| a.guard.guard_id.cmp(&b.guard.guard_id));
    let unknowns: BTreeSet<CompactString> = asked.iter().flat_map(|asked| asked.unknown.iter().map(named)).collect();
    let borne = unknowns.len() as u64 <= bundle.unknowns_policy.max_unknowns;
    let guard_evals: Vec<GuardEval> =
        asked.iter().map(|asked| asked.evaluation(&bundle.unknowns_policy, borne)).collect();
    let denying = || asked.iter().zip(&guard_evals).filter(|(_, eval)| eval.denies());
    let codes: BTreeSet<&PolicyReasonCode> = denying().flat_map(|(_, eval)| &eval.reason_codes).collect();
    let feedback = denying().filter(|(asked, _)| !asked.known.is_empty()).filter_map(|(asked, _)| {
        let guard_id = asked.guard.guard_id.clone();
        asked.guard.feedback.clone().map(|feedback| GuardFeedback { feedback, guard_id })
    });
    GuardDecision {
        bundle_id: bundle.bundle_id.clone(),
        bundle_version: bundle.version.clone(),
        causes: asked.iter().flat_map(Asked::causes).collect(),
        decision: guard_evals.iter().filter_map(|eval| eval.decision).max().unwrap_or(Decision::Allow),
        feedback: feedback.collect(),
        format_version: "1",
        max_unknowns: bundle.unknowns_policy.max_unknowns,
        reason_codes: codes.into_iter().cloned().collect(),
        unknowns: unknowns.into_iter().collect(),
        guard_evals,
    }
}

/// One guard, and all that keeps it from passing.
struct Asked<'b> {
    guard: &'b Guard,
    other: Option<&'static str>,
    known: BTreeSet<Unknown>,
    unknown: BTreeSet<Unknown>,
}

impl<'b> Asked<'b> {
    fn of(guard: &'b Guard, bundle: &GuardrailsBundle, context: &GuardContext, known: &Known<'_>) -> Self {
        let mut asked = Self { guard, other: None, known: BTreeSet::new(), unknown: BTreeSet::new() };
        match guard.applies_to.to(context, known) {
            Applies::No(member) => asked.other = Some(member),
            Applies::Unknown(unknown) => asked.unknown = unknown,
            Applies::Yes => asked.look(bundle, context),
        }
        asked
    }

    /// Looks at the evidence and the predicate of a guard that applies.
    fn look(&mut self, bundle: &GuardrailsBundle, context: &GuardContext) {
        let required = self.guard.required_evidence.union(&bundle.required_evidence);
        let missing = required.filter(|kind| !context.evidence_kinds.contains(*kind));
        self.known.extend(missing.map(|kind| (CauseKind::EvidenceMissing, kind.clone())));
        let Some(name) = &self.guard.predicate_ref else { return };
        match context.predicate(name) {
            PredicateResult::True => {}
            PredicateResult::False => drop(self.known.insert((CauseKind::PredicateFalse, name.clone()))),
            PredicateResult::Unknown => drop(self.unknown.insert((CauseKind::PredicateUnknown, name.clone()))),
        }
    }

    fn evaluation(&self, policy: &UnknownsPolicy, borne: bool) -> GuardEval {
        let mut denials: BTreeSet<(Decision, &PolicyReasonCode)> = BTreeSet::new();
        if !self.known.is_empty() {
            denials.insert((self.guard.deny_decision.into(), &self.guard.reason_code));
        }
        if !borne {
            let decisions = self.unknown.iter().map(|(kind, _)| match kind {
                CauseKind::StateUnknown => policy.on_unknown_state,
                _ => policy.on_unknown_transition,
            });
            denials.extend(decisions.map(|decision| (decision.into(), &policy.reason_code)));
        }
        let (status, decision) = match denials.iter().map(|(decision, _)| *decision).max() {
            Some(decision) => (Status::Fail, Some(decision)),
            None if self.other.is_some() || !self.unknown.is_empty() => (Status::Skip, None),
            None => (Status::Pass, Some(Decision::Allow)),
        };
        let codes: BTreeSet<&PolicyReasonCode> = denials.into_iter().map(|(_, code)| code).collect();
        GuardEval {
            decision,
            evidence_refs: Vec::new(),
            guard_id: self.guard.guard_id.clone(),
            reason_codes: codes.into_iter().cloned().collect(),
            status,
        }
    }

    fn causes(&self) -> impl Iterator<Item = Cause> {
        let other = self.other.map(|member| (CauseKind::NotApplicable, CompactString::const_new(member)));
        let causes = self.known.iter().chain(&self.unknown).cloned().chain(other);
        causes.map(|(kind, name)| Cause { guard_id: self.guard.guard_id.clone(), kind, name })
    }
}

/// An unknown as it is listed: what, and which.
fn named((kind, name): &Unknown) -> CompactString {
    match kind {
        CauseKind::StateUnknown => compact_str::format_compact!("state:{name}"),
        CauseKind::TransitionUnknown => compact_str::format_compact!("transition:{name}"),
        _ => compact_str::format_compact!("predicate:{name}"),
    }
}
