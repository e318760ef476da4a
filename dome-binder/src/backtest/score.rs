//! What an offer of remedies came to.

use dome_core::Sha256Hash;
use serde::Serialize;

use super::decision::{Decision, Ending};
use crate::policy::PPM;

/// How the failures ended before which a remedy was offered. In canonical order; `offered` is the sum
/// of `open`, `other_remedy`, `same_remedy` and `unnamed_remedy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Score {
    /// Those of `same_remedy` that failed again within the contradiction window.
    pub contradicted: u64,
    /// Decisions before which a remedy was offered.
    pub offered: u64,
    /// Not resolved by the end of the history.
    pub open: u64,
    /// Resolved by another remedy.
    pub other_remedy: u64,
    /// `same_remedy` without `contradicted`, in parts per million of `offered`, rounded down; absent
    /// where nothing was offered. What did not end counts against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision_ppm: Option<u64>,
    /// Resolved by the remedy that was offered.
    pub same_remedy: u64,
    /// Resolved by a success that names no remedy.
    pub unnamed_remedy: u64,
}

impl Score {
    /// Adds up what was offered before each decision.
    pub(crate) fn of<'d>(decisions: impl Iterator<Item = (&'d Decision, Option<Sha256Hash>)>) -> Self {
        let mut score = Self::default();
        for (decision, offered) in decisions {
            if let Some(offered) = offered {
                score.add(decision.ending, offered);
            }
        }
        score.precision_ppm = ppm(score.same_remedy.saturating_sub(score.contradicted), score.offered);
        score
    }

    fn add(&mut self, ending: Ending, offered: Sha256Hash) {
        self.offered += 1;
        match ending {
            Ending::Open => self.open += 1,
            Ending::Resolved { remedy: None, .. } => self.unnamed_remedy += 1,
            Ending::Resolved { remedy: Some(remedy), contradicted } if remedy == offered => {
                self.same_remedy += 1;
                self.contradicted += u64::from(contradicted);
            }
            Ending::Resolved { .. } => self.other_remedy += 1,
        }
    }

    /// Contradictions in parts per million of what the offered remedy resolved, rounded down; `None`
    /// where it resolved nothing.
    #[must_use]
    pub fn contradiction_ppm(&self) -> Option<u64> {
        ppm(self.contradicted, self.same_remedy)
    }
}

/// A part in parts per million of a whole, rounded down; `None` where there is no whole.
pub(crate) fn ppm(part: u64, whole: u64) -> Option<u64> {
    let ppm = (u128::from(part) * u128::from(PPM)).checked_div(u128::from(whole))?;
    u64::try_from(ppm).ok()
}
