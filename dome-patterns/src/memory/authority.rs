//! The authoritative layer: the only place that capabilities and guard inputs come from.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use dome_core::guard::{GuardContext, GuardDecision, GuardrailsBundle, PredicateResult, evaluate};

use super::value::{Key, MemoryValue};

/// What the owner says: state, capabilities, and what guards ask for. Only the owner makes one; a memory
/// is begun with it, and the handle that writes lower layers holds it by shared reference.
///
/// ```
/// use dome_patterns::Authoritative;
/// let authority = Authoritative::new()
///     .grants("deploy")
///     .evidence("test_report")
///     .predicate("predicates/tests_green", dome_core::guard::PredicateResult::True);
/// assert!(authority.capability("deploy").is_some());
/// assert!(authority.capability("delete").is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authoritative {
    pub(super) capabilities: BTreeSet<CompactString>,
    pub(super) entries: BTreeMap<Key, MemoryValue>,
    pub(super) evidence_kinds: BTreeSet<CompactString>,
    pub(super) from_state: Option<CompactString>,
    pub(super) predicates: BTreeMap<CompactString, PredicateResult>,
}

/// Leave to do something. It can only be read from the authoritative layer, and lives no longer than it.
///
/// ```compile_fail,E0451
/// let forged = dome_patterns::Capability { name: "deploy" };
/// ```
///
/// No answer of a memory is one, whatever layer it is from:
///
/// ```compile_fail,E0277
/// # fn f<'m>(answer: dome_patterns::Answer<'m>) {
/// let forged: dome_patterns::Capability<'m> = answer.into();
/// # }
/// ```
///
/// Nor has the handle that writes lower layers any to give:
///
/// ```compile_fail,E0599
/// # fn f(mut memory: dome_patterns::Memory) {
/// memory.lower().capability("deploy");
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Capability<'a> {
    name: &'a str,
}

/// What is asked about: which transition one would like to make. Anybody may ask; the decision is about
/// this request and no other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardRequest {
    /// What would be done.
    pub action: Option<CompactString>,
    /// What kind of artifact it would be done with.
    pub artifact_kind: Option<CompactString>,
    /// The phase that it is in.
    pub phase: Option<CompactString>,
    /// The state after.
    pub to_state: Option<CompactString>,
    /// The transition's own id.
    pub transition_id: Option<CompactString>,
}

/// What guards are evaluated on: the request, and from the authoritative layer the evidence, the predicates
/// and the state. There is no other way to make one.
///
/// ```compile_fail,E0451
/// let forged = dome_patterns::GuardInputs { context: dome_core::guard::GuardContext::default() };
/// ```
///
/// ```compile_fail,E0599
/// # fn f(memory: dome_patterns::Memory, key: dome_patterns::Key, now: dome_core::Timestamp) {
/// memory.read(&key, now).unwrap().guard_inputs(&Default::default());
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardInputs {
    context: GuardContext,
}

impl Capability<'_> {
    /// What may be done.
    #[must_use]
    pub const fn name(&self) -> &str {
        self.name
    }
}

impl Authoritative {
    /// Nothing is known, nothing is allowed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With leave to do something.
    #[must_use]
    pub fn grants(mut self, capability: impl Into<CompactString>) -> Self {
        self.capabilities.insert(capability.into());
        self
    }

    /// With an entry; a key's last one stands.
    #[must_use]
    pub fn entry(mut self, key: Key, value: impl Into<MemoryValue>) -> Self {
        self.entries.insert(key, value.into());
        self
    }

    /// With evidence of a kind.
    #[must_use]
    pub fn evidence(mut self, kind: impl Into<CompactString>) -> Self {
        self.evidence_kinds.insert(kind.into());
        self
    }

    /// With what a predicate came to.
    #[must_use]
    pub fn predicate(mut self, name: impl Into<CompactString>, result: PredicateResult) -> Self {
        self.predicates.insert(name.into(), result);
        self
    }

    /// With the state that things are in.
    #[must_use]
    pub fn state(mut self, state: impl Into<CompactString>) -> Self {
        self.from_state = Some(state.into());
        self
    }

    /// Leave to do something, if it is given.
    #[must_use]
    pub fn capability(&self, name: &str) -> Option<Capability<'_>> {
        self.capabilities.get(name).map(|name| Capability { name })
    }

    /// All that may be done.
    pub fn capabilities(&self) -> impl Iterator<Item = Capability<'_>> {
        self.capabilities.iter().map(|name| Capability { name })
    }

    /// What the owner says about a key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&MemoryValue> {
        self.entries.get(key)
    }

    /// What guards are evaluated on when somebody asks for a transition.
    #[must_use]
    pub fn guard_inputs(&self, request: &GuardRequest) -> GuardInputs {
        let GuardRequest { action, artifact_kind, phase, to_state, transition_id } = request.clone();
        let context = GuardContext {
            action,
            artifact_kind,
            evidence_kinds: self.evidence_kinds.clone(),
            from_state: self.from_state.clone(),
            phase,
            predicates: self.predicates.clone(),
            to_state,
            transition_id,
            ..GuardContext::default()
        };
        GuardInputs { context }
    }
}

impl GuardInputs {
    /// What a bundle of guardrails decides (M-100).
    #[must_use]
    pub fn evaluate(&self, bundle: &GuardrailsBundle) -> GuardDecision {
        evaluate(bundle, &self.context)
    }

    /// The context that is evaluated, to be shown.
    #[must_use]
    pub const fn context(&self) -> &GuardContext {
        &self.context
    }
}
