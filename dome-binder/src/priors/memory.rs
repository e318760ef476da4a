//! What is asked: capsules and concepts, wherever they are kept.

use std::collections::BTreeMap;

use dome_core::{Sha256Hash, Source, Timestamp};

use crate::capsule::Capsule;
use crate::concept::Concept;
use crate::fold::Rules;
use crate::policy::Policy;
use crate::replay::Replay;

/// What a query is answered from.
#[derive(Clone, Debug)]
pub struct Memory<'m> {
    /// Capsules, in any order.
    pub capsules: &'m [Capsule],
    /// Concepts, in any order.
    pub concepts: &'m [Concept],
    /// The thresholds that holds go by.
    pub policy: &'m Policy,
    /// The instant that staleness is measured at.
    pub as_of: Option<Timestamp>,
    /// Where facts stood, by digest, as far as that is known.
    pub sources: BTreeMap<Sha256Hash, &'m Source>,
}

impl<'m> Memory<'m> {
    /// The memory that a replay is.
    #[must_use]
    pub fn of(replay: &'m Replay, rules: &'m Rules) -> Self {
        let source = |fact: &'m crate::settle::Fact| (fact.keys.digest, &fact.record.source);
        Self {
            capsules: &replay.derived.capsules,
            concepts: &replay.derived.concepts,
            policy: &rules.policy,
            as_of: replay.as_of,
            sources: replay.ledger.facts.iter().map(source).collect(),
        }
    }
}
