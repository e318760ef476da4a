//! Eligibility: what holds a capsule back from being more than advice (M-92, M-93).

use dome_core::{CodeClass, Timestamp};
use serde::Serialize;

use crate::policy::{PPM, Policy};

/// What holds a capsule back, in the order in which it is reported (M-92).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Hold {
    /// `support_count` < `min_support`.
    LowSupport,
    /// `run_count` < `min_run_count`.
    LowRunCount,
    /// `resolved_count` = 0.
    NoResolution,
    /// There is something to read, nothing to do.
    NoRemedy,
    /// The first remedy's confidence < `min_confidence_ppm`.
    UnprovenRemedy,
    /// The capsule's confidence < `min_confidence_ppm`.
    LowConfidence,
    /// Too many contradictions and refutations.
    Contradicted,
    /// Not seen for more than `max_staleness_s`.
    Stale,
    /// The code's class is `stop`; blocking.
    StopClass,
    /// No table has the code; blocking.
    UnknownReasonCode,
    /// A guard is at *no* (M-96), or one denies the query for a known cause (M-100); blocking.
    GuardDenied,
    /// Guards deny the query by the unknowns policy (M-100); blocking, in queries only.
    GuardUnknown,
    /// The capsule's tool has no current conformance report; blocking, in queries only.
    ToolNotConformant,
    /// The query runs other versions than the capsule was seen with; blocking, in queries only.
    VersionIncompatible,
}

impl Hold {
    /// The name, as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LowSupport => "low_support",
            Self::LowRunCount => "low_run_count",
            Self::NoResolution => "no_resolution",
            Self::NoRemedy => "no_remedy",
            Self::UnprovenRemedy => "unproven_remedy",
            Self::LowConfidence => "low_confidence",
            Self::Contradicted => "contradicted",
            Self::Stale => "stale",
            Self::StopClass => "stop_class",
            Self::UnknownReasonCode => "unknown_reason_code",
            Self::GuardDenied => "guard_denied",
            Self::GuardUnknown => "guard_unknown",
            Self::ToolNotConformant => "tool_not_conformant",
            Self::VersionIncompatible => "version_incompatible",
        }
    }

    /// Whether it blocks, rather than only keeping a capsule advisory.
    #[must_use]
    pub const fn blocks(self) -> bool {
        matches!(
            self,
            Self::StopClass
                | Self::UnknownReasonCode
                | Self::GuardDenied
                | Self::GuardUnknown
                | Self::ToolNotConformant
                | Self::VersionIncompatible
        )
    }
}

/// What a capsule may be used as (M-92), the best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not at all.
    Blocked,
    /// Advice.
    Advisory,
    /// It may steer.
    Prescriptive,
}

