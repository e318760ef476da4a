//! Putting together what belongs together, without putting it in order first.
//!
//! Tables of hashes are looked up in and never walked, so that their order is nobody's; what comes
//! out is in the order of first appearance.

use std::hash::{BuildHasher, Hash, Hasher};

use dome_core::Sha256Hash;
use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Groups, found again by a hash of what they have in common.
#[derive(Debug, Default)]
pub(crate) struct Groups<G> {
    groups: Vec<G>,
    places: HashTable<(u64, usize)>,
}

impl<G: Default> Groups<G> {
    pub(crate) fn add<T>(&mut self, hash: u64, item: T, belongs: fn(&G, &T) -> bool, add: fn(&mut G, T)) {
        let Self { groups, places } = self;
        let known = |(other, place): &(u64, usize)| {
            *other == hash && groups.get(*place).is_some_and(|group| belongs(group, &item))
        };
        let place = match places.find(hash, known) {
            Some((_, place)) => *place,
            None => {
                places.insert_unique(hash, (hash, groups.len()), |(hash, _)| *hash);
                groups.push(G::default());
                groups.len() - 1
            }
        };
        if let Some(group) = groups.get_mut(place) {
            add(group, item);
        }
    }

    /// The groups, in the order in which they came.
    pub(crate) fn into_vec(self) -> Vec<G> {
        self.groups
    }
}

pub(crate) fn hash_of(text: &str) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(text.as_bytes());
    hasher.finish()
}

pub(crate) fn hash_of_value(value: &(impl Hash + ?Sized)) -> u64 {
    FixedState::default().hash_one(value)
}

/// Where a key is looked for: it is a hash already.
pub(crate) const fn hash_of_key(key: &Sha256Hash) -> u64 {
    u64::from_le_bytes(start_of(key))
}

/// Enough of a hash to tell values apart.
pub(crate) const fn start_of(hash: &Sha256Hash) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    [a, b, c, d, e, f, g, h]
}
