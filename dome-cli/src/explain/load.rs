//! What an explanation is told from, and the explanation itself.

use std::collections::BTreeSet;

use dome_binder::columns::Needed;
use dome_binder::explain::{
    CapsuleStory, ConceptStory, FactStory, Found, LineStory, Part, Subject, capsule_story, concept_story, fact_story,
    find, line_story,
};
use dome_binder::{Derived, Fact, Policy, Position, Rules, assemble, fold};
use dome_core::{Sha256Hash, Source, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::exit::invalid;
use crate::known::Known;
use crate::lookup::{About, Brought, Lookup};

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

impl Unlisted {
    /// Whether every line left a row, so that there is no such line.
    pub(super) const fn is_no_line(&self) -> bool {
        self.blank == 0 && self.duplicates == 0
    }
}

/// A result or a store as far as an explanation needs it.
pub(super) struct Loaded {
    facts: Brought,
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
    /// All facts.
    pub(super) fn of(known: Known) -> anyhow::Result<Self> {
        let quarantine = all_named(known.quarantine()?);
        let quarantine = quarantine.ok_or_else(|| invalid("`quarantine.jsonl` has a row without a source"))?;
        let (rules, snapshot, as_of) = (known.rules().clone(), known.snapshot_digest(), known.as_of());
        let (unlisted, path) = (known.unlisted(), known.shown());
        let facts = Brought::whole(known.into_ledger()?);
        Ok(Self { facts, rules, as_of, snapshot, quarantine, unlisted, path })
    }

    /// As many facts as an index says are needed; `None` when it does not fit them.
    pub(super) fn some(lookup: &Lookup, needed: &Needed) -> Option<Self> {
        let About { as_of, blank, duplicates, snapshot } = lookup.about;
        Some(Self {
            facts: lookup.bring(needed)?,
            rules: lookup.rules.clone(),
            as_of,
            snapshot,
            quarantine: all_named(lookup.quarantine()?)?,
            unlisted: (blank, duplicates),
            path: lookup.shown.clone(),
        })
    }

    /// What a key names among these facts and the rejected lines.
    pub(super) fn find(&self, key: &str) -> Found {
        let rejected: Vec<_> = self.quarantine.iter().map(|(source, sha256, _)| (source.clone(), *sha256)).collect();
        find(key, &self.facts.part(), &rejected)
    }

    pub(super) fn shown(&self) -> String {
        format!("`{}`", self.path)
    }

    /// What a key may have been meant to be: event ids and the names of sources.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let names = self.facts.facts().flat_map(|fact| [fact.event_id.as_str(), &*fact.source.name]);
        names.map(str::to_owned).collect()
    }

    /// The last line of a source that is listed.
    pub(super) fn last_listed(&self, name: &str) -> Option<u64> {
        let facts = self.facts.facts().map(|fact| &fact.source);
        let listed = facts.chain(self.quarantine.iter().map(|(source, ..)| source));
        listed.filter(|known| &*known.name == name).map(|known| known.line).max()
    }

    /// The fact at a position, if it is one of these.
    pub(super) fn fact(&self, position: Position) -> Option<&Fact> {
        self.facts.part().facts.iter().find(|fact| fact.position == position).map(|fact| fact.fact)
    }

    /// Tells the story of what was found. A line that is not listed is behind or before `last_listed`.
    pub(super) fn explain(&self, subject: &Subject, last_listed: Option<u64>) -> Explanation {
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
        let part = self.facts.part();
        told.subject = match subject {
            Subject::Capsule(key) => {
                let excerpt = part.excerpt(*key);
                told.capsule = excerpt.map(|excerpt| capsule_story(*key, &excerpt, &self.rules, self.as_of));
                "capsule"
            }
            Subject::Concept(key) => {
                let Derived { capsules, concepts, .. } = self.derived(&part);
                told.concept = Some(concept_story(*key, &capsules, &concepts, &self.rules.policy));
                "concept"
            }
            Subject::Line(key) => {
                told.line = line_story(&part.line(*key), &self.derived(&part).capsules);
                "line"
            }
            Subject::Fact(position) => {
                told.fact = self.fact_story(&part, *position);
                "fact"
            }
            Subject::Rejected(number) => {
                told.rejected = self.quarantine.get(*number).map(|(_, _, row)| row.clone());
                "rejected"
            }
            Subject::Unlisted(source) => {
                let (blank, duplicates) = self.unlisted;
                let (last_listed, source) = (last_listed.unwrap_or(0), source.clone());
                told.unlisted = Some(Unlisted { blank, duplicates, last_listed, source });
                "unlisted"
            }
        };
        told
    }

    /// What the lines of a part come to.
    fn derived(&self, part: &Part<'_>) -> Derived {
        let folded = part.lines().iter().map(|line| fold(line, &self.rules)).collect();
        assemble(folded, &self.rules, self.as_of)
    }

    fn fact_story(&self, part: &Part<'_>, position: Position) -> Option<FactStory> {
        let fact = self.fact(position)?;
        let applied = fact.applied_capsule().and_then(|key| part.excerpt(*key));
        fact_story(position, &part.line(fact.keys.line), applied.as_ref(), &self.rules)
    }
}

/// Rows of the quarantine with what names them.
fn all_named(rows: Vec<Value>) -> Option<Vec<(Source, Sha256Hash, Value)>> {
    let named = |row: Value| named(&row).map(|(source, sha256)| (source, sha256, row));
    rows.into_iter().map(named).collect()
}

/// What names a row of the quarantine.
fn named(row: &Value) -> Option<(Source, Sha256Hash)> {
    let name = row.pointer("/source/name")?.as_str()?.into();
    let line = row.pointer("/source/line")?.as_u64()?;
    Some((Source { line, name }, row.get("sha256")?.as_str()?.parse().ok()?))
}
