//! The dictionary of an index: every text once, sorted, so that numbers compare as texts do.

use std::collections::{BTreeMap, BTreeSet};

use super::section::{at, u32s};

/// Texts on their way into an index.
pub(super) struct Dictionary<'t>(BTreeMap<&'t str, u32>);

impl<'t> Dictionary<'t> {
    /// Numbers the texts; `None` when there are too many.
    pub(super) fn of(texts: BTreeSet<&'t str>) -> Option<Self> {
        let numbered = (0..).zip(texts).map(|(number, text)| Some((text, u32::try_from(number).ok()?)));
        Some(Self(numbered.map(|numbered: Option<(&str, u32)>| numbered).collect::<Option<_>>()?))
    }

    /// The number of a text that was put in.
    pub(super) fn number(&self, text: &str) -> Option<u32> {
        self.0.get(text).copied()
    }

    /// The two sections.
    pub(super) fn sections(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        runs(self.0.keys().copied())
    }
}

/// Texts one behind the other, and where each starts; `None` past 4 GiB.
pub(super) fn runs<'t>(texts: impl Iterator<Item = &'t str>) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut bytes, mut starts) = (Vec::new(), vec![0; 4]);
    for text in texts {
        bytes.extend_from_slice(text.as_bytes());
        starts.extend(u32::try_from(bytes.len()).ok()?.to_le_bytes());
    }
    Some((bytes, starts))
}

/// Texts as they were read back.
#[derive(Debug)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

impl Texts {
    pub(super) fn new(bytes: Vec<u8>, starts: &[u8]) -> Option<Self> {
        Some(Self { bytes, starts: u32s(starts)? })
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(super) fn get(&self, number: u32) -> Option<&str> {
        let from = self.starts.get(at(number))?;
        let to = self.starts.get(at(number).checked_add(1)?)?;
        str::from_utf8(self.bytes.get(at(*from)..at(*to))?).ok()
    }

    /// All texts, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let spans = self.starts.windows(2);
        spans.filter_map(|span| match span {
            [from, to] => str::from_utf8(self.bytes.get(at(*from)..at(*to))?).ok(),
            _ => None,
        })
    }

    /// The number of a text, in a sorted dictionary.
    pub(super) fn number(&self, text: &str) -> Option<u32> {
        let (mut low, mut high) = (0, u32::try_from(self.len()).ok()?);
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle)?.cmp(text) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }
}
