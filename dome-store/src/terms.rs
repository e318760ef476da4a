//! How late a record may be (M-32), and what becomes admissible as that instant moves on.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use dome_core::{Reader, Timestamp};

use super::index::Turned;
use super::log::{Entry, Segments, Session};
use crate::exit::usage;

/// How far ahead of the clock a record may be.
const AHEAD_S: i64 = 86_400;

/// The instant of this session. What is recorded stays: a later instant is allowed, an earlier is not,
/// so that one replay with the last one repeats all of it.
///
/// # Errors
///
/// When what is asked for is no instant, or goes back.
pub(crate) fn not_after(asked: Option<&str>, before: Option<&Session>) -> anyhow::Result<Option<Timestamp>> {
    let recorded = before.and_then(|before| before.not_after);
    let no_limit_before = before.is_some() && recorded.is_none();
    let not_after = match asked {
        Some("off") => None,
        Some(text) => Some(text.parse().map_err(|why| usage(format!("--not-after: {why}, found `{text}`")))?),
        None if no_limit_before => None,
        None => recorded.max(Some(tomorrow()?)),
    };
    if not_after.is_some_and(|now| no_limit_before || recorded.is_some_and(|before| now < before)) {
        let recorded = recorded.map_or_else(|| "off".to_owned(), |before| before.to_string());
        return Err(usage(format!(
            "--not-after was `{recorded}` before and cannot go back: lines that it admitted are in the store"
        )));
    }
    Ok(not_after)
}

/// The clock's time and a day, in whole seconds.
pub(crate) fn tomorrow() -> anyhow::Result<Timestamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Timestamp::from_unix(i64::try_from(now.as_secs())? + AHEAD_S, 0).context("the clock is beyond the year 9999")
}

/// Which of these lines are envelopes by these terms, and how many are not.
///
/// # Errors
///
/// When the log cannot be read.
pub(super) fn admissible(segments: &mut Segments, rows: &[Turned], terms: &Session) -> anyhow::Result<(Vec<u64>, u64)> {
    let mut reader = Reader::new().not_after(terms.not_after);
    let (mut admitted, mut rejected) = (Vec::new(), 0);
    for turned in rows {
        let bytes = match segments.read(turned.place, turned.position)? {
            Some(Entry::Rejected(rejected)) => rejected.bytes(),
            _ => None,
        };
        match bytes.map(|bytes| reader.read(&bytes).is_ok()) {
            Some(true) => admitted.push(turned.position),
            _ => rejected += 1,
        }
    }
    Ok((admitted, rejected))
}
