//! When a trial happened, and how long it took.

use dome_core::Timestamp;

use super::trials::Trial;
use crate::convert::Options;
use crate::finding::{Finding, FindingCode, quote};

const NANOSECONDS_PER_MILLISECOND: u128 = 1_000_000;

/// When the trial ended; else when its run did; else what the user says.
pub(super) fn ts(trial: &Trial<'_>, options: &Options) -> Result<Timestamp, Finding> {
    let of_run = trial.described.and_then(|run| run.metadata.end_time.as_deref());
    let told = [("trial_ended_at", trial.raw.trial_ended_at.as_deref()), ("end_time", of_run)];
    match told.into_iter().find_map(|(member, text)| Some((member, text?))) {
        Some((member, text)) => text.parse().map_err(|error| {
            let message = format!("`{member}` {} is not a time", quote(text));
            trial.at().found(FindingCode::TimeInvalid, message, format!("{error}"))
        }),
        None => options.ts.ok_or_else(|| {
            let expected = "`trial_ended_at`, `end_time` in the run's metadata, or `--ts TIME`";
            trial.at().found(FindingCode::TimeMissing, "the trial has no time", expected)
        }),
    }
}

/// From `trial_started_at` to `trial_ended_at` in whole milliseconds, where both are there.
pub(super) fn duration_ms(trial: &Trial<'_>) -> Result<Option<u64>, Finding> {
    let (Some(started), Some(ended)) = (&trial.raw.trial_started_at, &trial.raw.trial_ended_at) else {
        return Ok(None);
    };
    let between = match (started.parse::<Timestamp>(), ended.parse::<Timestamp>()) {
        (Ok(started), Ok(ended)) => u128::try_from(ended.nanoseconds_since(started)).ok(),
        _ => None,
    };
    let between = between.and_then(|nanoseconds| u64::try_from(nanoseconds / NANOSECONDS_PER_MILLISECOND).ok());
    between.map(Some).ok_or_else(|| {
        let message = format!("no duration from {} to {}", quote(started), quote(ended));
        trial.at().found(FindingCode::DurationLeftOut, message, "")
    })
}
