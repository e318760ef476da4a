//! The names that an object's members may have, found without a walk over all of them.

use crate::json::look;

/// Places of the table: more than twice the names of the largest object.
const PLACES: usize = 64;
const NOBODY: u8 = u8::MAX;

/// Names in the order of their slots, with a table of hashes that the compiler fills.
pub(crate) struct MemberNames<const N: usize> {
    names: [&'static str; N],
    places: [u8; PLACES],
}

impl<const N: usize> MemberNames<N> {
    #[expect(clippy::indexing_slicing, reason = "the compiler evaluates it: a place out of bounds does not compile")]
    pub(crate) const fn new(names: [&'static str; N]) -> Self {
        assert!(N * 2 <= PLACES, "a table that is more than half full");
        let mut places = [NOBODY; PLACES];
        let mut slot = 0;
        while slot < N {
            let mut place = look(names[slot].as_bytes()) as usize % PLACES;
            while places[place] != NOBODY {
                place = (place + 1) % PLACES;
            }
            places[place] = slot as u8;
            slot += 1;
        }
        Self { names, places }
    }

    #[inline]
    pub(crate) fn slot(&self, (name, look): (&[u8], u32)) -> Option<usize> {
        let mut place = look as usize % PLACES;
        loop {
            // A place that nobody has ends the search: the table is never full.
            let slot = usize::from(*self.places.get(place)?);
            if is_same(self.names.get(slot)?.as_bytes(), name) {
                return Some(slot);
            }
            place = (place + 1) % PLACES;
        }
    }

    pub(crate) const fn all(&self) -> &[&'static str; N] {
        &self.names
    }
}

/// Most names have 4 to 16 bytes, and are two words that overlap; `==` asks the C library.
#[inline]
fn is_same(left: &[u8], right: &[u8]) -> bool {
    fn ends<const N: usize>(name: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        name.first_chunk().zip(name.last_chunk())
    }
    if left.len() != right.len() {
        return false;
    }
    match left.len() {
        4..8 => ends::<4>(left) == ends::<4>(right),
        8..=16 => ends::<8>(left) == ends::<8>(right),
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_when_all_their_bytes_are() {
        let text = b"abcdefghijklmnopqrstuvwxyz";
        for length in 0..=text.len() {
            let (name, _) = text.split_at(length);
            assert!(is_same(name, name) && !is_same(name, &[name, b"0"].concat()), "{length}");
            for place in 0..length {
                let other: Vec<u8> = (0..).zip(name).map(|(at, byte)| if at == place { b'0' } else { *byte }).collect();
                assert!(!is_same(name, &other), "{length} {place}");
            }
        }
    }

    #[test]
    fn every_name_has_its_slot_and_no_other_has_one() {
        // `aXb` and `aYb` meet at one place.
        const NAMES: MemberNames<5> = MemberNames::new(["aXb", "aYb", "b", "", "run_id"]);
        let slot = |name: &str| NAMES.slot((name.as_bytes(), look(name.as_bytes())));
        for (place, name) in NAMES.all().iter().enumerate() {
            assert_eq!(slot(name), Some(place), "{name}");
        }
        for unknown in ["aZb", "c", "run_ID", "x"] {
            assert_eq!(slot(unknown), None, "{unknown}");
        }
    }
}
