//! Objects of strings: `env`, `labels`, `versions` (section 2 and 3).

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::utf16_order;

/// An object whose members are strings, kept in the order of canonical bytes (M-01).
///
/// ```
/// use dome_core::StringMap;
/// let map = StringMap::from_iter([("b", "2"), ("a", "1")]);
/// assert_eq!(map.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
/// assert_eq!(map.get("b"), Some("2"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct StringMap(Vec<(CompactString, CompactString)>);

impl StringMap {
    /// Of two members with one name the last one stays.
    pub(crate) fn sorted(mut members: Vec<(CompactString, CompactString)>) -> Self {
        if !members.is_sorted_by(|(a, _), (b, _)| utf16_order(a, b).is_lt()) {
            members.reverse();
            members.sort_by(|(a, _), (b, _)| utf16_order(a, b));
            members.dedup_by(|later, first| later.0 == first.0);
        }
        Self(members)
    }

    pub(crate) fn insert(&mut self, key: &str, value: &str) {
        self.0.push((key.into(), value.into()));
        *self = Self::sorted(std::mem::take(&mut self.0));
    }

    /// The members in canonical order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a member.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for StringMap {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let compact = |(key, value): (K, V)| (CompactString::from(key.as_ref()), CompactString::from(value.as_ref()));
        Self::sorted(members.into_iter().map(compact).collect())
    }
}

impl<'de> Deserialize<'de> for StringMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = BTreeMap::<CompactString, CompactString>::deserialize(deserializer)?;
        Ok(Self::sorted(members.into_iter().collect()))
    }
}

impl Serialize for StringMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
