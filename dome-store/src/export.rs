//! Taking a result out of a store: what a replay of everything ingested would write.

use std::path::Path;

use dome_core::{BinderVersion, Timestamp};
use dome_replay::{
    Destined, Input, Limits, Masking, Records, Result, Spec, Watch, Written, check_destination, replay_into,
};

use crate::history::LogHistory;
use crate::log::Log;
use crate::settings::StoreSettings;

/// What an export came to.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The result that was written.
    pub written: Written,
    /// Places of the log that could not be read: whoever exports ends with [`crate::ErrorClass::Unreproduced`] if there
    /// are any.
    pub damaged: usize,
}

/// Replays everything that was ingested into the directory of a result, by the store's rules; as much is held in memory
/// as `limits` say, however long the log is. Damage is told, and what can be read is written.
///
/// # Errors
///
/// When no store stands there, it cannot be read, or the result cannot be written.
pub fn export(
    store: &Path,
    to: &Destined,
    as_of: Option<Timestamp>,
    threads: usize,
    limits: Limits,
    watch: &dyn Watch,
) -> Result<Exported> {
    check_destination(&to.out)?;
    let log = Log::open(store)?;
    let rules = StoreSettings::rules(&log.manifest().settings)?;
    let history = LogHistory::read(&log)?;
    let (not_after, masking) = (history.not_after(), Masking::off());
    let spec = Spec { rules: &rules, binder: BinderVersion::V1, not_after, masking: &masking, threads, limits };
    let input = Input::Records(Box::new(Records {
        lines: Box::new(history.lines()),
        blank: history.blank(),
        redacted: history.redacted()?,
        ruled_out: Box::new(|conflicts, take| history.ruled_out(conflicts, take)),
    }));
    let written = replay_into(to, spec, as_of, input, &())?;
    for damage in history.damage() {
        watch.note(&damage.to_string());
    }
    Ok(Exported { written, damaged: history.damage().len() })
}
