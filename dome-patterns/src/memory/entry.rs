//! Entries of the lower layers, and what is kept of those that hold no more.

use std::collections::BTreeMap;

use dome_core::limits::SAFE_INTEGER;
use dome_core::{RunId, Sha256Hash, Source, Timestamp};
use serde::{Deserialize, Serialize};

use super::value::{Key, MemoryValue};
use crate::limits;

/// An entry of the working, session or profile layer, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// What it says.
    pub value: MemoryValue,
    /// When it was written.
    pub written_at: Timestamp,
    /// The run that wrote it.
    pub written_by: RunId,
}

/// An entry of the synthesised layer, in canonical order: what it says, what it rests on, how long it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Synthesis {
    pub(super) promoted_at: Timestamp,
    pub(super) support: Vec<Lineage>,
    pub(super) ttl_s: u64,
    pub(super) validated_at: Timestamp,
    pub(super) value: MemoryValue,
}

/// Where a fact comes from, as a row of `lineage.jsonl` says it (M-43): its digest, its run, its line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    digest: Sha256Hash,
    run_id: RunId,
    source: Source,
}

/// A line that no source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lines are counted from 1 to 2^53 - 1, found {0}")]
pub struct LineageError(u64);

/// Why an entry holds no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetiredWhy {
    /// Another one was written in its place.
    Replaced,
    /// It was taken back.
    Withdrawn,
    /// Its layer came to an end, as a session does.
    Ended,
    /// Its time to live was over.
    Expired,
    /// A fact said that it does not hold.
    Refuted,
}

impl RetiredWhy {
    /// Whether synthesised entries end so, and no others.
    pub(super) const fn is_of_synthesis(self) -> bool {
        matches!(self, Self::Expired | Self::Refuted)
    }
}

/// An entry that holds no more. It stays listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retired<E> {
    /// The fact that refuted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Lineage>,
    /// The entry as it last was.
    pub entry: E,
    /// What it was about.
    pub key: Key,
    /// Since when.
    pub retired_at: Timestamp,
    /// Why.
    pub why: RetiredWhy,
}

/// The entries of one layer: live ones by key, retired ones in the order in which they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Rows<E>", into = "Rows<E>")]
#[serde(bound(serialize = "E: Clone + Serialize", deserialize = "E: Deserialize<'de>"))]
pub(super) struct Entries<E> {
    pub(super) live: BTreeMap<Key, E>,
    pub(super) retired: Vec<Retired<E>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows<E> {
    live: Vec<Row<E>>,
    retired: Vec<Retired<E>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<E> {
    entry: E,
    key: Key,
}

impl<E> From<Rows<E>> for Entries<E> {
    fn from(rows: Rows<E>) -> Self {
        let live = rows.live.into_iter().map(|row| (row.key, row.entry)).collect();
        Self { live, retired: rows.retired }
    }
}

impl<E> From<Entries<E>> for Rows<E> {
    fn from(entries: Entries<E>) -> Self {
        let live = entries.live.into_iter().map(|(key, entry)| Row { entry, key }).collect();
        Self { live, retired: entries.retired }
    }
}

impl<E> Default for Entries<E> {
    fn default() -> Self {
        Self { live: BTreeMap::new(), retired: Vec::new() }
    }
}

impl<E> Entries<E> {
    /// Whether the layer can take `more` entries.
    pub(super) fn has_room_for(&self, more: usize) -> bool {
        self.live.len() + self.retired.len() + more <= limits::LAYER_ENTRIES
    }

    /// Moves a live entry among the retired ones; the number of entries stays.
    pub(super) fn retire(&mut self, key: &Key, why: RetiredWhy, by: Option<Lineage>, now: Timestamp) -> bool {
        let taken = self.live.remove_entry(key);
        let moved = taken.is_some();
        let retired = taken.map(|(key, entry)| Retired { by, entry, key, retired_at: now, why });
        self.retired.extend(retired);
        moved
    }
}

impl Lineage {
    /// Where a fact comes from.
    ///
    /// # Errors
    ///
    /// [`LineageError`] when the line is not from 1 to 2^53 - 1.
    pub fn new(digest: Sha256Hash, run_id: RunId, source: Source) -> Result<Self, LineageError> {
        let lineage = Self { digest, run_id, source };
        if lineage.is_sound() { Ok(lineage) } else { Err(LineageError(lineage.source.line)) }
    }

    pub(super) fn is_sound(&self) -> bool {
        (1..=SAFE_INTEGER).contains(&self.source.line)
    }

    /// The fact's digest.
    #[must_use]
    pub const fn digest(&self) -> Sha256Hash {
        self.digest
    }

    /// The fact's run.
    #[must_use]
    pub const fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// The fact's first line.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }
}

impl Synthesis {
    /// What it says.
    #[must_use]
    pub const fn value(&self) -> &MemoryValue {
        &self.value
    }

    /// The facts that it rests on, by digest, each once.
    #[must_use]
    pub fn support(&self) -> &[Lineage] {
        &self.support
    }

    /// When it was promoted.
    #[must_use]
    pub const fn promoted_at(&self) -> Timestamp {
        self.promoted_at
    }

    /// When it was last promoted or revalidated.
    #[must_use]
    pub const fn validated_at(&self) -> Timestamp {
        self.validated_at
    }

    /// How long it holds after that, in seconds.
    #[must_use]
    pub const fn ttl_s(&self) -> u64 {
        self.ttl_s
    }

    /// Whether its time to live is over, exactly and strictly.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.is_later_by_more_than(self.validated_at, self.ttl_s)
    }
}

/// Facts by digest, each once; of two lines of one fact the least.
pub(super) fn distinct(facts: impl IntoIterator<Item = Lineage>) -> Vec<Lineage> {
    let mut facts: Vec<Lineage> = facts.into_iter().collect();
    facts.sort_unstable();
    facts.dedup_by(|later, earlier| later.digest == earlier.digest);
    facts
}
