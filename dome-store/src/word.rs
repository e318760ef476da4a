//! An owner's word on a store: who says it, when and why.

use std::time::{SystemTime, UNIX_EPOCH};

use dome_binder::priors::OwnersWord;
use dome_core::Timestamp;
use dome_replay::error::{Context, Error, Result};

/// Bytes of a name or a reason, at most.
const BYTES: usize = 512;

/// The word of somebody, said now.
///
/// # Errors
///
/// When it does not say who and why in a line each, or the clock says what no time is.
pub(crate) fn given(by: &str, why: &str) -> Result<OwnersWord> {
    Ok(OwnersWord { by: line("who", by)?, ts: now()?, why: line("why", why)? })
}

fn line(what: &str, text: &str) -> Result<String> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.len() > BYTES || trimmed.chars().any(char::is_control) {
        let expected = format!("expected 1 to {BYTES} bytes without control characters");
        return Err(Error::usage(format!("an owner says {what}: {expected}, found {} bytes", trimmed.len())));
    }
    Ok(trimmed.to_owned())
}

fn now() -> Result<Timestamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context(|| "the clock is before 1970")?;
    let seconds = i64::try_from(now.as_secs()).context(|| "the clock is beyond the year 9999")?;
    Timestamp::from_unix(seconds, 0).context(|| "the clock is beyond the year 9999")
}
