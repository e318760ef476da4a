//! Scores: how many offers were right, as an interval.

use serde::Serialize;

use super::Worth;
use crate::confidence::confidence_ppm;
use crate::policy::ppm;

/// What offers were worth. In canonical order; `offered` is the sum of `open`, `right` and `wrong`. Shares are absent
/// where there is nothing to take them of, and are rounded down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Score {
    /// Offers.
    pub offered: u64,
    /// What is not known by the end of the history.
    pub open: u64,
    /// `right` in parts per million of `right` and `wrong`: what is open is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision_ppm: Option<u64>,
    /// The lower Wilson bound of `precision_ppm` (M-91).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision_ppm_lower: Option<u64>,
    /// What was promised came.
    pub right: u64,
    /// `right` in parts per million of `offered`: what is open counts as wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict_ppm: Option<u64>,
    /// The lower Wilson bound of `strict_ppm` (M-91).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict_ppm_lower: Option<u64>,
    /// What was promised did not come.
    pub wrong: u64,
}

impl Score {
    pub(crate) fn of(worths: impl Iterator<Item = Worth>) -> Self {
        let mut score = Self::default();
        for worth in worths {
            score.offered += 1;
            match worth {
                Worth::Right => score.right += 1,
                Worth::Wrong => score.wrong += 1,
                Worth::Open => score.open += 1,
            }
        }
        let bound = |right: u64, wrong: u64| (right + wrong > 0).then(|| confidence_ppm(right, wrong));
        score.precision_ppm = ppm(score.right, score.right + score.wrong);
        score.precision_ppm_lower = bound(score.right, score.wrong);
        score.strict_ppm = ppm(score.right, score.offered);
        score.strict_ppm_lower = bound(score.right, score.wrong + score.open);
        score
    }
}
