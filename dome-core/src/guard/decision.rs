//! What a bundle decides on a context, and why: a pure function of both (M-100).

use std::collections::BTreeSet;
use std::fmt;

use compact_str::CompactString;
use serde::Serialize;

use super::bundle::{AppliesTo, Feedback, Guard, GuardContext, GuardrailsBundle, PredicateResult, UnknownsPolicy};
use crate::choice::{Decision, Status};
use crate::envelope::GuardEval;
use crate::id::GuardId;
use crate::reason::PolicyReasonCode;

/// What a bundle decides on a context, in canonical order (M-100).
///
/// Every entry of `guard_evals` has the pinned shape and can stand in an envelope as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuardDecision {
    /// Which bundle.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub bundle_id: CompactString,
    /// Its version.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub bundle_version: CompactString,
    /// Why a guard did not pass, by guard, kind and name.
    pub causes: Vec<Cause>,
    /// `STOP` if one guard says so, else `DENY` if one says so, else `ALLOW`.
    pub decision: Decision,
    /// What the guards that fail for a known cause have to tell an operator, by guard: the sentences
    /// are about that cause, not about what nobody knows.
    pub feedback: Vec<GuardFeedback>,
    /// The version of this document.
    pub format_version: &'static str,
    /// Every guard's evaluation, by guard.
    pub guard_evals: Vec<GuardEval>,
    /// How many unknowns the bundle bears; one more denies.
    pub max_unknowns: u64,
    /// The codes of all that deny: a set, sorted.
    pub reason_codes: Vec<PolicyReasonCode>,
    /// What is not known: a set, sorted; there even where `max_unknowns` bears it.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub unknowns: Vec<CompactString>,
}

/// Why one guard did not pass, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cause {
    /// Which guard.
    pub guard_id: GuardId,
    /// What it is.
    pub kind: CauseKind,
    /// Of what: a kind of evidence, a predicate, a state, a transition, or a member of the context.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub name: CompactString,
}

/// Why a guard did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CauseKind {
    /// Required evidence is not there.
    EvidenceMissing,
    /// A predicate is false.
    PredicateFalse,
    /// A predicate has no result.
    PredicateUnknown,
    /// A state that the guard does not know, or that the context leaves out.
    StateUnknown,
    /// A transition that no guard names.
    TransitionUnknown,
    /// It does not apply: the context says another artifact kind, action, transition or phase.
    NotApplicable,
}

impl CauseKind {
    /// Whether it denies for a known cause, rather than for want of knowledge.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self, Self::EvidenceMissing | Self::PredicateFalse)
    }

    /// Whether it is something that is not known.
    #[must_use]
    pub const fn is_unknown(self) -> bool {
        matches!(self, Self::PredicateUnknown | Self::StateUnknown | Self::TransitionUnknown)
    }
}

/// What a guard that fails has to tell an operator, as its bundle says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuardFeedback {
    /// What it says.
    pub feedback: Feedback,
    /// Which guard.
    pub guard_id: GuardId,
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            CauseKind::EvidenceMissing => write!(formatter, "the evidence `{name}` is missing"),
            CauseKind::PredicateFalse => write!(formatter, "the predicate `{name}` is false"),
            CauseKind::PredicateUnknown => write!(formatter, "the predicate `{name}` has no result"),
            CauseKind::StateUnknown => write!(formatter, "the state `{name}` is not known"),
            CauseKind::TransitionUnknown => write!(formatter, "the transition `{name}` is not known"),
            CauseKind::NotApplicable => write!(formatter, "it does not apply to this {name}"),
        }
    }
}

impl GuardDecision {
    /// Whether a guard denies for a cause that is known: `guard_denied` of M-92.
    #[must_use]
    pub fn denies_for_known_cause(&self) -> bool {
        self.causes.iter().any(|cause| cause.kind.is_known())
    }