impl Verdict {
    /// The word for it, as documents have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Advisory => "advisory",
            Self::Prescriptive => "prescriptive",
        }
    }

    /// The verdict that these holds leave.
    #[must_use]
    pub fn of(holds: &[Hold]) -> Self {
        if holds.is_empty() {
            Self::Prescriptive
        } else if holds.iter().any(|hold| hold.blocks()) {
            Self::Blocked
        } else {
            Self::Advisory
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// The figures that eligibility looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Minting facts.
    pub support_count: u64,
    /// Distinct runs of minting facts.
    pub run_count: u64,
    /// Resolutions.
    pub resolved_count: u64,
    /// The first remedy's confidence; `None` where there is no remedy.
    pub remedy_confidence_ppm: Option<u64>,
    /// The capsule's confidence.
    pub confidence_ppm: u64,
    /// `resolved_count` + `confirmed_count` (M-91).
    pub successes: u64,
    /// `contradiction_count` + `refuted_count` (M-91).
    pub failures: u64,
    /// The last minting fact's ordered time.
    pub last_seen_ts: Timestamp,
    /// The code's class, if a table has it.
    pub class: Option<CodeClass>,
    /// Whether a table has the code, or it is a `NONE` that says nothing failed.
    pub reason_code_known: bool,
    /// M-96.
    pub guard_denied: bool,
}

/// What holds a capsule back, in order (M-92).
#[must_use]
pub fn holds(figures: &Figures, policy: &Policy, as_of: Option<Timestamp>) -> Vec<Hold> {
    let low = |confidence: u64| confidence < policy.min_confidence_ppm;
    let stale = as_of.is_some_and(|as_of| as_of.is_later_by_more_than(figures.last_seen_ts, policy.max_staleness_s));
    [
        (figures.support_count < policy.min_support, Hold::LowSupport),
        (figures.run_count < policy.min_run_count, Hold::LowRunCount),
        (figures.resolved_count == 0, Hold::NoResolution),
        (figures.remedy_confidence_ppm.is_none(), Hold::NoRemedy),
        (figures.remedy_confidence_ppm.is_some_and(low), Hold::UnprovenRemedy),
        (low(figures.confidence_ppm), Hold::LowConfidence),
        (contradicted(figures.successes, figures.failures, policy), Hold::Contradicted),
        (stale, Hold::Stale),
        (figures.class == Some(CodeClass::Stop), Hold::StopClass),
        (!figures.reason_code_known, Hold::UnknownReasonCode),
        (figures.guard_denied, Hold::GuardDenied),
    ]
    .into_iter()
    .filter_map(|(holds, hold)| holds.then_some(hold))
    .collect()
}

fn contradicted(successes: u64, failures: u64, policy: &Policy) -> bool {
    contradiction_ppm(successes, failures).is_some_and(|ppm| ppm > policy.max_contradiction_ppm)
}

/// The failures among the outcomes, in parts per million, rounded down (M-92); `None` without any.
pub(crate) fn contradiction_ppm(successes: u64, failures: u64) -> Option<u64> {
    let (f, a) = (u128::from(successes), u128::from(failures));
    let ppm = (a * u128::from(PPM)).checked_div(f + a)?;
    Some(u64::try_from(ppm).unwrap_or(PPM))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::confidence::confidence_ppm;

    fn figures(f: u64, a: u64) -> Figures {
        Figures {
            support_count: 9,
            run_count: 9,
            resolved_count: f,
            remedy_confidence_ppm: Some(900_000),
            confidence_ppm: confidence_ppm(f, a),
            successes: f,
            failures: a,
            last_seen_ts: time(0),
            class: Some(CodeClass::Repairable),
            reason_code_known: true,
            guard_denied: false,
        }
    }

    fn time(seconds: i64) -> Timestamp {
        let Ok(time) = Timestamp::from_unix(seconds, 0) else { unreachable!("within the years") };
        time
    }

    fn only(figures: Figures, as_of: i64) -> Vec<Hold> {
        holds(&figures, &Policy::default(), Some(time(as_of)))
    }

    #[test]
    fn m92_each_hold_by_itself() {
        let sound = figures(10, 0);
        assert_eq!(only(sound, 0), []);
        for (changed, hold) in [
            (Figures { support_count: 1, ..sound }, Hold::LowSupport),
            (Figures { run_count: 1, ..sound }, Hold::LowRunCount),
            (Figures { resolved_count: 0, ..sound }, Hold::NoResolution),
            (Figures { remedy_confidence_ppm: None, ..sound }, Hold::NoRemedy),
            (Figures { remedy_confidence_ppm: Some(499_999), ..sound }, Hold::UnprovenRemedy),
            (Figures { confidence_ppm: 499_999, ..sound }, Hold::LowConfidence),
            (Figures { successes: 74, failures: 26, ..sound }, Hold::Contradicted),
            (Figures { class: Some(CodeClass::Stop), ..sound }, Hold::StopClass),
            (Figures { reason_code_known: false, ..sound }, Hold::UnknownReasonCode),
            (Figures { guard_denied: true, ..sound }, Hold::GuardDenied),
        ] {
            assert_eq!(only(changed, 0), [hold]);
        }
        assert_eq!(only(sound, 2_592_001), [Hold::Stale]);
    }

    #[test]
    fn m92_thresholds_are_met_by_equality() {
        let sound = figures(10, 0);
        let edge = Figures {
            support_count: 2,
            run_count: 2,
            resolved_count: 1,
            remedy_confidence_ppm: Some(500_000),
            confidence_ppm: 500_000,
            successes: 75,
            failures: 25,
            ..sound
        };
        assert_eq!(only(edge, 2_592_000), []);
    }

    #[test]
    fn m92_a_blocking_hold_blocks_whatever_else_holds() {
        assert_eq!(Verdict::of(&[]), Verdict::Prescriptive);
        assert_eq!(Verdict::of(&[Hold::Stale, Hold::NoRemedy]), Verdict::Advisory);
        assert_eq!(Verdict::of(&[Hold::Stale, Hold::GuardDenied]), Verdict::Blocked);
    }

    proptest! {
        #[test]
        fn m93_more_failures_or_a_later_as_of_never_give_a_better_verdict(
            f in 0_u64..200, a in 0_u64..200, more in 0_u64..50, at in 0_i64..9_000_000, later in 0_i64..9_000_000,
        ) {
            let before = Verdict::of(&only(figures(f, a), at));
            let after = Verdict::of(&only(figures(f, a + more), at + later));
            prop_assert!(after <= before);
        }
    }
}
