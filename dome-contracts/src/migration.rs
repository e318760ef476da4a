//! Migration notes: a move from one pinned version to another is written down.

use crate::{Folder, Lock};

/// The name of the note for a move.
///
/// ```
/// assert_eq!(dome_contracts::note_name("xtrlv2", "0.1", "0.2"), "xtrlv2-0.1-to-0.2.md");
/// ```
#[must_use]
pub fn note_name(owner: &str, from: &str, to: &str) -> String {
    let plain = |text: &str| {
        let safe = |letter: char| letter.is_ascii_alphanumeric() || ".-_+".contains(letter);
        text.chars().map(|letter| if safe(letter) { letter } else { '_' }).collect::<String>()
    };
    format!("{}-{}-to-{}.md", plain(owner), plain(from), plain(to))
}

/// The notes that the history of a lock asks for and that are not there, or are empty.
#[must_use]
pub fn missing_notes(lock: &Lock, notes: &Folder) -> Vec<String> {
    let moves = lock.history.iter().zip(lock.history.iter().skip(1));
    let names = moves.map(|(from, to)| note_name(&lock.source.repository, from, to));
    names.filter(|name| !has_text(notes, name)).collect()
}

pub(crate) fn has_text(notes: &Folder, name: &str) -> bool {
    notes.get(name).is_some_and(|bytes| !bytes.trim_ascii().is_empty())
}

/// The contracts that a note has to name and does not.
pub(crate) fn unnamed<'a>(note: &[u8], contracts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let text = String::from_utf8_lossy(note);
    contracts.filter(|contract| !text.contains(*contract)).map(str::to_owned).collect()
}
