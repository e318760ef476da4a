//! Eligibility: what holds a capsule back from being more than advice (M-92, M-93).

use dome_core::{CodeClass, Timestamp, choice};
use serde::Serialize;

use crate::policy::{Policy, ppm};

choice! {
    /// What holds a capsule back, in the order in which it is reported (M-92).
    #[non_exhaustive]
    Hold {
        /// `support_count` < `min_support`.
        LowSupport = "low_support",
        /// `run_count` < `min_run_count`.
        LowRunCount = "low_run_count",
        /// `resolved_count` = 0.
        NoResolution = "no_resolution",
        /// There is something to read, nothing to do.
        NoRemedy = "no_remedy",
        /// The first remedy's confidence < `min_confidence_ppm`.
        UnprovenRemedy = "unproven_remedy",
        /// The capsule's confidence < `min_confidence_ppm`.
        LowConfidence = "low_confidence",
        /// Too many contradictions and refutations.
        Contradicted = "contradicted",
        /// Not seen for more than `max_staleness_s`.
        Stale = "stale",
        /// The code's class is `stop`; blocking.
        StopClass = "stop_class",
        /// No table has the code; blocking.
        UnknownReasonCode = "unknown_reason_code",
        /// A guard is at *no* (M-96), or one denies the query for a known cause (M-100); blocking.
        GuardDenied = "guard_denied",
        /// Guards deny the query by the unknowns policy (M-100); blocking, in queries only.
        GuardUnknown = "guard_unknown",
        /// The capsule's tool has no current conformance report; blocking, in queries only.
        ToolNotConformant = "tool_not_conformant",
        /// The query runs other versions than the capsule was seen with; blocking, in queries only.
        VersionIncompatible = "version_incompatible",
    }
    /// What a capsule may be used as (M-92), the best last.
    Verdict {
        /// Not at all.
        Blocked = "blocked",
        /// Advice.
        Advisory = "advisory",
        /// It may steer.
        Prescriptive = "prescriptive",
    }
}

impl Hold {
    /// Whether it blocks, rather than only keeping a capsule advisory.
    #[must_use]
    pub const fn blocks(self) -> bool {
        // The blocking ones come last.
        self as u8 >= Self::StopClass as u8
    }
}

impl Verdict {
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

/// The figures that eligibility looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Minting facts.
    pub support_count: u64,
    /// Distinct runs of minting facts.
    pub run_count: u64,
    /// Resolutions.
    pub resolved_count: u64,
    /// Remedies that are shown.
    pub remedy_count: u64,
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

/// A number, a word or a truth that a hold looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Figure"))]
#[serde(untagged)]
pub enum HoldFigure {
    /// A count, parts per million, or seconds.
    Number(u64),
    /// A class.
    Word(&'static str),
    /// Whether something is so.
    Flag(bool),
}

/// One hold: what it looks at, and whether that holds the capsule back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Threshold {
    /// Whether it blocks, rather than only keeping the capsule advisory.
    pub blocks: bool,
    /// How `found` and `limit` are compared: it holds when `found comparison limit`.
    pub comparison: &'static str,
    /// What is looked at.
    pub figure: &'static str,
    /// What was found; absent where there is nothing to look at, and then it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<HoldFigure>,
    /// Its name.
    pub hold: Hold,
    /// Whether it holds.
    pub holds: bool,
    /// What `found` is compared with.
    pub limit: HoldFigure,
    /// The threshold of the policy that `limit` is, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<&'static str>,
}

impl Threshold {
    fn bound(
        (hold, figure): (Hold, &'static str),
        found: Option<u64>,
        comparison: &'static str,
        (policy, limit): (&'static str, u64),
    ) -> Self {
        let holds = found.is_some_and(|found| if comparison == "<" { found < limit } else { found > limit });
        let (found, limit) = (found.map(HoldFigure::Number), HoldFigure::Number(limit));
        Self { blocks: hold.blocks(), comparison, figure, found, hold, holds, limit, policy: Some(policy) }
    }

    fn equal((hold, figure): (Hold, &'static str), found: Option<HoldFigure>, limit: HoldFigure) -> Self {
        let holds = found.as_ref() == Some(&limit);
        Self { blocks: hold.blocks(), comparison: "=", figure, found, hold, holds, limit, policy: None }
    }
}

/// Every hold of M-92 that a capsule alone decides, in order, with its numbers. Staleness is measured at `as_of`.
#[must_use]
pub fn thresholds(figures: &Figures, policy: &Policy, as_of: Option<Timestamp>) -> [Threshold; 11] {
    use HoldFigure::{Flag, Number, Word};
    let (bound, equal) = (Threshold::bound, Threshold::equal);
    let confident = ("min_confidence_ppm", policy.min_confidence_ppm);
    let contradicted = ppm(figures.failures, figures.successes.saturating_add(figures.failures));
    let contradictions = ("max_contradiction_ppm", policy.max_contradiction_ppm);
    let unseen = as_of.map(|as_of| unseen_s(figures.last_seen_ts, as_of));
    let (class, stop) = (figures.class.map(|class| Word(class.as_str())), Word(CodeClass::Stop.as_str()));
    [
        bound(
            (Hold::LowSupport, "support_count"),
            Some(figures.support_count),
            "<",
            ("min_support", policy.min_support),
        ),
        bound((Hold::LowRunCount, "run_count"), Some(figures.run_count), "<", ("min_run_count", policy.min_run_count)),
        equal((Hold::NoResolution, "resolved_count"), Some(Number(figures.resolved_count)), Number(0)),
        equal((Hold::NoRemedy, "remedies"), Some(Number(figures.remedy_count)), Number(0)),
        bound((Hold::UnprovenRemedy, "remedy_confidence_ppm"), figures.remedy_confidence_ppm, "<", confident),
        bound((Hold::LowConfidence, "confidence_ppm"), Some(figures.confidence_ppm), "<", confident),
        bound((Hold::Contradicted, "contradiction_ppm"), contradicted, ">", contradictions),
        bound((Hold::Stale, "unseen_s"), unseen, ">", ("max_staleness_s", policy.max_staleness_s)),
        equal((Hold::StopClass, "class"), class, stop),
        equal((Hold::UnknownReasonCode, "reason_code_known"), Some(Flag(figures.reason_code_known)), Flag(false)),
        equal((Hold::GuardDenied, "guard_denied"), Some(Flag(figures.guard_denied)), Flag(true)),
    ]
}

/// What holds a capsule back, in order (M-92).
#[must_use]
pub fn holds(figures: &Figures, policy: &Policy, as_of: Option<Timestamp>) -> Vec<Hold> {
    let thresholds = thresholds(figures, policy, as_of).into_iter();
    thresholds.filter_map(|threshold| threshold.holds.then_some(threshold.hold)).collect()
}

/// In whole seconds, rounded up, so that a nanosecond over a threshold is seen to be over it.
pub(crate) fn unseen_s(last_seen: Timestamp, as_of: Timestamp) -> u64 {
    let ((from, from_ns), (to, to_ns)) = (last_seen.to_unix(), as_of.to_unix());
    (to - from + i64::from(to_ns > from_ns)).max(0).cast_unsigned()
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
            remedy_count: 1,
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
            (Figures { remedy_count: 0, remedy_confidence_ppm: None, ..sound }, Hold::NoRemedy),
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
