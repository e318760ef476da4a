//! What an explanation is told from, and the explanation itself.

use std::collections::BTreeSet;

use dome_binder::explain::{
    CapsuleStory, ConceptStory, FactStory, LineStory, Subject, capsule_story, concept_story, fact_story, line_story,
};
use dome_binder::{Derived, Ledger, Policy, Replay, Rules};
use dome_core::{Sha256Hash, Source, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::exit::invalid;
use crate::known::Known;

/// What `dome explain --format json` prints, in canonical order: one of the members that may be
/// absent, which `subject` names.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Explanation {
    /// The instant that staleness was measured at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) as_of: Option<Timestamp>,
    /// A derived key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capsule: Option<CapsuleStory>,
    /// A concept key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) concept: Option<ConceptStory>,
    /// A fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fact: Option<FactStory>,
    /// The version of this layout.
    pub(crate) format_version: &'static str,
    /// A task line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<LineStory>,
    /// The policy that it was counted by.
    pub(crate) policy: Policy,
    /// A rejected line: its row of `quarantine.jsonl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rejected: Option<Value>,
    /// Which facts these are.
    pub(crate) snapshot_digest: Sha256Hash,
    /// Which member holds the story: `capsule`, `concept`, `fact`, `line`, `rejected`, `unlisted`.
    pub(crate) subject: &'static str,
    /// A line of a known source that the result does not list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unlisted: Option<Unlisted>,
}

/// A line that is neither a fact nor rejected, and what can be said of it.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Unlisted {
    /// Blank lines of the whole input.
    pub(crate) blank: u64,
    /// Lines of the whole input that repeat a fact; a result does not list them.
    pub(crate) duplicates: u64,
    /// The last line of that source that the result lists.
    pub(crate) last_listed: u64,
    /// The line.
    pub(crate) source: Source,
}

/// A result or a store as far as explanations need it.
pub(super) struct Loaded {
    pub(super) ledger: Ledger,
    derived: Derived,
    rules: Rules,
    as_of: Option<Timestamp>,
    snapshot: Sha256Hash,
    /// Rows of `quarantine.jsonl` with what names them.
    quarantine: Vec<(Source, Sha256Hash, Value)>,
    /// Blank lines and repeats of facts, which left no row.
    unlisted: (u64, u64),
    path: String,
}

impl Loaded {
    pub(super) fn of(known: Known) -> anyhow::Result<Self> {
        let rows = known.quarantine()?.into_iter();
        let named = |row: Value| named(&row).map(|(source, sha256)| (source, sha256, row));
        let quarantine: Option<Vec<_>> = rows.map(named).collect();
        let quarantine = quarantine.ok_or_else(|| invalid("`quarantine.jsonl` has a row without a source"))?;
        let (rules, snapshot) = (known.rules().clone(), known.snapshot_digest());
        let (unlisted, path) = (known.unlisted(), known.shown());
        let Replay { ledger, derived, as_of, .. } = known.into_replay()?;
        Ok(Self { ledger, derived, rules, as_of, snapshot, quarantine, unlisted, path })
    }

    pub(super) fn rejected(&self) -> Vec<(Source, Sha256Hash)> {
        self.quarantine.iter().map(|(source, sha256, _)| (source.clone(), *sha256)).collect()
    }

    pub(super) fn shown(&self) -> String {
        format!("`{}`", self.path)
    }

    /// What a key may have been meant to be: event ids and the names of sources.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        let facts = self.ledger.facts.iter();
        facts.flat_map(|fact| [fact.event_id.as_str(), fact.source.name.as_str()]).collect()
    }

    /// Tells the story of what was found.
    pub(super) fn explain(&self, subject: &Subject) -> anyhow::Result<Explanation> {
        let mut told = Explanation {
            as_of: self.as_of,
            capsule: None,
            concept: None,
            fact: None,
            format_version: "1",
            line: None,
            policy: self.rules.policy.clone(),
            rejected: None,
            snapshot_digest: self.snapshot,
            subject: "",
            unlisted: None,
        };
        told.subject = match subject {
            Subject::Capsule(key) => {
                let excerpt = self.ledger.excerpt(*key);
                told.capsule = excerpt.map(|excerpt| capsule_story(*key, &excerpt, &self.rules, self.as_of));
                "capsule"
            }
            Subject::Concept(key) => {
                let Derived { capsules, concepts, .. } = &self.derived;
                told.concept = Some(concept_story(*key, capsules, concepts, &self.rules.policy));
                "concept"
            }
            Subject::Line(key) => {
                told.line = line_story(&self.ledger.line(*key), &self.derived.capsules);
                "line"
            }
            Subject::Fact(position) => {
                told.fact = self.fact(*position);
                "fact"
            }
            Subject::Rejected(number) => {
                told.rejected = self.quarantine.get(*number).map(|(_, _, row)| row.clone());
                "rejected"
            }
            Subject::Unlisted(source) => {
                told.unlisted = Some(self.unlisted(source.clone()));
                "unlisted"
            }
        };
        Ok(told)
    }

    fn fact(&self, position: usize) -> Option<FactStory> {
        let fact = self.ledger.facts.get(position)?;
        let applied = fact.applied_capsule.and_then(|key| self.ledger.excerpt(key));
        fact_story(position, &self.ledger.line(fact.keys.line), applied.as_ref(), &self.rules)
    }

    fn unlisted(&self, source: Source) -> Unlisted {
        let (blank, duplicates) = self.unlisted;
        let facts = self.ledger.facts.iter().map(|fact| &fact.source);
        let listed = facts.chain(self.quarantine.iter().map(|(source, ..)| source));
        let last_listed = listed.filter(|known| known.name == source.name).map(|known| known.line).max();
        Unlisted { blank, duplicates, last_listed: last_listed.unwrap_or(0), source }
    }
}

/// What names a row of the quarantine.
fn named(row: &Value) -> Option<(Source, Sha256Hash)> {
    let name = row.pointer("/source/name")?.as_str()?.into();
    let line = row.pointer("/source/line")?.as_u64()?;
    Some((Source { line, name }, row.get("sha256")?.as_str()?.parse().ok()?))
}
