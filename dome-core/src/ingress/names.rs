//! The names that an object's members may have, found without a walk over all of them.

/// Places of the table: more than twice the names of the largest object.
const PLACES: usize = 64;
/// What stands at a place that no name has.
const NOBODY: u8 = u8::MAX;

/// Names in the order of their slots, with a table of hashes that the compiler fills.
pub(crate) struct Names<const N: usize> {
    names: [&'static str; N],
    places: [u8; PLACES],
}

impl<const N: usize> Names<N> {
    /// The table of these names.
    #[expect(clippy::indexing_slicing, reason = "the compiler evaluates it: a place out of bounds does not compile")]
    pub(crate) const fn new(names: [&'static str; N]) -> Self {
        assert!(N * 2 <= PLACES, "a table that is more than half full");
        let mut places = [NOBODY; PLACES];
        let mut slot = 0;
        while slot < N {
            let mut place = place_of(names[slot].as_bytes());
            while places[place] != NOBODY {
                place = (place + 1) % PLACES;
            }
            places[place] = slot as u8;
            slot += 1;
        }
        Self { names, places }
    }

    /// The slot of a name.
    #[inline]
    pub(crate) fn slot(&self, name: &[u8]) -> Option<usize> {
        let mut place = place_of(name);
        loop {
            // A place that nobody has ends the search: the table is never full.
            let slot = usize::from(*self.places.get(place)?);
            if self.names.get(slot)?.as_bytes() == name {
                return Some(slot);
            }
            place = (place + 1) % PLACES;
        }
    }

    /// All of them.
    pub(crate) const fn all(&self) -> &[&'static str; N] {
        &self.names
    }
}

/// Where a name is looked for: by its length and its ends, which differ for all names of an envelope.
#[inline]
const fn place_of(name: &[u8]) -> usize {
    match name {
        [first, .., last] => (name.len() + 18 * *first as usize + 11 * *last as usize) % PLACES,
        _ => name.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_slot_and_no_other_has_one() {
        // `aXb` and `aYb` meet at one place.
        const NAMES: Names<5> = Names::new(["aXb", "aYb", "b", "", "run_id"]);
        for (slot, name) in NAMES.all().iter().enumerate() {
            assert_eq!(NAMES.slot(name.as_bytes()), Some(slot), "{name}");
        }
        for unknown in ["aZb", "c", "run_ID", "x"] {
            assert_eq!(NAMES.slot(unknown.as_bytes()), None, "{unknown}");
        }
    }
}
