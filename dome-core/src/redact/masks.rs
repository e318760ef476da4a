//! Masks: what to put where, and what is one already.

use std::ops::Range;

/// Something to mask on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) range: Range<usize>,
    /// Which rule found it: where hits overlap, the least one names the mask.
    pub(super) rank: usize,
    /// Whether the mask is a string of its own, with its quotes: a number is masked so.
    pub(super) quoted: bool,
}

/// What every mask begins with.
pub(super) const OPENING: &[u8] = b"[redacted:";

/// The range to mask if `found` holds more than masks: widened to the masks that it cuts, so that
/// none is masked twice or torn.
pub(super) fn beside_masks(masks: &[Range<usize>], found: Range<usize>) -> Option<Range<usize>> {
    let first = masks.partition_point(|mask| mask.end <= found.start);
    let cut = masks.get(first..).unwrap_or_default();
    let cut = cut.get(..cut.partition_point(|mask| mask.start < found.end)).unwrap_or_default();
    let mut behind = found.start;
    for mask in cut {
        if mask.start > behind {
            break;
        }
        behind = mask.end;
    }
    let start = cut.first().map_or(found.start, |mask| mask.start.min(found.start));
    let end = cut.last().map_or(found.end, |mask| mask.end.max(found.end));
    (behind < found.end).then_some(start..end)
}

/// One hit for all that overlap.
pub(super) fn merged(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_unstable_by_key(|hit| (hit.range.start, hit.rank, hit.range.end));
    let mut merged: Vec<Hit> = Vec::new();
    for hit in hits {
        match merged.last_mut().filter(|last| hit.range.start < last.range.end) {
            Some(last) => {
                last.range.end = last.range.end.max(hit.range.end);
                last.rank = last.rank.min(hit.rank);
                last.quoted |= hit.quoted;
            }
            None => merged.push(hit),
        }
    }
    merged
}

/// The line with each hit replaced; everything else as it stands.
pub(super) fn splice<'n>(line: &[u8], hits: &[Hit], name: impl Fn(usize) -> &'n str) -> Vec<u8> {
    let mut masked = Vec::with_capacity(line.len() + 32 * hits.len());
    let mut behind = 0;
    for hit in hits {
        let quote: &[u8] = if hit.quoted { b"\"" } else { b"" };
        masked.extend_from_slice(line.get(behind..hit.range.start).unwrap_or_default());
        for part in [quote, OPENING, name(hit.rank).as_bytes(), b"]", quote] {
            masked.extend_from_slice(part);
        }
        behind = hit.range.end;
    }
    masked.extend_from_slice(line.get(behind..).unwrap_or_default());
    masked
}
