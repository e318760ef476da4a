//! Eligibility: what holds a capsule back from being more than advice (M-92, M-93).

use dome_core::{CodeClass, Timestamp, choice};
use serde::Serialize;

use crate::policy::{Policy, ppm};
use crate::remedy::{RemedyRecord, rerun_identity};

choice! {
    /// What holds a capsule back, in the order in which it is reported (M-92).
    #[non_exhaustive]
    Hold {
        /// `support_count` < `min_support`.
        LowSupport = "low_support",
        /// `run_count` < `min_run_count`.
        LowRunCount = "low_run_count",
        /// There is something to read, nothing to do.
        NoRemedy = "no_remedy",
        /// Work on it is mostly given up: `unresolved_ppm` >= `min_confidence_ppm`.
        DeadEnd = "dead_end",
        /// The first remedy's confidence < `min_confidence_ppm`.
        LowConfidence = "low_confidence",
        /// The first remedy failed too often, or the failure too often ended otherwise.
        Contradicted = "contradicted",
        /// The first remedy of a concept is durable: what was mended on one target is not mended on another.
        DurableElsewhere = "durable_elsewhere",
        /// It was applied too often in vain.
        Refuted = "refuted",
        /// The first remedy is a rerun of what is broken.
        RerunOfBroken = "rerun_of_broken",
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
        /// The first remedy runs a tool that no current conformance report vouches for; blocking, in queries only.
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

/// What eligibility looks at of the first remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstRemedy {
    /// Its confidence, which is that of the capsule or concept.
    pub confidence_ppm: u64,
    /// Runs that it worked in.
    pub count: u64,
    /// Runs that it failed in, or in which the failure ended otherwise.
    pub contradicted_count: u64,
    /// Whether it promises nothing for the next task (M-78).
    pub momentary: bool,
    /// Whether it only comes again to what failed (M-83).
    pub is_rerun: bool,
}

impl FirstRemedy {
    pub(crate) fn of(record: &RemedyRecord) -> Self {
        Self {
            confidence_ppm: record.confidence_ppm,
            count: record.count,
            contradicted_count: record.contradicted_count,
            momentary: record.momentary,
            is_rerun: record.identity == rerun_identity(),
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
    /// The first remedy; `None` where there is none.
    pub remedy: Option<FirstRemedy>,
    /// How sure it is that work on it is given up; `None` of a concept (M-85).
    pub unresolved_ppm: Option<u64>,
    /// Applications that helped (M-84).
    pub confirmed_count: u64,
    /// Applications that did not.
    pub refuted_count: u64,
    /// Whether the state is `broken` (M-85).
    pub broken: bool,
    /// Whether it is a concept: what is known of other targets (M-95).
    pub elsewhere: bool,
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
        let holds = found.is_some_and(|found| match comparison {
            "<" => found < limit,
            ">=" => found >= limit,
            _ => found > limit,
        });
        let (found, limit) = (found.map(HoldFigure::Number), HoldFigure::Number(limit));
        Self { blocks: hold.blocks(), comparison, figure, found, hold, holds, limit, policy: Some(policy) }
    }

    fn equal((hold, figure): (Hold, &'static str), found: Option<HoldFigure>, limit: HoldFigure) -> Self {
        let holds = found.as_ref() == Some(&limit);
        Self { blocks: hold.blocks(), comparison: "=", figure, found, hold, holds, limit, policy: None }
    }
}

/// Every hold of M-92 that a capsule or a concept alone decides, in order, with its numbers. Staleness is measured at
/// `as_of`.
#[must_use]
pub fn thresholds(figures: &Figures, policy: &Policy, as_of: Option<Timestamp>) -> [Threshold; 13] {
    use HoldFigure::{Flag, Number, Word};
    let (bound, equal) = (Threshold::bound, Threshold::equal);
    let confident = ("min_confidence_ppm", policy.min_confidence_ppm);
    let most = ("max_contradiction_ppm", policy.max_contradiction_ppm);
    let remedy = figures.remedy;
    let share = |a: u64, f: u64| ppm(a, f.saturating_add(a));
    let contradicted = remedy.and_then(|remedy| share(remedy.contradicted_count, remedy.count));
    let refuted = share(figures.refuted_count, figures.confirmed_count);
    let unseen = as_of.map(|as_of| unseen_s(figures.last_seen_ts, as_of));
    let durable = remedy.filter(|_| figures.elsewhere).map(|remedy| Flag(!remedy.momentary));
    let rerun = remedy.filter(|_| !figures.elsewhere).map(|remedy| Flag(remedy.is_rerun && figures.broken));
    let (class, stop) = (figures.class.map(|class| Word(class.as_str())), Word(CodeClass::Stop.as_str()));
    let (support, runs) = (Some(figures.support_count), Some(figures.run_count));
    [
        bound((Hold::LowSupport, "support_count"), support, "<", ("min_support", policy.min_support)),
        bound((Hold::LowRunCount, "run_count"), runs, "<", ("min_run_count", policy.min_run_count)),
        equal((Hold::NoRemedy, "remedies"), Some(Number(u64::from(remedy.is_some()))), Number(0)),
        bound((Hold::DeadEnd, "unresolved_ppm"), figures.unresolved_ppm, ">=", confident),
        bound((Hold::LowConfidence, "confidence_ppm"), remedy.map(|remedy| remedy.confidence_ppm), "<", confident),
        bound((Hold::Contradicted, "contradiction_ppm"), contradicted, ">", most),
        equal((Hold::DurableElsewhere, "durable_elsewhere"), durable, Flag(true)),
        bound((Hold::Refuted, "refuted_ppm"), refuted, ">", most),
        equal((Hold::RerunOfBroken, "rerun_of_broken"), rerun, Flag(true)),
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
        let confidence_ppm = confidence_ppm(f, a);
        Figures {
            support_count: 9,
            run_count: 9,
            remedy: Some(FirstRemedy {
                confidence_ppm,
                count: f,
                contradicted_count: a,
                momentary: true,
                is_rerun: true,
            }),
            unresolved_ppm: Some(0),
            confirmed_count: f,
            refuted_count: a,
            broken: false,
            elsewhere: false,
            last_seen_ts: time(0),
            class: Some(CodeClass::Repairable),
            reason_code_known: true,
            guard_denied: false,
        }
    }

    fn with(sound: Figures, change: impl FnOnce(&mut FirstRemedy)) -> Figures {
        let mut remedy = sound.remedy;
        if let Some(remedy) = &mut remedy {
            change(remedy);
        }
        Figures { remedy, ..sound }
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
        let elsewhere = Figures { elsewhere: true, unresolved_ppm: None, ..sound };
        assert_eq!(only(elsewhere, 0), [], "a concept of what is momentary may steer");
        for (changed, hold) in [
            (Figures { support_count: 1, ..sound }, Hold::LowSupport),
            (Figures { run_count: 1, ..sound }, Hold::LowRunCount),
            (Figures { remedy: None, ..sound }, Hold::NoRemedy),
            (Figures { unresolved_ppm: Some(500_000), ..sound }, Hold::DeadEnd),
            (with(sound, |remedy| remedy.confidence_ppm = 499_999), Hold::LowConfidence),
            (with(sound, |remedy| (remedy.count, remedy.contradicted_count) = (74, 26)), Hold::Contradicted),
            (with(elsewhere, |remedy| remedy.momentary = false), Hold::DurableElsewhere),
            (Figures { confirmed_count: 74, refuted_count: 26, ..sound }, Hold::Refuted),
            (Figures { broken: true, ..sound }, Hold::RerunOfBroken),
            (Figures { class: Some(CodeClass::Stop), ..sound }, Hold::StopClass),
            (Figures { reason_code_known: false, ..sound }, Hold::UnknownReasonCode),
            (Figures { guard_denied: true, ..sound }, Hold::GuardDenied),
        ] {
            assert_eq!(only(changed, 0), [hold]);
        }
        assert_eq!(only(sound, 2_592_001), [Hold::Stale]);
        assert_eq!(only(with(Figures { broken: true, ..sound }, |remedy| remedy.is_rerun = false), 0), []);
    }

    #[test]
    fn m92_thresholds_are_met_by_equality() {
        let edge = Figures {
            support_count: 2,
            run_count: 2,
            unresolved_ppm: Some(499_999),
            confirmed_count: 75,
            refuted_count: 25,
            ..with(figures(75, 25), |remedy| remedy.confidence_ppm = 500_000)
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
