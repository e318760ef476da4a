//! Making a store anew from its log.

use std::path::Path;

use dome_binder::Rules;
use dome_replay::Watch;
use serde::Serialize;

use crate::derived::derive;
use crate::log::Found;
use crate::verify::told;
use crate::writer::{Opening, Writer};
use dome_replay::Result;

/// What a rebuild came to; its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// Files in the store with bytes that are no part of its log any more.
    pub aside: Vec<String>,
    /// Places of the log that cannot be read.
    pub damaged: usize,
    /// Entries that can be read.
    pub entries: u64,
    /// `"1"`
    pub format_version: &'static str,
}

impl Rebuilt {
    /// Whether nothing is lost: else whoever rebuilds ends with [`crate::ErrorClass::Unreproduced`].
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.aside.is_empty() && self.damaged == 0
    }
}

/// Makes what stands beside the log anew: the manifest where it is damaged, gone or older than the log, and what was
/// derived. `rules` says by what the store derives from now on; it is given what it derived by, or none where nothing says
/// that any more. The index is derived beside and put in place, so that readers never see an empty store.
///
/// The version is looked at before anything is opened for writing, and nothing is removed: bytes that are no part of the
/// log any more are moved aside, named and counted.
///
/// # Errors
///
/// When there is no store, it is of another version, or it cannot be written.
pub fn rebuild(
    store: &Path,
    opening: Opening,
    rules: &dyn Fn(Option<&Rules>) -> Result<Rules>,
    watch: &dyn Watch,
) -> Result<(Rebuilt, Writer)> {
    let writer = Writer::rebuild(store, opening, rules, watch)?;
    let (mut entries, mut damaged) = (0, 0);
    for found in writer.log()?.scan(1) {
        match found? {
            Found::Entry { .. } => entries += 1,
            Found::Damage(damage) => {
                damaged += 1;
                watch.note(&told(&damage));
            }
        }
    }
    derive(store, true, &())?;
    let aside = writer.aside().to_vec();
    Ok((Rebuilt { aside, damaged, entries, format_version: "1" }, writer))
}
