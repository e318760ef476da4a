//! The clock, for what says nothing of when it happened.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use dome_core::Timestamp;

/// Now, in whole milliseconds.
pub(crate) fn now() -> anyhow::Result<Timestamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Timestamp::from_unix(i64::try_from(now.as_secs())?, now.subsec_millis() * 1_000_000)
        .context("the clock is beyond the year 9999")
}
