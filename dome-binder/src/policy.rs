//! The policy document: every threshold that binding and eligibility use (M-94).

use dome_core::limits::SAFE_INTEGER;
use dome_core::{Sha256Hash, canonical};
use serde::{Deserialize, Serialize};

use crate::document::{self, DocumentError, DocumentMember, DocumentProblem};

/// One part in a million.
pub const PPM: u64 = 1_000_000;

/// A part in parts per million of a whole, rounded down; `None` where there is no whole.
pub(crate) fn ppm(part: u64, whole: u64) -> Option<u64> {
    let ppm = (u128::from(part) * u128::from(PPM)).checked_div(u128::from(whole))?;
    u64::try_from(ppm).ok()
}

/// The thresholds, version 2, in canonical order (M-94). [`Policy::default`] has the defaults.
///
/// ```
/// use dome_binder::Policy;
/// let document = serde_json::to_vec(&Policy::default()).unwrap();
/// assert_eq!(Policy::parse(&document), Ok(Policy::default()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Policy {
    /// Support from which a concept is listed (M-95).
    pub concept_min_support: u64,
    /// Distinct targets from which a concept is listed (M-95).
    pub concept_min_targets: u64,
    /// How many times the median a duration must reach for `latency_delta` (M-71).
    pub latency_factor: u64,
    /// Milliseconds above the median that it must reach as well (M-71).
    pub latency_min_excess_ms: u64,
    /// Earlier durations that `latency_delta` asks for (M-71).
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 9_007_199_254_740_991_u64)))]
    pub latency_min_samples: u64,
    /// Latest durations that the median is taken of (M-71).
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 9_007_199_254_740_991_u64)))]
    pub latency_window: u64,
    /// Contradictions, in parts per million of the outcomes, above which `contradicted` holds.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1_000_000)))]
    pub max_contradiction_ppm: u64,
    /// Seconds after which a capsule or a concept is `stale` (M-92).
    pub max_staleness_s: u64,
    /// Confidence below which `low_confidence` holds, and from which `dead_end` does, in parts per million.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1_000_000)))]
    pub min_confidence_ppm: u64,
    /// Runs below which `low_run_count` holds.
    pub min_run_count: u64,
    /// Support below which `low_support` holds.
    pub min_support: u64,
    /// The version of this document.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "2")))]
    pub policy_version: String,
    /// Clean runs that prove a failure gone at the most (M-77).
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1_000_000)))]
    pub proof_max: u64,
    /// Attempts from which `retry_storm` fires (M-71).
    pub retry_storm_attempts: u64,
    /// Seconds after which an earlier fact is not looked up any more (M-76).
    pub subject_window_s: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            concept_min_support: 5,
            concept_min_targets: 2,
            latency_factor: 3,
            latency_min_excess_ms: 1_000,
            latency_min_samples: 5,
            latency_window: 20,
            max_contradiction_ppm: 250_000,
            max_staleness_s: 2_592_000,
            min_confidence_ppm: 500_000,
            min_run_count: 2,
            min_support: 2,
            policy_version: "2".to_owned(),
            proof_max: 300,
            retry_storm_attempts: 4,
            subject_window_s: 2_592_000,
        }
    }
}

const MEMBERS: [(&str, DocumentMember); 15] = [
    ("concept_min_support", DocumentMember::Number(0, SAFE_INTEGER)),
    ("concept_min_targets", DocumentMember::Number(0, SAFE_INTEGER)),
    ("latency_factor", DocumentMember::Number(0, SAFE_INTEGER)),
    ("latency_min_excess_ms", DocumentMember::Number(0, SAFE_INTEGER)),
    ("latency_min_samples", DocumentMember::Number(1, SAFE_INTEGER)),
    ("latency_window", DocumentMember::Number(1, SAFE_INTEGER)),
    ("max_contradiction_ppm", DocumentMember::Number(0, PPM)),
    ("max_staleness_s", DocumentMember::Number(0, SAFE_INTEGER)),
    ("min_confidence_ppm", DocumentMember::Number(0, PPM)),
    ("min_run_count", DocumentMember::Number(0, SAFE_INTEGER)),
    ("min_support", DocumentMember::Number(0, SAFE_INTEGER)),
    ("policy_version", DocumentMember::Version("2")),
    ("proof_max", DocumentMember::Number(1, PPM)),
    ("retry_storm_attempts", DocumentMember::Number(0, SAFE_INTEGER)),
    ("subject_window_s", DocumentMember::Number(0, SAFE_INTEGER)),
];

