//! The policy document: every threshold that binding and eligibility use (M-94).

use dome_core::limits::SAFE_INTEGER;
use dome_core::{Sha256Hash, canonical};
use serde::{Deserialize, Serialize};

/// One part in a million.
pub const PPM: u64 = 1_000_000;

/// The thresholds, version 1, in canonical order (M-94). [`Policy::default`] has the defaults.
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
    /// Seconds after a resolution within which a failure contradicts it (M-81).
    pub contradiction_window_s: u64,
    /// How many times the median a duration must reach for `latency_delta` (M-71).
    pub latency_factor: u64,
    /// Milliseconds above the median that it must reach as well (M-71).
    pub latency_min_excess_ms: u64,
    /// Earlier durations that `latency_delta` asks for (M-71).
    pub latency_min_samples: u64,
    /// Latest durations that the median is taken of (M-71).
    pub latency_window: u64,
    /// Contradictions, in parts per million of the outcomes, above which `contradicted` holds.
    pub max_contradiction_ppm: u64,
    /// Seconds after which a capsule is `stale` (M-92) and a concept expired (M-95).
    pub max_staleness_s: u64,
    /// Confidence below which `low_confidence` and `unproven_remedy` hold, in parts per million.
    pub min_confidence_ppm: u64,
    /// Runs below which `low_run_count` holds.
    pub min_run_count: u64,
    /// Support below which `low_support` holds.
    pub min_support: u64,
    /// The version of this document.
    pub policy_version: String,
    /// Attempts from which `retry_storm` fires (M-71).
    pub retry_storm_attempts: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            concept_min_support: 5,
            concept_min_targets: 2,
            contradiction_window_s: 86_400,
            latency_factor: 3,
            latency_min_excess_ms: 1_000,
            latency_min_samples: 5,
            latency_window: 20,
            max_contradiction_ppm: 250_000,
            max_staleness_s: 2_592_000,
            min_confidence_ppm: 500_000,
            min_run_count: 2,
            min_support: 2,
            policy_version: "1".to_owned(),
            retry_storm_attempts: 4,
        }
    }
}

/// Why a document is not a policy (M-94).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is not the document that is expected.
    #[error("not a policy document: {message}")]
    Document {
        /// What the reader said, with line and column.
        message: String,
    },
    /// It has another version.
    #[error("`/policy_version`: expected `1`, found `{found}`")]
    Version {
        /// The version found.
        found: String,
    },
    /// A threshold is out of its range.
    #[error("`/{member}`: expected {least} to {most}, found {found}")]
    Range {
        /// The threshold.
        member: &'static str,
        /// The least value it may have.
        least: u64,
        /// The greatest value it may have.
        most: u64,
        /// The value found.
        found: u64,
    },
}

impl Policy {
    /// Reads a policy document. Every member is required, nothing else may stand in it.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with the member, what was found and what was expected.
    pub fn parse(document: &[u8]) -> Result<Self, PolicyError> {
        let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
        let policy: Self =
            serde_json::from_slice(document).map_err(|error| PolicyError::Document { message: error.to_string() })?;
        if policy.policy_version != "1" {
            return Err(PolicyError::Version { found: policy.policy_version });
        }
        for (member, found, least, most) in policy.ranges() {
            if !(least..=most).contains(&found) {
                return Err(PolicyError::Range { member, least, most, found });
            }
        }
        Ok(policy)
    }

    /// Every threshold with its least and greatest value.
    const fn ranges(&self) -> [(&'static str, u64, u64, u64); 13] {
        [
            ("concept_min_support", self.concept_min_support, 0, SAFE_INTEGER),
            ("concept_min_targets", self.concept_min_targets, 0, SAFE_INTEGER),
            ("contradiction_window_s", self.contradiction_window_s, 0, SAFE_INTEGER),
            ("latency_factor", self.latency_factor, 0, SAFE_INTEGER),
            ("latency_min_excess_ms", self.latency_min_excess_ms, 0, SAFE_INTEGER),
            ("latency_min_samples", self.latency_min_samples, 1, SAFE_INTEGER),
            ("latency_window", self.latency_window, self.latency_min_samples, SAFE_INTEGER),
            ("max_contradiction_ppm", self.max_contradiction_ppm, 0, PPM),
            ("max_staleness_s", self.max_staleness_s, 0, SAFE_INTEGER),
            ("min_confidence_ppm", self.min_confidence_ppm, 0, PPM),
            ("min_run_count", self.min_run_count, 0, SAFE_INTEGER),
            ("min_support", self.min_support, 0, SAFE_INTEGER),
            ("retry_storm_attempts", self.retry_storm_attempts, 0, SAFE_INTEGER),
        ]
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
mod tests {
    use super::*;

    fn with(member: &str, value: impl Into<serde_json::Value>) -> Result<Policy, PolicyError> {
        let mut document = serde_json::to_value(Policy::default()).unwrap_or_default();
        if let Some(members) = document.as_object_mut() {
            members.insert(member.to_owned(), value.into());
        }
        Policy::parse(document.to_string().as_bytes())
    }

    #[test]
    fn m94_thresholds_out_of_range_are_refused() {
        for (member, found) in [
            ("min_confidence_ppm", PPM + 1),
            ("max_contradiction_ppm", PPM + 1),
            ("latency_min_samples", 0),
            ("latency_window", 4),
            ("min_support", SAFE_INTEGER + 1),
        ] {
            assert!(
                matches!(with(member, found), Err(PolicyError::Range { member: m, .. }) if m == member),
                "{member}"
            );
        }
        assert_eq!(with("latency_window", 5_u64).map(|policy| policy.latency_window), Ok(5));
        assert_eq!(with("min_support", 0_u64).map(|policy| policy.min_support), Ok(0));
    }

    #[test]
    fn m94_anything_else_or_missing_is_an_error() {
        assert!(matches!(with("min_suport", 1_u64), Err(PolicyError::Document { .. })));
        assert!(matches!(with("min_support", -1), Err(PolicyError::Document { .. })));
        assert!(matches!(with("min_support", 1.5), Err(PolicyError::Document { .. })));
        assert_eq!(with("policy_version", "2"), Err(PolicyError::Version { found: "2".to_owned() }));
        assert!(matches!(Policy::parse(b"{\"policy_version\":\"1\"}"), Err(PolicyError::Document { .. })));
    }

    #[test]
    fn m94_the_policy_is_declared_in_canonical_order() {
        let mut bytes = Vec::new();
        canonical::append(&Policy::default(), &mut bytes);
        assert_eq!(canonical::to_vec(&Policy::default()), Ok(bytes));
    }
}
