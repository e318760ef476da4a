//! The evaluation itself: a pure function of a bundle and a context (M-100).

use std::collections::BTreeSet;

use compact_str::CompactString;

use super::bundle::{AppliesTo, Guard, GuardContext, GuardrailsBundle, PredicateResult, UnknownsPolicy};
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
    let known = KnownPlaces::of(bundle, context);
    let mut asked: Vec<AskedGuard<'_>> =
        bundle.guards.iter().map(|guard| AskedGuard::of(guard, bundle, context, &known)).collect();
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
        causes: asked.iter().flat_map(AskedGuard::causes).collect(),
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
struct AskedGuard<'b> {
    guard: &'b Guard,
    other: Option<&'static str>,
    known: BTreeSet<Unknown>,
    unknown: BTreeSet<Unknown>,
}

impl<'b> AskedGuard<'b> {
    fn of(guard: &'b Guard, bundle: &GuardrailsBundle, context: &GuardContext, known: &KnownPlaces<'_>) -> Self {
        let mut asked = Self { guard, other: None, known: BTreeSet::new(), unknown: BTreeSet::new() };
        match guard.applies_to.to(context, known) {
            Application::No(member) => asked.other = Some(member),
            Application::Unknown(unknown) => asked.unknown = unknown,
            Application::Yes => asked.look(bundle, context),
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

/// Whether a guard applies.
enum Application {
    Yes,
    /// The context says something else than the guard asks for: this member.
    No(&'static str),
    /// These are not known.
    Unknown(BTreeSet<Unknown>),
}

/// What is not known, and its name.
type Unknown = (CauseKind, CompactString);

/// What the guards of a bundle know of states and transitions, as far as they are about this kind of
/// artifact and this action.
struct KnownPlaces<'b> {
    states: BTreeSet<&'b str>,
    transitions: BTreeSet<CompactString>,
}

impl<'b> KnownPlaces<'b> {
    fn of(bundle: &'b GuardrailsBundle, context: &GuardContext) -> Self {
        let about = bundle.guards.iter().map(|guard| &guard.applies_to).filter(|to| to.other(context).is_none());
        let about: Vec<&AppliesTo> = about.collect();
        let ends = |to: &'b AppliesTo| to.transition.iter().flat_map(|one| [one.from.as_str(), one.to.as_str()]);
        let listed = |to: &'b AppliesTo| to.known_states.iter().map(CompactString::as_str);
        Self {
            states: about.iter().flat_map(|to| ends(to).chain(listed(to))).collect(),
            transitions: about.iter().flat_map(|to| to.named_transitions()).collect(),
        }
    }

    /// The states of the context that are not known, and its transition if both its states are.
    fn unknowns(&self, context: &GuardContext) -> BTreeSet<Unknown> {
        let mut unknowns = context.unknown_states(|state| self.states.is_empty() || self.states.contains(state));
        let names: Vec<CompactString> = context.transition_names().collect();
        if unknowns.is_empty() && !names.iter().any(|name| self.transitions.contains(name)) {
            unknowns.extend(names.into_iter().last().map(|name| (CauseKind::TransitionUnknown, name)));
        }
        unknowns
    }
}

impl GuardContext {
    /// The states that are not known; of one that the context leaves out, its member.
    fn unknown_states(&self, is_known: impl Fn(&str) -> bool) -> BTreeSet<Unknown> {
        let states = [(&self.from_state, "from_state"), (&self.to_state, "to_state")];
        let unknown = states.into_iter().filter_map(|(state, member)| match state {
            None => Some(CompactString::const_new(member)),
            Some(state) => (!is_known(state)).then(|| state.clone()),
        });
        unknown.map(|name| (CauseKind::StateUnknown, name)).collect()
    }

    /// The transition under its names: its id, if it has one, then `FROM:TO`.
    fn transition_names(&self) -> impl Iterator<Item = CompactString> {
        let states = self.from_state.as_ref().zip(self.to_state.as_ref());
        self.transition_id.clone().into_iter().chain(states.map(|(from, to)| name_of(from, to)))
    }
}

fn name_of(from: &str, to: &str) -> CompactString {
    compact_str::format_compact!("{from}:{to}")
}

impl AppliesTo {
    /// The member in which the context says something else, artifact kind before action.
    fn other(&self, context: &GuardContext) -> Option<&'static str> {
        let other = |listed: &BTreeSet<CompactString>, said: &Option<CompactString>| {
            !listed.is_empty() && said.as_ref().is_some_and(|said| !listed.contains(said))
        };
        if other(&self.artifact_kinds, &context.artifact_kind) {
            return Some("artifact_kind");
        }
        other(&self.actions, &context.action).then_some("action")
    }

    fn named_transitions(&self) -> impl Iterator<Item = CompactString> {
        let own = self.transition.as_ref().map(|one| name_of(&one.from, &one.to));
        self.transitions.iter().cloned().chain(own)
    }

    /// Whether a guard with these conditions applies.
    fn to(&self, context: &GuardContext, known: &KnownPlaces<'_>) -> Application {
        if let Some(member) = self.other(context) {
            return Application::No(member);
        }
        match self.named_transitions().next() {
            Some(_) => self.to_transition(context, known),
            None => self.to_states(context),
        }
    }

    /// A guard that names transitions applies to those; where none of `transitions` names it, the phase
    /// of `transition` counts.
    fn to_transition(&self, context: &GuardContext, known: &KnownPlaces<'_>) -> Application {
        let unknowns = known.unknowns(context);
        if !unknowns.is_empty() {
            return Application::Unknown(unknowns);
        }
        let names: Vec<CompactString> = context.transition_names().collect();
        if !self.named_transitions().any(|own| names.contains(&own)) {
            return Application::No("transition");
        }
        let named = names.iter().any(|name| self.transitions.contains(name));
        let phase = self.transition.as_ref().and_then(|one| one.phase.as_ref()).zip(context.phase.as_ref());
        match phase {
            Some((own, said)) if own != said && !named => Application::No("phase"),
            _ => Application::Yes,
        }
    }

    /// A guard that names no transition applies to all between states that it knows.
    fn to_states(&self, context: &GuardContext) -> Application {
        let unknown = context.unknown_states(|state| self.known_states.contains(state));
        if self.known_states.is_empty() || unknown.is_empty() {
            Application::Yes
        } else {
            Application::Unknown(unknown)
        }
    }
}