    /// Whether the unknowns policy denies: `guard_unknown` of M-92.
    #[must_use]
    pub fn denies_by_unknowns(&self) -> bool {
        self.unknowns.len() as u64 > self.max_unknowns
    }
}

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
    let unknowns: BTreeSet<CompactString> = asked.iter().flat_map(AskedGuard::unknowns).map(named).collect();
    let borne = unknowns.len() as u64 <= bundle.unknowns_policy.max_unknowns;
    let guard_evals: Vec<GuardEval> =
        asked.iter().map(|asked| asked.evaluation(&bundle.unknowns_policy, borne)).collect();
    let denying = || asked.iter().zip(&guard_evals).filter(|(_, eval)| eval.denies());
    let codes: BTreeSet<&PolicyReasonCode> = denying().flat_map(|(_, eval)| &eval.reason_codes).collect();
    let feedback = denying().filter(|(asked, _)| asked.fails_for_known_cause()).filter_map(|(asked, _)| {
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

/// A cause without its guard: what it is, and of what.
type GuardCause = (CauseKind, CompactString);

struct AskedGuard<'b> {
    guard: &'b Guard,
    causes: BTreeSet<GuardCause>,
}

impl<'b> AskedGuard<'b> {
    fn of(guard: &'b Guard, bundle: &GuardrailsBundle, context: &GuardContext, known: &KnownPlaces<'_>) -> Self {
        let mut causes = guard.applies_to.why_not(context, known);
        if causes.is_empty() {
            let required = guard.required_evidence.union(&bundle.required_evidence);
            let missing = required.filter(|kind| !context.evidence_kinds.contains(*kind));
            causes.extend(missing.map(|kind| (CauseKind::EvidenceMissing, kind.clone())));
            causes.extend(guard.predicate_ref.iter().filter_map(|name| match context.predicate(name) {
                PredicateResult::True => None,
                PredicateResult::False => Some((CauseKind::PredicateFalse, name.clone())),
                PredicateResult::Unknown => Some((CauseKind::PredicateUnknown, name.clone())),
            }));
        }
        Self { guard, causes }
    }

    fn fails_for_known_cause(&self) -> bool {
        self.causes.iter().any(|(kind, _)| kind.is_known())
    }

    fn unknowns(&self) -> impl Iterator<Item = &GuardCause> {
        self.causes.iter().filter(|(kind, _)| kind.is_unknown())
    }

    fn evaluation(&self, policy: &UnknownsPolicy, borne: bool) -> GuardEval {
        let mut denials: BTreeSet<(Decision, &PolicyReasonCode)> = BTreeSet::new();
        if self.fails_for_known_cause() {
            denials.insert((self.guard.deny_decision.into(), &self.guard.reason_code));
        }
        if !borne {
            let decisions = self.unknowns().map(|(kind, _)| match kind {
                CauseKind::StateUnknown => policy.on_unknown_state,
                _ => policy.on_unknown_transition,
            });
            denials.extend(decisions.map(|decision| (decision.into(), &policy.reason_code)));
        }
        let (status, decision) = match denials.iter().map(|(decision, _)| *decision).max() {
            Some(decision) => (Status::Fail, Some(decision)),
            None if self.causes.is_empty() => (Status::Pass, Some(Decision::Allow)),
            None => (Status::Skip, None),
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
        let guard_id = &self.guard.guard_id;
        self.causes.iter().cloned().map(|(kind, name)| Cause { guard_id: guard_id.clone(), kind, name })
    }
}

fn named((kind, name): &GuardCause) -> CompactString {
    match kind {
        CauseKind::StateUnknown => compact_str::format_compact!("state:{name}"),
        CauseKind::TransitionUnknown => compact_str::format_compact!("transition:{name}"),
        _ => compact_str::format_compact!("predicate:{name}"),
    }
}

/// What the guards that are about this kind of artifact and this action know.
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
    fn unknowns(&self, context: &GuardContext) -> BTreeSet<GuardCause> {
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
    fn unknown_states(&self, is_known: impl Fn(&str) -> bool) -> BTreeSet<GuardCause> {
        let states = [(&self.from_state, "from_state"), (&self.to_state, "to_state")];
        let unknown = states.into_iter().filter_map(|(state, member)| match state {
            None => Some(CompactString::const_new(member)),
            Some(state) => (!is_known(state)).then(|| state.clone()),
        });
        unknown.map(|name| (CauseKind::StateUnknown, name)).collect()
    }

    /// The transition under its names: its id, if it has one, then `FROM->TO`, as the owner writes it, and `FROM:TO`.
    fn transition_names(&self) -> impl Iterator<Item = CompactString> {
        let states = self.from_state.as_ref().zip(self.to_state.as_ref());
        let arrow = states.map(|(from, to)| compact_str::format_compact!("{from}->{to}"));
        self.transition_id.clone().into_iter().chain(arrow).chain(states.map(|(from, to)| name_of(from, to)))
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

    fn why_not(&self, context: &GuardContext, known: &KnownPlaces<'_>) -> BTreeSet<GuardCause> {
        let not = |member| BTreeSet::from([(CauseKind::NotApplicable, CompactString::const_new(member))]);
        if let Some(member) = self.other(context) {
            return not(member);
        }
        // A guard that names no transition applies to all between states that it knows.
        if self.named_transitions().next().is_none() {
            let is_known = |state: &str| self.known_states.contains(state);
            return if self.known_states.is_empty() { BTreeSet::new() } else { context.unknown_states(is_known) };
        }
        let unknowns = known.unknowns(context);
        if !unknowns.is_empty() {
            return unknowns;
        }
        let names: Vec<CompactString> = context.transition_names().collect();
        if !self.named_transitions().any(|own| names.contains(&own)) {
            return not("transition");
        }
        // Where none of `transitions` names it, the phase of `transition` counts.
        let named = names.iter().any(|name| self.transitions.contains(name));
        let phase = self.transition.as_ref().and_then(|one| one.phase.as_ref()).zip(context.phase.as_ref());
        match phase {
            Some((own, said)) if own != said && !named => not("phase"),
            _ => BTreeSet::new(),
        }
    }
}
