//! Layered memory: what is known by authority, from work, session and profile, and by synthesis.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use compact_str::CompactString;
use dome_core::guard::{GuardContext, GuardDecision, GuardrailsBundle, PredicateResult, evaluate};
use dome_core::{RunId, Sha256Hash, Source, TargetId, Timestamp};

use crate::limits;
use crate::pattern::{PatternDenial, PatternError, PatternFailure};

/// What an entry says: a text of at most 4,096 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryValue(CompactString);

impl FromStr for MemoryValue {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let short = text.len() <= limits::MEMORY_TEXT_BYTES;
        if short { Ok(Self(text.into())) } else { Err(PatternError::new("", "a text of at most 4096 bytes")) }
    }
}

impl MemoryValue {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the owner says: state, capabilities, what guards ask for, and what it takes to be promoted. The other layers
/// only ever see it by shared reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authoritative {
    /// What may be done.
    pub capabilities: BTreeSet<CompactString>,
    /// What is so.
    pub entries: BTreeMap<TargetId, MemoryValue>,
    /// The kinds of evidence that are there.
    pub evidence_kinds: BTreeSet<CompactString>,
    /// The state that things are in.
    pub from_state: Option<CompactString>,
    /// What predicates came to, by name.
    pub predicates: BTreeMap<CompactString, PredicateResult>,
    /// What it takes to be promoted.
    pub promotion: PromotionPolicy,
}

impl Authoritative {
    /// What a bundle of guardrails decides on a transition that somebody asks for (M-100). Evidence, predicates and
    /// the state before are the owner's, whatever `asked` says about them.
    #[must_use]
    pub fn decide(&self, bundle: &GuardrailsBundle, asked: GuardContext) -> GuardDecision {
        let Self { evidence_kinds, from_state, predicates, .. } = self.clone();
        evaluate(bundle, &GuardContext { evidence_kinds, from_state, predicates, ..asked })
    }
}

/// What it takes to be promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromotionPolicy {
    /// The longest time to live, in seconds; at most ten years count.
    pub max_ttl_s: u64,
    /// Runs that the facts come from.
    pub min_run_count: u64,
    /// Distinct facts.
    pub min_support: u64,
}

impl Default for PromotionPolicy {
    /// Two facts of two runs, as a capsule needs to steer (M-94), and 30 days.
    fn default() -> Self {
        Self { max_ttl_s: 2_592_000, min_run_count: 2, min_support: 2 }
    }
}

/// A layer of a memory; the first has the most authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// What the owner says. It alone has capabilities and what guards ask for.
    Authoritative,
    /// What was written by anybody.
    Lower(LowerLayer),
    /// What was gathered from many runs, for a time.
    Synthesised,
}

/// A layer that anybody may write. There is no word in it for the authoritative one, nor for the synthesised one,
/// into which one is promoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LowerLayer {
    /// What the task at hand needs.
    Working,
    /// What this session found.
    Session,
    /// What is known about the user.
    Profile,
}

/// Where a fact comes from, as a row of `lineage.jsonl` says it (M-43).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provenance {
    /// The fact's digest.
    pub digest: Sha256Hash,
    /// Its run.
    pub run_id: RunId,
    /// Its first line.
    pub source: Source,
}

/// An entry of a lower layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenEntry {
    /// What it says.
    pub value: MemoryValue,
    /// When it was written.
    pub written_at: Timestamp,
    /// The run that wrote it.
    pub written_by: RunId,
}

/// An entry of the synthesised layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synthesis {
    /// What it says.
    pub value: MemoryValue,
    /// The facts that it rests on, by digest, each once.
    pub support: Vec<Provenance>,
    /// When it was promoted.
    pub promoted_at: Timestamp,
    /// When it was last promoted or revalidated.
    pub validated_at: Timestamp,
    /// How long it holds after that, in seconds.
    pub ttl_s: u64,
}

