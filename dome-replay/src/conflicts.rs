//! Lines that settling ruled out, read again: few lines conflict, and none is kept twice.

use std::collections::BTreeMap;

use dome_binder::Conflict;
use dome_core::redact::RedactionCounts;
use dome_core::{QuarantineRow, RawLine, Reader, Rejection, lines};

use crate::error::{Error, Result};
use crate::input::{Chunk, Source, all_chunks};
use crate::masking::{Masking, Seen};

/// Hands out the rows of lines that settling ruled out, source by source.
///
/// # Errors
///
/// When a source cannot be read, or a line is not what it was.
pub(crate) fn reread(
    conflicts: &[Conflict],
    sources: &[Source],
    masking: &Masking,
    take: &mut dyn FnMut(QuarantineRow) -> Result<()>,
) -> Result<()> {
    let mut wanted: BTreeMap<(&str, u64), Vec<&Conflict>> = BTreeMap::new();
    for conflict in conflicts {
        wanted.entry((&conflict.source.name, conflict.source.line)).or_default().push(conflict);
    }
    let touched = |source: &&Source| conflicts.iter().any(|conflict| conflict.source.name == source.name);
    for source in sources.iter().filter(touched) {
        for chunk in all_chunks(std::slice::from_ref(source)) {
            let (_, Chunk::Lines { number, offset, bytes }) = chunk? else { continue };
            for line in lines(&bytes, number, offset) {
                let Some(found) = wanted.get_mut(&(source.name.as_str(), line.number)) else { continue };
                // Masked again, but counted once.
                let Seen::Whole(bytes) = masking.line(line.bytes, &mut RedactionCounts::default()) else { continue };
                let digest = Reader::new().read(&bytes).ok().map(|envelope| envelope.digest());
                let Some(place) = found.iter().position(|conflict| Some(conflict.digest) == digest) else { continue };
                let conflict = found.remove(place);
                let rejection = Rejection::from(conflict.problem.clone());
                take(RawLine::of(&bytes).row(line.offset, conflict.source.clone(), rejection))?;
            }
        }
    }
    match wanted.iter().find(|(_, left)| !left.is_empty()) {
        None => Ok(()),
        Some(((name, line), _)) => {
            Err(Error::failed(format!("`{name}` changed while it was being read: line {line} is not what it was")))
        }
    }
}
