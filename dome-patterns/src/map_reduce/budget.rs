//! What a map-reduce may spend, as data.

use serde::{Deserialize, Serialize};

use crate::codes::MapDenialCode;
use crate::limits;

/// What a map-reduce may spend. Every admitted item has its full share set aside before any worker runs,
/// so that no worker can use up what another one needs.
///
/// ```
/// use dome_patterns::Budget;
/// let budget: Budget = Budget { items: 10, total_output_bytes: 2_048, output_bytes: 512, ..Budget::default() };
/// assert_eq!(budget.admits(), 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Items that may be denied before nothing is reduced.
    pub denials_allowed: u64,
    /// Items that may fail before nothing is reduced.
    pub failures_allowed: u64,
    /// Bytes that a worker may be given.
    pub input_bytes: u64,
    /// Items that may fan out.
    pub items: u64,
    /// Bytes of one output.
    pub output_bytes: u64,
    /// Bytes of all outputs together.
    pub total_output_bytes: u64,
    /// Time of all workers together, in milliseconds.
    pub total_time_ms: u64,
    /// Time of one worker, in milliseconds.
    pub worker_time_ms: u64,
}

/// A member of a budget that lies outside its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{member}`: expected an integer from {least} to {most}, found {found}")]
pub struct BudgetError {
    /// The member.
    pub member: &'static str,
    /// The least that it may be.
    pub least: u64,
    /// The most that it may be.
    pub most: u64,
    /// What it is.
    pub found: u64,
}

impl Default for Budget {
    /// 1,024 items of 64 KiB, 4 KiB and 60 s each, and neither a failure nor a denial.
    fn default() -> Self {
        Self {
            denials_allowed: 0,
            failures_allowed: 0,
            input_bytes: 65_536,
            items: 1_024,
            output_bytes: 4_096,
            total_output_bytes: 4_096 * 1_024,
            total_time_ms: 60_000 * 1_024,
            worker_time_ms: 60_000,
        }
    }
}

impl Budget {
    /// Checks every member against [`crate::limits`].
    ///
    /// # Errors
    ///
    /// [`BudgetError`] for the first member that lies outside.
    pub fn check(&self) -> Result<(), BudgetError> {
        let items = limits::ITEMS as u64;
        let members = [
            ("denials_allowed", self.denials_allowed, 0, items),
            ("failures_allowed", self.failures_allowed, 0, items),
            ("input_bytes", self.input_bytes, 0, limits::INPUT_BYTES),
            ("items", self.items, 0, items),
            ("output_bytes", self.output_bytes, 1, limits::OUTPUT_BYTES),
            ("total_output_bytes", self.total_output_bytes, 0, limits::TOTAL_OUTPUT_BYTES),
            ("total_time_ms", self.total_time_ms, 0, limits::TOTAL_TIME_MS),
            ("worker_time_ms", self.worker_time_ms, 1, limits::WORKER_TIME_MS),
        ];
        let outside = members.into_iter().find(|(_, found, least, most)| !(least..=most).contains(&found));
        outside.map_or(Ok(()), |(member, found, least, most)| Err(BudgetError { member, least, most, found }))
    }

    /// How many items have a full share.
    #[must_use]
    pub fn admits(&self) -> u64 {
        let [bytes, time] = self.shares();
        self.items.min(bytes).min(time)
    }

    fn shares(&self) -> [u64; 2] {
        [self.total_output_bytes / self.output_bytes.max(1), self.total_time_ms / self.worker_time_ms.max(1)]
    }

    /// Why the item at a place, from 0, with so many bytes is denied; by nothing that a worker does.
    pub(super) fn denies(&self, place: u64, input_bytes: u64) -> Option<MapDenialCode> {
        let [bytes, time] = self.shares();
        if place >= self.items {
            Some(MapDenialCode::FanOut)
        } else if place >= bytes {
            Some(MapDenialCode::BytesBudget)
        } else if place >= time {
            Some(MapDenialCode::TimeBudget)
        } else if input_bytes > self.input_bytes {
            Some(MapDenialCode::InputTooLarge)
        } else {
            None
        }
    }
}