/// Why an entry holds no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetiredWhy {
    /// Another one was written in its place.
    Replaced,
    /// It was taken back.
    Withdrawn,
    /// Its time to live was over.
    Expired,
    /// A fact, this one, said that it does not hold.
    Refuted(Provenance),
}

impl RetiredWhy {
    /// The failure that it is, for an envelope of [`PatternStep::REVALIDATE`](crate::PatternStep::REVALIDATE).
    #[must_use]
    pub const fn failure(&self) -> Option<PatternFailure> {
        match self {
            Self::Expired => Some(PatternFailure::EntryExpired),
            Self::Refuted(_) => Some(PatternFailure::EntryRefuted),
            Self::Replaced | Self::Withdrawn => None,
        }
    }
}

/// An entry that holds no more. It stays listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired<E> {
    /// What it was about.
    pub key: TargetId,
    /// The entry as it last was.
    pub entry: E,
    /// Since when.
    pub retired_at: Timestamp,
    /// Why.
    pub why: RetiredWhy,
}

/// The entries of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerEntries<E> {
    /// Those that were not retired, expired ones too.
    pub live: BTreeMap<TargetId, E>,
    /// In the order in which they were retired.
    pub retired: Vec<Retired<E>>,
}

impl<E> Default for LayerEntries<E> {
    fn default() -> Self {
        Self { live: BTreeMap::new(), retired: Vec::new() }
    }
}

impl<E> LayerEntries<E> {
    fn is_full(&self) -> bool {
        self.live.len() + self.retired.len() >= limits::LAYER_ENTRIES
    }

    fn retire(&mut self, key: &TargetId, why: RetiredWhy, now: Timestamp) -> bool {
        let taken = self.live.remove_entry(key);
        let found = taken.is_some();
        self.retired.extend(taken.map(|(key, entry)| Retired { key, entry, retired_at: now, why }));
        found
    }
}

/// The layers below the authoritative one. [`Layer`] has the order of authority.
///
/// ```
/// use dome_core::{Sha256Hash, Source};
/// use dome_patterns::{Authoritative, Layer, LayeredMemory, LowerLayer, PatternDenial, Provenance};
///
/// let mut owner = Authoritative::default();
/// owner.entries.insert("runner".parse()?, "nextest".parse()?);
/// let (mut memory, run) = (LayeredMemory::default(), || "run-7".parse().unwrap());
/// let [now, later] = ["2026-02-01T00:00:00Z", "2026-02-02T00:00:01Z"].map(|time| time.parse().unwrap());
///
/// memory.write(LowerLayer::Session, "runner".parse()?, "make".parse()?, run(), now)?;
/// let said: Vec<_> = memory.read(&owner, &"runner".parse()?, now).into_iter().map(|(layer, _)| layer).collect();
/// assert_eq!(said, [Layer::Authoritative, Layer::Lower(LowerLayer::Session)]);
///
/// let fact = |run: &str, line| Provenance {
///     digest: Sha256Hash::of(run.as_bytes()),
///     run_id: run.parse().unwrap(),
///     source: Source { line, name: "night.jsonl".into() },
/// };
/// let (flaky, value) = ("flaky test".parse()?, || "test_clock".parse().unwrap());
/// let denied = memory.promote(&owner, &flaky, value(), [fact("run-1", 4)], 86_400, now);
/// assert_eq!(denied, Err(vec![PatternDenial::SupportTooLow, PatternDenial::RunsTooFew]));
/// let promoted = memory.promote(&owner, &flaky, value(), [fact("run-1", 4), fact("run-2", 9)], 86_400, now);
/// assert_eq!(promoted, Ok(()));
/// assert_eq!([now, later].map(|at| memory.read(&owner, &flaky, at).len()), [1, 0]);
/// memory.revalidate(&flaky, [fact("run-3", 2)], later)?;
/// assert_eq!(memory.read(&owner, &flaky, later).len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// None of them is the owner's:
///
/// ```compile_fail,E0599
/// let layer = dome_patterns::LowerLayer::Authoritative;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayeredMemory {
    lower: BTreeMap<LowerLayer, LayerEntries<WrittenEntry>>,
    synthesised: LayerEntries<Synthesis>,
}

