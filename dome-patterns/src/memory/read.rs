//! Reading: the layer with the most authority answers, and says whom it overrode.

use std::collections::BTreeSet;

use dome_core::Timestamp;
use serde::Serialize;

use super::layer::{Layer, LowerLayer};
use super::value::{Key, MemoryValue};
use super::whole::Memory;

/// What a memory says about a key, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer<'m> {
    /// What it is about.
    pub key: Key,
    /// The layer that answers.
    pub layer: Layer,
    /// What the layers below it say, in their order of authority.
    pub overrode: Vec<Overridden<'m>>,
    /// The answer.
    pub value: &'m MemoryValue,
}

/// What a layer says that was not asked, in canonical order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Overridden<'m> {
    /// Whether it says the same.
    pub agrees: bool,
    /// The layer.
    pub layer: Layer,
    /// What it says.
    pub value: &'m MemoryValue,
}

impl Memory {
    /// What is known of a key at a time: the layer with the most authority answers. A synthesised entry
    /// whose time to live is over says nothing; see [`Memory::expired`].
    #[must_use]
    pub fn read(&self, key: &Key, now: Timestamp) -> Option<Answer<'_>> {
        let mut said = Layer::ALL.into_iter().filter_map(|layer| Some((layer, self.said(layer, key, now)?)));
        let (layer, value) = said.next()?;
        let overrode = said.map(|(layer, below)| Overridden { agrees: below == value, layer, value: below });
        Some(Answer { key: key.clone(), layer, overrode: overrode.collect(), value })
    }

    /// All that is known at a time, by key.
    #[must_use]
    pub fn merged(&self, now: Timestamp) -> Vec<Answer<'_>> {
        let layers = LowerLayer::ALL.into_iter().flat_map(|layer| self.layers.written(layer).live.keys());
        let others = self.authoritative.entries.keys().chain(self.layers.synthesised.live.keys());
        let keys: BTreeSet<&Key> = layers.chain(others).collect();
        keys.into_iter().filter_map(|key| self.read(key, now)).collect()
    }

    /// What one layer says about a key.
    fn said(&self, layer: Layer, key: &Key, now: Timestamp) -> Option<&MemoryValue> {
        let written = |layer| self.layers.written(layer).live.get(key).map(|entry| &entry.value);
        match layer {
            Layer::Authoritative => self.authoritative.get(key),
            Layer::Working => written(LowerLayer::Working),
            Layer::Session => written(LowerLayer::Session),
            Layer::Profile => written(LowerLayer::Profile),
            Layer::Synthesised => {
                let entry = self.layers.synthesised.live.get(key).filter(|entry| !entry.is_expired(now));
                entry.map(|entry| &entry.value)
            }
        }
    }
}
