//! Whether a guard applies to a context: yes, no, or nobody knows (M-100).

use std::collections::BTreeSet;

use compact_str::CompactString;

use super::bundle::{AppliesTo, GuardrailsBundle};
use super::context::GuardContext;
use super::decision::CauseKind;

/// Whether a guard applies.
pub(super) enum Applies {
    Yes,
    /// The context says something else than the guard asks for: this member.
    No(&'static str),
    /// These are not known.
    Unknown(BTreeSet<Unknown>),
}

/// What is not known, and its name.
pub(super) type Unknown = (CauseKind, CompactString);

/// What the guards of a bundle know of states and transitions, as far as they are about this kind of
/// artifact and this action.
pub(super) struct Known<'b> {
    states: BTreeSet<&'b str>,
    transitions: BTreeSet<CompactString>,
}

impl<'b> Known<'b> {
    pub(super) fn of(bundle: &'b GuardrailsBundle, context: &GuardContext) -> Self {
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
        let mut unknowns = BTreeSet::new();
        for (state, member) in context.states() {
            match state {
                None => unknowns.insert((CauseKind::StateUnknown, member.into())),
                Some(state) if !self.states.is_empty() && !self.states.contains(state) => {
                    unknowns.insert((CauseKind::StateUnknown, state.into()))
                }
                Some(_) => false,
            };
        }
        let names: Vec<CompactString> = context.transition_names().collect();
        if unknowns.is_empty() && !names.iter().any(|name| self.transitions.contains(name)) {
            unknowns.extend(names.into_iter().last().map(|name| (CauseKind::TransitionUnknown, name)));
        }
        unknowns
    }
}

impl GuardContext {
    /// Both states, each with its member.
    fn states(&self) -> [(Option<&str>, &'static str); 2] {
        [(self.from_state.as_deref(), "from_state"), (self.to_state.as_deref(), "to_state")]
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
    pub(super) fn to(&self, context: &GuardContext, known: &Known<'_>) -> Applies {
        if let Some(member) = self.other(context) {
            return Applies::No(member);
        }
        match self.named_transitions().next() {
            Some(_) => self.to_transition(context, known),
            None => self.to_states(context),
        }
    }

    /// A guard that names transitions applies to those.
    fn to_transition(&self, context: &GuardContext, known: &Known<'_>) -> Applies {
        let unknowns = known.unknowns(context);
        if !unknowns.is_empty() {
            return Applies::Unknown(unknowns);
        }
        let names: Vec<CompactString> = context.transition_names().collect();
        if !self.named_transitions().any(|own| names.contains(&own)) {
            return Applies::No("transition");
        }
        let phase = self.transition.as_ref().and_then(|one| one.phase.as_ref()).zip(context.phase.as_ref());
        match phase {
            Some((own, said)) if own != said && self.only_by_states(&names) => Applies::No("phase"),
            _ => Applies::Yes,
        }
    }

    /// Whether none of `transitions` names it, so that the phase of `transition` counts.
    fn only_by_states(&self, names: &[CompactString]) -> bool {
        !names.iter().any(|name| self.transitions.contains(name))
    }

    /// A guard that names no transition applies to all between states that it knows.
    fn to_states(&self, context: &GuardContext) -> Applies {
        if self.known_states.is_empty() {
            return Applies::Yes;
        }
        let unknown = context.states().into_iter().filter_map(|(state, member)| match state {
            None => Some((CauseKind::StateUnknown, CompactString::const_new(member))),
            Some(state) => (!self.known_states.contains(state)).then(|| (CauseKind::StateUnknown, state.into())),
        });
        let unknown: BTreeSet<Unknown> = unknown.collect();
        if unknown.is_empty() { Applies::Yes } else { Applies::Unknown(unknown) }
    }
}
