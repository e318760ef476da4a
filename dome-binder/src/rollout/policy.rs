//! The rollout policy: what each mode has to show.

use dome_core::limits::SAFE_INTEGER;
use serde::{Deserialize, Serialize};

use crate::document::{self, DocumentError, Member};
use crate::policy::PPM;

/// What each mode has to show before it is earned, version 1, in canonical order.
/// [`RolloutPolicy::default`] has the defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct RolloutPolicy {
    /// From `shadow` to `guided`: what is looked at is the advice that would have been shown.
    pub guided: StepPolicy,
    /// From `guided` to `prescriptive`: what is looked at is what would have been prescribed.
    pub prescriptive: StepPolicy,
    /// The version of this document.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "1")))]
    pub rollout_policy_version: String,
}

/// What one mode has to show, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StepPolicy {
    /// Contradictions, in parts per million of what the offered remedy resolved, at most.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1_000_000)))]
    pub max_contradiction_ppm: u64,
    /// Denied facts before which a prior could have been followed, at most.
    pub max_guard_conflicts: u64,
    /// Decisions that the backtest saw, at least.
    pub min_decisions: u64,
    /// Decisions before which a remedy would have been offered, at least.
    pub min_offered: u64,
    /// Offers whose remedy then resolved the failure, and held, in parts per million, at least.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1_000_000)))]
    pub min_precision_ppm: u64,
    /// Answers that were recorded while the mode before was on, at least.
    pub min_recorded: u64,
    /// The same as `min_precision_ppm` among recorded answers.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1_000_000)))]
    pub min_recorded_precision_ppm: u64,
}

impl Default for RolloutPolicy {
    fn default() -> Self {
        Self {
            guided: StepPolicy {
                max_contradiction_ppm: 250_000,
                max_guard_conflicts: 10,
                min_decisions: 100,
                min_offered: 50,
                min_precision_ppm: 200_000,
                min_recorded: 50,
                min_recorded_precision_ppm: 200_000,
            },
            prescriptive: StepPolicy {
                max_contradiction_ppm: 100_000,
                max_guard_conflicts: 0,
                min_decisions: 500,
                min_offered: 100,
                min_precision_ppm: 800_000,
                min_recorded: 200,
                min_recorded_precision_ppm: 800_000,
            },
            rollout_policy_version: "1".to_owned(),
        }
    }
}

const STEP: [(&str, Member); 7] = [
    ("max_contradiction_ppm", Member::Number(0, PPM)),
    ("max_guard_conflicts", Member::Number(0, SAFE_INTEGER)),
    ("min_decisions", Member::Number(0, SAFE_INTEGER)),
    ("min_offered", Member::Number(0, SAFE_INTEGER)),
    ("min_precision_ppm", Member::Number(0, PPM)),
    ("min_recorded", Member::Number(0, SAFE_INTEGER)),
    ("min_recorded_precision_ppm", Member::Number(0, PPM)),
];

impl RolloutPolicy {
    /// Reads a rollout policy. Every member is required, nothing else may stand in it.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] with every problem: the member, what was found and what was expected.
    pub fn parse(document: &[u8]) -> Result<Self, DocumentError> {
        let members = [
            ("guided", Member::Object(&STEP)),
            ("prescriptive", Member::Object(&STEP)),
            ("rollout_policy_version", Member::Version("1")),
        ];
        document::read(document, &members, |_, _| {})
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]
mod tests {
    use dome_core::canonical;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rollout_policy_out_of_range_is_refused_with_every_problem() {
        let mut document = serde_json::to_value(RolloutPolicy::default()).unwrap_or_default();
        document["guided"]["min_precision_ppm"] = json!(PPM + 1);
        document["prescriptive"]["min_recorded"] = json!(-1);
        document["prescriptive"]["min_guests"] = json!(3);
        document["rollout_policy_version"] = json!("2");
        let refused = RolloutPolicy::parse(document.to_string().as_bytes());
        let found: Vec<String> =
            refused.err().iter().flat_map(DocumentError::problems).map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "`/guided/min_precision_ppm`: expected 0 to 1000000, found 1000001",
                "`/prescriptive/min_guests`: there is no such member",
                "`/prescriptive/min_recorded`: expected 0 to 9007199254740991, found -1",
                "`/rollout_policy_version`: expected \"1\", found \"2\"",
            ]
        );
    }

    #[test]
    fn the_rollout_policy_is_declared_in_canonical_order() {
        let mut bytes = Vec::new();
        canonical::append(&RolloutPolicy::default(), &mut bytes);
        assert_eq!(canonical::to_vec(&RolloutPolicy::default()), Ok(bytes));
    }
}
