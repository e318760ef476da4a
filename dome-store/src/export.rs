//! Taking a result out of a store: what a replay of everything ingested would write.

use std::path::Path;

use dome_replay::Watch;

use crate::history::History;
use crate::log::Log;
use crate::settings::StoreSettings;
use crate::verify::told;
use dome_replay::Result;

/// What an export came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported<T> {
    /// What the writer of the result gave.
    pub written: T,
    /// Places of the log that could not be read: whoever exports ends with [`crate::ErrorClass::Unreproduced`] if there are
    /// any.
    pub damaged: usize,
}

/// Reads everything that was ingested and has `write` make a result of it, by the store's rules. Damage is told, and
/// what can be read is written.
///
/// # Errors
///
/// When no store stands there, it cannot be read, and those of `write`.
pub fn export<T>(
    store: &Path,
    write: impl FnOnce(&Log, &mut History, &dome_binder::Rules) -> Result<T>,
    watch: &dyn Watch,
) -> Result<Exported<T>> {
    let log = Log::open(store)?;
    let rules = StoreSettings::rules(&log.manifest().settings)?;
    let mut history = History::read(&log)?;
    let written = write(&log, &mut history, &rules)?;
    for damage in &history.damage {
        watch.note(&told(damage));
    }
    Ok(Exported { written, damaged: history.damage.len() })
}