impl Policy {
    /// Reads a policy document. Every member is required, and no other is allowed.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] with every problem: the member, what was found and what was expected.
    pub fn parse(document: &[u8]) -> Result<Self, DocumentError> {
        let policy: Self = document::read(document, &MEMBERS)?;
        let (window, samples) = (policy.latency_window, policy.latency_min_samples);
        if window < samples {
            return Err(DocumentProblem::range("/latency_window", samples, SAFE_INTEGER, window).into());
        }
        Ok(policy)
    }

    /// SHA-256 of the canonical bytes.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        let mut bytes = Vec::new();
        canonical::append(self, &mut bytes);
        Sha256Hash::of(&bytes)
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn with(members: &[(&str, Value)]) -> Vec<String> {
        let mut document = serde_json::to_value(Policy::default()).unwrap_or_default();
        for (member, value) in members {
            document[*member] = value.clone();
        }
        let read = Policy::parse(document.to_string().as_bytes());
        read.err().iter().flat_map(DocumentError::problems).map(ToString::to_string).collect()
    }

    #[test]
    fn m94_thresholds_out_of_range_are_refused() {
        for (member, value, found) in [
            ("min_confidence_ppm", json!(PPM + 1), "`/min_confidence_ppm`: expected 0 to 1000000, found 1000001"),
            ("max_contradiction_ppm", json!(PPM + 1), "`/max_contradiction_ppm`: expected 0 to 1000000, found 1000001"),
            ("latency_min_samples", json!(0), "`/latency_min_samples`: expected 1 to 9007199254740991, found 0"),
            ("latency_window", json!(4), "`/latency_window`: expected 5 to 9007199254740991, found 4"),
            (
                "min_support",
                json!(SAFE_INTEGER + 1),
                "`/min_support`: expected 0 to 9007199254740991, found 9007199254740992",
            ),
            ("min_support", json!(-1), "`/min_support`: expected 0 to 9007199254740991, found -1"),
        ] {
            assert_eq!(with(&[(member, value)]), [found]);
        }
        assert!(with(&[("latency_window", json!(5)), ("min_support", json!(0))]).is_empty());
    }

    #[test]
    fn m94_anything_else_or_missing_is_an_error() {
        assert_eq!(with(&[("min_suport", json!(1))]), ["`/min_suport`: there is no such member"]);
        assert_eq!(with(&[("min_support", json!(1.0))]), ["`/min_support`: expected an integer, found `1.0`"]);
        assert_eq!(with(&[("min_support", json!("2"))]), ["`/min_support`: expected an integer, found \"2\""]);
        assert_eq!(with(&[("policy_version", json!("1"))]), ["`/policy_version`: expected \"2\", found \"1\""]);
        let problems = |document: &[u8]| Policy::parse(document).err().map_or(0, |why| why.problems().len());
        assert_eq!(problems(b"{\"policy_version\":\"2\"}"), 14, "every member that is missing");
        assert_eq!(problems(b"[]"), 1);
        assert_eq!(problems(b"{"), 1);
        let twice = serde_json::to_string(&Policy::default()).unwrap_or_default();
        let twice = twice.replacen('{', "{\"min_support\":3,", 1);
        assert_eq!(problems(twice.as_bytes()), 1, "a member that stands twice");
    }

    #[test]
    fn m94_every_problem_is_named_at_once() {
        let found = with(&[
            ("min_confidence_ppm", json!(2_000_000)),
            ("min_suport", json!(1)),
            ("latency_factor", json!(null)),
            ("policy_version", json!(1)),
        ]);
        assert_eq!(
            found,
            [
                "`/min_suport`: there is no such member",
                "`/latency_factor`: expected an integer, found `null`",
                "`/min_confidence_ppm`: expected 0 to 1000000, found 2000000",
                "`/policy_version`: expected \"2\", found `1`",
            ]
        );
    }

    #[test]
    fn m94_the_policy_is_declared_in_canonical_order() {
        let mut bytes = Vec::new();
        canonical::append(&Policy::default(), &mut bytes);
        assert_eq!(canonical::to_vec(&Policy::default()), Ok(bytes));
    }
}
