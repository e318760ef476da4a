//! A memory as canonical JSON, and back.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use dome_core::canonical;
use dome_core::guard::PredicateResult;
use serde::{Deserialize, Serialize};

use super::authority::Authoritative;
use super::entry::{Entries, Lineage, Retired, RetiredWhy, Synthesis, Written, distinct};
use super::layer::LowerLayer;
use super::lower::Layers;
use super::value::{Key, MemoryValue};
use super::whole::Memory;
use crate::limits;

/// The document, in canonical order. Names are sorted by their UTF-8 bytes, so they stand in arrays.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    authoritative: Authority,
    dump_version: CompactString,
    profile: Entries<Written>,
    session: Entries<Written>,
    synthesised: Entries<Synthesis>,
    working: Entries<Written>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Authority {
    capabilities: BTreeSet<CompactString>,
    entries: Vec<Stated>,
    evidence_kinds: BTreeSet<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from_state: Option<CompactString>,
    predicates: Vec<Predicate>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    key: Key,
    value: MemoryValue,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    name: CompactString,
    result: Said,
}

/// A predicate's result as a context writes it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Said {
    Known(bool),
    Unknown(Word),
}

#[derive(Serialize, Deserialize)]
enum Word {
    #[serde(rename = "unknown")]
    Unknown,
}

/// Why bytes are no dump of a memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It is not the document that is expected.
    #[error("not a memory: {0}")]
    Document(String),
    /// It is of a version that this build does not read.
    #[error("expected `dump_version` `1`")]
    Version,
    /// It holds what no memory could have come to.
    #[error("not a memory: {0}")]
    Rule(&'static str),
    /// It is not the canonical dump of what it says: other bytes, another order, a name twice.
    #[error("not the canonical dump of the memory that it describes")]
    NotCanonical,
}

impl Memory {
    /// The memory as canonical JSON (M-01): equal memories, equal bytes.
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        let Layers { working, session, profile, synthesised } = self.layers.clone();
        let authoritative = Authority::of(&self.authoritative);
        let document = Document { authoritative, dump_version: "1".into(), profile, session, synthesised, working };
        let mut bytes = Vec::new();
        canonical::append(&document, &mut bytes);
        bytes
    }

    /// Reads a dump. It is as trustworthy as the place where it was kept, its authoritative layer too:
    /// compare [`Memory::digest`] where that matters.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: another shape or version, what no memory could have come to, or bytes that are not
    /// the canonical ones.
    pub fn load(dump: &[u8]) -> Result<Self, LoadError> {
        let document: Document = serde_json::from_slice(dump).map_err(|why| LoadError::Document(why.to_string()))?;
        if document.dump_version != "1" {
            return Err(LoadError::Version);
        }
        let Document { authoritative, working, session, profile, synthesised, .. } = document;
        let layers = Layers { working, session, profile, synthesised };
        layers.check()?;
        let memory = Self { authoritative: authoritative.into(), layers };
        // What `serde` reads leniently, such as a name twice, does not come out as it went in.
        if memory.dump() == dump { Ok(memory) } else { Err(LoadError::NotCanonical) }
    }
}

impl Layers {
    fn check(&self) -> Result<(), LoadError> {
        let rule = |sound: bool, what| if sound { Ok(()) } else { Err(LoadError::Rule(what)) };
        let room = [&self.working, &self.session, &self.profile].into_iter().all(|entries| entries.has_room_for(0));
        rule(room && self.synthesised.has_room_for(0), "a layer holds at most 65536 entries")?;
        let lower = LowerLayer::ALL.into_iter().flat_map(|layer| &self.written(layer).retired);
        let left = |retired: &Retired<Written>| retired.by.is_none() && !retired.why.is_of_synthesis();
        rule({ lower }.all(left), "an entry below the authority is replaced, withdrawn or ended")?;
        let Entries { live, retired } = &self.synthesised;
        let gone = |retired: &Retired<Synthesis>| {
            let refuted = retired.why == RetiredWhy::Refuted;
            let by = retired.by.as_ref().map_or(!refuted, |by| refuted && by.is_sound());
            by && retired.why.is_of_synthesis()
        };
        rule(retired.iter().all(gone), "a synthesised entry expires, or is refuted by a fact")?;
        let mut all = live.values().chain(retired.iter().map(|retired| &retired.entry));
        all.try_for_each(|entry| {
            let Synthesis { support, ttl_s, promoted_at, validated_at, .. } = entry;
            rule((1..=limits::SUPPORT_FACTS).contains(&support.len()), "an entry rests on 1 to 256 facts")?;
            rule(support.iter().all(Lineage::is_sound), "a line lies beyond 2^53 - 1")?;
            rule(distinct(support.iter().cloned()) == *support, "facts are sorted by digest, each once")?;
            rule((1..=limits::TTL_S).contains(ttl_s), "a time to live is from 1 second to ten years")?;
            rule(promoted_at <= validated_at, "an entry is validated no earlier than it is promoted")
        })
    }
}

impl Authority {
    fn of(authority: &Authoritative) -> Self {
        let said = |result: PredicateResult| match result {
            PredicateResult::True => Said::Known(true),
            PredicateResult::False => Said::Known(false),
            PredicateResult::Unknown => Said::Unknown(Word::Unknown),
        };
        let predicates = authority.predicates.iter();
        let entries = authority.entries.iter();
        Self {
            capabilities: authority.capabilities.clone(),
            entries: entries.map(|(key, value)| Stated { key: key.clone(), value: value.clone() }).collect(),
            evidence_kinds: authority.evidence_kinds.clone(),
            from_state: authority.from_state.clone(),
            predicates: predicates
                .map(|(name, result)| Predicate { name: name.clone(), result: said(*result) })
                .collect(),
        }
    }
}

impl From<Authority> for Authoritative {
    fn from(authority: Authority) -> Self {
        let result = |said: Said| match said {
            Said::Known(true) => PredicateResult::True,
            Said::Known(false) => PredicateResult::False,
            Said::Unknown(Word::Unknown) => PredicateResult::Unknown,
        };
        let predicates = authority.predicates.into_iter().map(|row| (row.name, result(row.result)));
        let entries: BTreeMap<_, _> = authority.entries.into_iter().map(|row| (row.key, row.value)).collect();
        Self {
            capabilities: authority.capabilities,
            entries,
            evidence_kinds: authority.evidence_kinds,
            from_state: authority.from_state,
            predicates: predicates.collect(),
        }
    }
}