impl Synthesis {
    /// Whether its time to live is over, exactly and strictly.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.is_later_by_more_than(self.validated_at, self.ttl_s)
    }
}

impl LayeredMemory {
    /// The entries of the layers that anybody may write, once something was written.
    #[must_use]
    pub const fn lower(&self) -> &BTreeMap<LowerLayer, LayerEntries<WrittenEntry>> {
        &self.lower
    }

    /// What was promoted.
    #[must_use]
    pub const fn synthesised(&self) -> &LayerEntries<Synthesis> {
        &self.synthesised
    }

    /// What the layers say about a key at a time, the one with the most authority first: that is the answer, and it
    /// overrides the others. A synthesised entry whose time to live is over says nothing.
    #[must_use]
    pub fn read<'m>(
        &'m self,
        owner: &'m Authoritative,
        key: &TargetId,
        now: Timestamp,
    ) -> Vec<(Layer, &'m MemoryValue)> {
        let owner = owner.entries.get(key).map(|value| (Layer::Authoritative, value));
        let lower = self.lower.iter().filter_map(|(layer, entries)| Some((*layer, entries.live.get(key)?)));
        let lower = lower.map(|(layer, entry)| (Layer::Lower(layer), &entry.value));
        let synthesis = self.synthesised.live.get(key).filter(|entry| !entry.is_expired(now));
        let synthesis = synthesis.map(|entry| (Layer::Synthesised, &entry.value));
        owner.into_iter().chain(lower).chain(synthesis).collect()
    }

    /// Writes an entry. One that the key had is retired as replaced.
    ///
    /// # Errors
    ///
    /// `MEMORY.LAYER_FULL` when the layer, with its retired entries, is full; see [`LayeredMemory::hand_over`].
    pub fn write(
        &mut self,
        layer: LowerLayer,
        key: TargetId,
        value: MemoryValue,
        written_by: RunId,
        now: Timestamp,
    ) -> Result<(), PatternDenial> {
        let entries = self.lower.entry(layer).or_default();
        if entries.is_full() {
            return Err(PatternDenial::LayerFull);
        }
        entries.retire(&key, RetiredWhy::Replaced, now);
        entries.live.insert(key, WrittenEntry { value, written_at: now, written_by });
        Ok(())
    }

    /// Takes an entry back; it stays listed as withdrawn. Whether there was one.
    pub fn withdraw(&mut self, layer: LowerLayer, key: &TargetId, now: Timestamp) -> bool {
        self.lower.entry(layer).or_default().retire(key, RetiredWhy::Withdrawn, now)
    }

    /// Hands the retired entries of a layer over to the caller, who keeps them now.
    #[must_use = "the memory lists them no more"]
    pub fn hand_over(&mut self, layer: LowerLayer) -> Vec<Retired<WrittenEntry>> {
        std::mem::take(&mut self.lower.entry(layer).or_default().retired)
    }

    /// Promotes something that many runs came to, to hold for a time to live in seconds. An expired entry of the
    /// key is retired by it.
    ///
    /// # Errors
    ///
    /// With every reason, the one that names the denial first: `MEMORY.PROVENANCE_MISSING`, `MEMORY.SUPPORT_TOO_LOW`,
    /// `MEMORY.RUNS_TOO_FEW`, `MEMORY.SUPPORT_TOO_LARGE`, `MEMORY.TTL_MISSING`, `MEMORY.TTL_TOO_LONG`,
    /// `MEMORY.AUTHORITY_DISAGREES`, `MEMORY.STILL_LIVE`, `MEMORY.SYNTHESIS_FULL`.
    pub fn promote(
        &mut self,
        owner: &Authoritative,
        key: &TargetId,
        value: MemoryValue,
        facts: impl IntoIterator<Item = Provenance>,
        ttl_s: u64,
        now: Timestamp,
    ) -> Result<(), Vec<PatternDenial>> {
        let entries = &mut self.synthesised;
        let support = distinct(facts);
        let runs: BTreeSet<&RunId> = support.iter().map(|fact| &fact.run_id).collect();
        let (said, policy) = (owner.entries.get(key), &owner.promotion);
        let reasons = [
            (PatternDenial::ProvenanceMissing, support.is_empty()),
            (PatternDenial::SupportTooLow, (support.len() as u64) < policy.min_support),
            (PatternDenial::RunsTooFew, (runs.len() as u64) < policy.min_run_count),
            (PatternDenial::SupportTooLarge, support.len() > limits::SUPPORT_FACTS),
            (PatternDenial::TtlMissing, ttl_s == 0),
            (PatternDenial::TtlTooLong, ttl_s > policy.max_ttl_s.min(limits::TTL_S)),
            (PatternDenial::AuthorityDisagrees, said.is_some_and(|said| *said != value)),
            (PatternDenial::StillLive, entries.live.get(key).is_some_and(|entry| !entry.is_expired(now))),
            (PatternDenial::SynthesisFull, entries.is_full()),
        ];
        let reasons: Vec<_> = reasons.into_iter().filter(|(_, holds)| *holds).map(|(code, _)| code).collect();
        if !reasons.is_empty() {
            return Err(reasons);
        }
        entries.retire(key, RetiredWhy::Expired, now);
        entries.live.insert(key.clone(), Synthesis { value, support, promoted_at: now, validated_at: now, ttl_s });
        Ok(())
    }

    /// Revalidates an entry, live or expired: facts say that it still holds. Its time to live begins anew.
    ///
    /// # Errors
    ///
    /// `MEMORY.ENTRY_UNKNOWN` when there is none (a retired one is promoted anew), `MEMORY.EVIDENCE_STALE` when it
    /// rests on all these facts already, `MEMORY.EVIDENCE_TOO_LARGE` when it would rest on more than 256.
    pub fn revalidate(
        &mut self,
        key: &TargetId,
        facts: impl IntoIterator<Item = Provenance>,
        now: Timestamp,
    ) -> Result<(), PatternDenial> {
        let entry = self.synthesised.live.get_mut(key).ok_or(PatternDenial::EntryUnknown)?;
        let support = distinct(entry.support.iter().cloned().chain(facts));
        if support.len() == entry.support.len() {
            return Err(PatternDenial::EvidenceStale);
        }
        if support.len() > limits::SUPPORT_FACTS {
            return Err(PatternDenial::EvidenceTooLarge);
        }
        entry.support = support;
        entry.validated_at = entry.validated_at.max(now);
        Ok(())
    }

    /// Retires an entry, live or expired, because a fact says that it does not hold.
    ///
    /// # Errors
    ///
    /// `MEMORY.ENTRY_UNKNOWN` when there is none.
    pub fn refute(&mut self, key: &TargetId, by: Provenance, now: Timestamp) -> Result<(), PatternDenial> {
        let retired = self.synthesised.retire(key, RetiredWhy::Refuted(by), now);
        if retired { Ok(()) } else { Err(PatternDenial::EntryUnknown) }
    }

    /// Retires every entry whose time to live is over. Their keys.
    pub fn retire_expired(&mut self, now: Timestamp) -> Vec<TargetId> {
        let entries = &mut self.synthesised;
        let expired = entries.live.iter().filter(|(_, entry)| entry.is_expired(now));
        let keys: Vec<TargetId> = expired.map(|(key, _)| key.clone()).collect();
        for key in &keys {
            entries.retire(key, RetiredWhy::Expired, now);
        }
        keys
    }
}

/// Facts by digest, each once; of two lines of one fact the least.
fn distinct(facts: impl IntoIterator<Item = Provenance>) -> Vec<Provenance> {
    let mut facts: Vec<Provenance> = facts.into_iter().collect();
    facts.sort_unstable();
    facts.dedup_by(|later, earlier| later.digest == earlier.digest);
    facts
}
