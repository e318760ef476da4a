//! The terms that lines are admitted by: how late a record may be (M-32), and what masks secrets.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dome_core::Timestamp;
use dome_replay::Masking;

use crate::log::Session;
use dome_replay::error::{Context, Error, Invariant, Result};

/// How far ahead of the clock a record may be.
const AHEAD: Duration = Duration::from_secs(86_400);

/// The terms of a session: these rules, and how late a record may be by what is asked for and what was recorded.
///
/// # Errors
///
/// When what is asked for is no instant, or goes back.
pub(crate) fn session(masking: &Masking, asked: Option<&str>, before: Option<&Session>) -> Result<Session> {
    let redaction = masking.document().map(serde_json::to_value).transpose();
    Ok(Session {
        dome_version: env!("CARGO_PKG_VERSION").to_owned(),
        not_after: not_after(asked, before)?,
        redaction: redaction.invariant("redaction rules are a JSON value")?,
    })
}

/// The instant of a session (M-32). What is recorded stays: a later instant is allowed, an earlier is not,
/// so that one replay with the last one repeats all of it.
///
/// # Errors
///
/// When what is asked for is no instant, or goes back.
pub fn not_after(asked: Option<&str>, before: Option<&Session>) -> Result<Option<Timestamp>> {
    let recorded = before.and_then(|before| before.not_after);
    let no_limit_before = before.is_some() && recorded.is_none();
    let not_after = match asked {
        Some("off") => None,
        Some(text) => Some(
            text.parse()
                .map_err(|why| Error::usage(format!("--not-after: {why}, found `{}`", dome_core::escaped(text))))?,
        ),
        None if no_limit_before => None,
        None => recorded.max(Some(tomorrow()?)),
    };
    if not_after.is_some_and(|now| no_limit_before || recorded.is_some_and(|before| now < before)) {
        let recorded = recorded.map_or_else(|| "off".to_owned(), |before| before.to_string());
        return Err(Error::usage(format!(
            "--not-after was `{recorded}` before and cannot go back: lines that it admitted are in the store"
        )));
    }
    Ok(not_after)
}

/// The clock's time and a day, in whole seconds.
pub(crate) fn tomorrow() -> Result<Timestamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context(|| "the clock is before 1970")?;
    let seconds = i64::try_from((now + AHEAD).as_secs()).context(|| "the clock is beyond the year 9999")?;
    Timestamp::from_unix(seconds, 0).context(|| "the clock is beyond the year 9999")
}
