//! Writing the layers below the authoritative one.

use dome_core::{RunId, Timestamp};

use super::authority::Authoritative;
use super::entry::{Entries, Lineage, Retired, RetiredWhy, Synthesis, Written, distinct};
use super::layer::LowerLayer;
use super::promotion::{Promotion, PromotionDenial, PromotionPolicy, Standing};
use super::value::{Key, MemoryValue};
use crate::codes::{RevalidationDenialCode, WriteDenialCode};
use crate::limits;

/// The layers below the authoritative one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layers {
    pub(super) working: Entries<Written>,
    pub(super) session: Entries<Written>,
    pub(super) profile: Entries<Written>,
    pub(super) synthesised: Entries<Synthesis>,
}

/// A memory whose lower layers can be written, and whose authority can only be looked at: it is held by
/// shared reference. This is what an agent is given.
///
/// ```compile_fail,E0599
/// # fn f(mut memory: dome_patterns::Memory, new: dome_patterns::Authoritative) {
/// memory.lower().replace_authoritative(new);
/// # }
/// ```
///
/// ```compile_fail,E0599
/// let layer = dome_patterns::LowerLayer::Authoritative;
/// ```
#[derive(Debug)]
pub struct LowerMemory<'m> {
    pub(super) authoritative: &'m Authoritative,
    pub(super) layers: &'m mut Layers,
}

impl Layers {
    pub(super) const fn written(&self, layer: LowerLayer) -> &Entries<Written> {
        match layer {
            LowerLayer::Working => &self.working,
            LowerLayer::Session => &self.session,
            LowerLayer::Profile => &self.profile,
        }
    }

    const fn written_mut(&mut self, layer: LowerLayer) -> &mut Entries<Written> {
        match layer {
            LowerLayer::Working => &mut self.working,
            LowerLayer::Session => &mut self.session,
            LowerLayer::Profile => &mut self.profile,
        }
    }
}

impl LowerMemory<'_> {
    /// Writes an entry. One that the key had is retired as replaced.
    ///
    /// # Errors
    ///
    /// `MEMORY.LAYER_FULL` when the layer, with its retired entries, is full; see
    /// [`LowerMemory::hand_over`].
    pub fn write(
        &mut self,
        layer: LowerLayer,
        key: Key,
        value: MemoryValue,
        written_by: RunId,
        now: Timestamp,
    ) -> Result<(), WriteDenialCode> {
        let entries = self.layers.written_mut(layer);
        if !entries.has_room_for(1) {
            return Err(WriteDenialCode::LayerFull);
        }
        entries.retire(&key, RetiredWhy::Replaced, None, now);
        entries.live.insert(key, Written { value, written_at: now, written_by });
        Ok(())
    }

    /// Takes an entry back; it stays listed as withdrawn. Whether there was one.
    pub fn withdraw(&mut self, layer: LowerLayer, key: &Key, now: Timestamp) -> bool {
        self.layers.written_mut(layer).retire(key, RetiredWhy::Withdrawn, None, now)
    }

    /// Ends a layer, as a session ends: its live entries stay listed as ended. How many there were.
    pub fn end(&mut self, layer: LowerLayer, now: Timestamp) -> usize {
        let entries = self.layers.written_mut(layer);
        let keys: Vec<Key> = entries.live.keys().cloned().collect();
        keys.iter().filter(|key| entries.retire(key, RetiredWhy::Ended, None, now)).count()
    }

    /// Hands the retired entries of a layer over to the caller, who keeps them now.
    #[must_use = "the memory lists them no more"]
    pub fn hand_over(&mut self, layer: LowerLayer) -> Vec<Retired<Written>> {
        std::mem::take(&mut self.layers.written_mut(layer).retired)
    }

    /// Promotes something to the synthesised layer. An expired entry of the key is retired by it.
    ///
    /// # Errors
    ///
    /// [`PromotionDenial`] with every reason: `MEMORY.PROVENANCE_MISSING`, `MEMORY.SUPPORT_TOO_LOW`,
    /// `MEMORY.RUNS_TOO_FEW`, `MEMORY.SUPPORT_TOO_LARGE`, `MEMORY.TTL_MISSING`, `MEMORY.TTL_TOO_LONG`,
    /// `MEMORY.AUTHORITY_DISAGREES`, `MEMORY.STILL_LIVE`, `MEMORY.SYNTHESIS_FULL`.
    pub fn promote(
        &mut self,
        promotion: Promotion,
        policy: &PromotionPolicy,
        now: Timestamp,
    ) -> Result<(), PromotionDenial> {
        let entries = &mut self.layers.synthesised;
        let said = self.authoritative.get(&promotion.key);
        let standing = Standing {
            authority_disagrees: said.is_some_and(|said| *said != promotion.value),
            still_live: entries.live.get(&promotion.key).is_some_and(|entry| !entry.is_expired(now)),
            has_room: entries.has_room_for(1),
        };
        let (key, entry) = promotion.checked(policy, standing, now)?;
        entries.retire(&key, RetiredWhy::Expired, None, now);
        entries.live.insert(key, entry);
        Ok(())
    }

    /// Revalidates an entry, live or expired: facts say that it still holds. Its time to live begins anew.
    ///
    /// # Errors
    ///
    /// `MEMORY.ENTRY_UNKNOWN` when there is none (a retired one is promoted anew),
    /// `MEMORY.EVIDENCE_STALE` when it rests on all these facts already, `MEMORY.EVIDENCE_TOO_LARGE` when
    /// it would rest on more than [`limits::SUPPORT_FACTS`].
    pub fn revalidate(
        &mut self,
        key: &Key,
        facts: impl IntoIterator<Item = Lineage>,
        now: Timestamp,
    ) -> Result<(), RevalidationDenialCode> {
        let entry = self.layers.synthesised.live.get_mut(key).ok_or(RevalidationDenialCode::EntryUnknown)?;
        let support = distinct(entry.support.iter().cloned().chain(facts));
        if support.len() == entry.support.len() {
            return Err(RevalidationDenialCode::EvidenceStale);
        }
        if support.len() > limits::SUPPORT_FACTS {
            return Err(RevalidationDenialCode::EvidenceTooLarge);
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
    pub fn refute(&mut self, key: &Key, by: Lineage, now: Timestamp) -> Result<(), RevalidationDenialCode> {
        let retired = self.layers.synthesised.retire(key, RetiredWhy::Refuted, Some(by), now);
        if retired { Ok(()) } else { Err(RevalidationDenialCode::EntryUnknown) }
    }

    /// Retires every entry whose time to live is over. Their keys.
    pub fn retire_expired(&mut self, now: Timestamp) -> Vec<Key> {
        let entries = &mut self.layers.synthesised;
        let expired = entries.live.iter().filter(|(_, entry)| entry.is_expired(now));
        let keys: Vec<Key> = expired.map(|(key, _)| key.clone()).collect();
        keys.into_iter().filter(|key| entries.retire(key, RetiredWhy::Expired, None, now)).collect()
    }
}
