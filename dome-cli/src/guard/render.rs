//! A guard decision as people read it.

use dome_core::guard::{Cause, CauseKind, Feedback, GuardDecision};
use dome_core::{GuardEval, GuardId, PolicyReasonCode};

use crate::output::Output;

/// Prints a decision: which guard, why, and what to do.
pub(super) fn print(decided: &GuardDecision, output: &mut Output) -> anyhow::Result<()> {
    output.line(&headline(decided))?;
    for eval in &decided.guard_evals {
        output.line("")?;
        output.line(&format!("{:<4} {}{}", eval.status.as_str(), eval.guard_id, verdict(eval)))?;
        causes_of(decided, &eval.guard_id).try_for_each(|cause| output.line(&format!("     {cause}")))?;
        let told = decided.feedback.iter().filter(|told| told.guard_id == eval.guard_id);
        told.flat_map(|told| sentences(&told.feedback)).try_for_each(|line| output.line(&line))?;
    }
    let advice = advice(decided);
    if !advice.is_empty() {
        output.line("\nto do:")?;
        advice.iter().try_for_each(|line| output.line(&format!("  - {line}")))?;
    }
    Ok(())
}

fn headline(decided: &GuardDecision) -> String {
    let from = format!("{} by `{}`, version {}", decided.decision, decided.bundle_id, decided.bundle_version);
    if decided.reason_codes.is_empty() { from } else { format!("{from}: {}", codes(&decided.reason_codes)) }
}

fn codes(codes: &[PolicyReasonCode]) -> String {
    codes.iter().map(PolicyReasonCode::as_str).collect::<Vec<_>>().join(", ")
}

fn verdict(eval: &GuardEval) -> String {
    match eval.decision {
        Some(decision) if decision.denies() => format!(": {decision}, {}", codes(&eval.reason_codes)),
        Some(decision) => format!(": {decision}"),
        None => String::new(),
    }
}

fn causes_of<'d>(decided: &'d GuardDecision, guard: &'d GuardId) -> impl Iterator<Item = &'d Cause> {
    decided.causes.iter().filter(move |cause| cause.guard_id == *guard)
}

fn sentences(feedback: &Feedback) -> [String; 2] {
    let (said, hint) = (&feedback.operator_message, &feedback.actionable_hint);
    [format!("     {}: {said}", feedback.severity), format!("     {}: {hint}", feedback.next_step)]
}

/// What would change the decision, each thing once.
fn advice(decided: &GuardDecision) -> Vec<String> {
    let mut advice: Vec<String> = Vec::new();
    for cause in decided.causes.iter().filter(|cause| cause.kind != CauseKind::NotApplicable) {
        let line = remedy(cause);
        if !advice.contains(&line) {
            advice.push(line);
        }
    }
    if !decided.unknowns.is_empty() {
        let borne = if decided.denies_by_unknowns() { "the bundle bears" } else { "borne: the bundle bears" };
        advice.push(format!("{} not known, {borne} {}", decided.unknowns.len(), decided.max_unknowns));
    }
    advice
}

fn remedy(cause: &Cause) -> String {
    let name = &cause.name;
    match cause.kind {
        CauseKind::EvidenceMissing => format!("produce the evidence `{name}` and list it under `evidence_kinds`"),
        CauseKind::PredicateFalse => format!("make `{name}` true"),
        CauseKind::PredicateUnknown => format!("find out `{name}` and say true or false under `predicates`"),
        CauseKind::StateUnknown if name == "from_state" || name == "to_state" => format!("say `{name}`"),
        CauseKind::StateUnknown => format!("say a state that the guards know in place of `{name}`"),
        _ => format!("take another way: no guard names the transition `{name}`"),
    }
}

/// Why a decision is no ALLOW, on one line.
pub(crate) fn why(decided: &GuardDecision) -> String {
    let causes = decided.causes.iter().filter(|cause| cause.kind != CauseKind::NotApplicable);
    let causes: Vec<String> = causes.map(|cause| format!("{}: {cause}", cause.guard_id)).collect();
    causes.join("; ")
}
