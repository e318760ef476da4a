//! A memory of five layers.

use dome_core::{Sha256Hash, Timestamp};

use super::authority::Authoritative;
use super::entry::{Retired, Synthesis, Written};
use super::layer::LowerLayer;
use super::lower::{Layers, LowerMemory};
use super::value::Key;

/// What is known, in five layers: [`Layer`](super::Layer) has them in their order of authority.
///
/// ```
/// use dome_patterns::{Authoritative, Layer, LowerLayer, Memory, MemoryValue};
///
/// let owner = Authoritative::new().grants("test").entry("runner".parse()?, MemoryValue::try_from("nextest")?);
/// let mut memory = Memory::new(owner);
/// let now = "2026-02-01T00:00:00Z".parse()?;
/// let mut agent = memory.lower(); // what an agent is given
/// agent.write(LowerLayer::Session, "runner".parse()?, MemoryValue::try_from("make")?, "run-7".parse()?, now)?;
/// agent.write(LowerLayer::Session, "may deploy".parse()?, true.into(), "run-7".parse()?, now)?;
///
/// let answer = memory.read(&"runner".parse()?, now).unwrap();
/// assert_eq!((answer.layer, answer.value.as_text()), (Layer::Authoritative, Some("nextest")));
/// assert_eq!((answer.overrode[0].layer, answer.overrode[0].agrees), (Layer::Session, false));
/// assert!(memory.authoritative().capability("may deploy").is_none(), "writing it down grants nothing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    pub(super) authoritative: Authoritative,
    pub(super) layers: Layers,
}

impl Memory {
    /// A memory that knows what its owner says.
    #[must_use]
    pub fn new(authoritative: Authoritative) -> Self {
        Self { authoritative, layers: Layers::default() }
    }

    /// What the owner says: the only layer with capabilities and guard inputs.
    #[must_use]
    pub const fn authoritative(&self) -> &Authoritative {
        &self.authoritative
    }

    /// Replaces what the owner says, and gives back what was said before. For the owner, not for agents.
    #[must_use = "the memory knows it no more"]
    pub fn replace_authoritative(&mut self, authoritative: Authoritative) -> Authoritative {
        std::mem::replace(&mut self.authoritative, authoritative)
    }

    /// The handle that writes the lower layers.
    pub const fn lower(&mut self) -> LowerMemory<'_> {
        LowerMemory { authoritative: &self.authoritative, layers: &mut self.layers }
    }

    /// The retired entries of a layer, in the order in which they were retired.
    #[must_use]
    pub fn retired(&self, layer: LowerLayer) -> &[Retired<Written>] {
        &self.layers.written(layer).retired
    }

    /// The retired entries of the synthesised layer. They stay for good.
    #[must_use]
    pub fn retired_syntheses(&self) -> &[Retired<Synthesis>] {
        &self.layers.synthesised.retired
    }

    /// The synthesised entry of a key that is not retired, live or expired.
    #[must_use]
    pub fn synthesis(&self, key: &Key) -> Option<&Synthesis> {
        self.layers.synthesised.live.get(key)
    }

    /// The keys of synthesised entries whose time to live is over: to be revalidated, refuted or retired.
    pub fn expired(&self, now: Timestamp) -> impl Iterator<Item = &Key> {
        self.layers.synthesised.live.iter().filter(move |(_, entry)| entry.is_expired(now)).map(|(key, _)| key)
    }

    /// SHA-256 of [`Memory::dump`].
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        Sha256Hash::of(&self.dump())
    }
}
