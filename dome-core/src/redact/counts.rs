//! How many masks each rule put.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::Serialize;

/// Masks put, by the name of the rule; rules that found nothing are not listed.
///
/// Counts are sums: they do not depend on how lines are shared out.
///
/// ```
/// use dome_core::redact::{Redaction, RedactionCounts};
/// let mut counts = RedactionCounts::default();
/// Redaction::built_in().redact(b"npm_0123456789abcdefghijABCDEFGHIJ012345", &mut counts);
/// assert_eq!(counts.iter().collect::<Vec<_>>(), [("npm-token", 1)]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct RedactionCounts(BTreeMap<String, u64>);

impl RedactionCounts {
    pub(super) fn add(&mut self, name: &str) {
        match self.0.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(name.to_owned(), 1)),
        }
    }

    /// The rules that put masks, by name, with how many.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Masks of one rule.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// All masks.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Whether nothing was masked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Counts that were kept elsewhere; a rule that is named twice counts once, as the last one says.
impl FromIterator<(String, u64)> for RedactionCounts {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(counts: I) -> Self {
        Self(counts.into_iter().collect())
    }
}

impl AddAssign<&Self> for RedactionCounts {
    fn add_assign(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name.clone()).or_default() += count;
        }
    }
}

impl AddAssign for RedactionCounts {
    fn add_assign(&mut self, other: Self) {
        *self += &other;
    }
}
