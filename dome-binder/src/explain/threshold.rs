//! Eligibility, threshold by threshold (M-92).

use dome_core::{CodeClass, Timestamp};
use serde::Serialize;

use crate::capsule::Capsule;
use crate::eligibility::{Hold, contradiction_ppm, holds};
use crate::policy::Policy;

/// A number, a word or a truth that a hold looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Figure {
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
    pub found: Option<Figure>,
    /// Its name.
    pub hold: Hold,
    /// Whether it holds.
    pub holds: bool,
    /// What `found` is compared with.
    pub limit: Figure,
    /// The threshold of the policy that `limit` is, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<&'static str>,
}

impl Threshold {
    /// Whether `found comparison limit`: the same as `holds`, from the numbers shown alone.
    #[must_use]
    pub fn recomputed(&self) -> bool {
        match (&self.found, &self.limit, self.comparison) {
            (Some(Figure::Number(found)), Figure::Number(limit), "<") => found < limit,
            (Some(Figure::Number(found)), Figure::Number(limit), ">") => found > limit,
            (Some(found), limit, _) => found == limit,
            (None, ..) => false,
        }
    }
}

/// Every hold of M-92 that a capsule alone decides, in order, with its numbers.
#[must_use]
pub fn thresholds(capsule: &Capsule, policy: &Policy, as_of: Option<Timestamp>) -> Vec<Threshold> {
    use Figure::{Flag, Number, Word};
    let best = capsule.remedies.first().map(|remedy| Number(remedy.confidence_ppm));
    let figures = capsule.figures();
    let contradicted = contradiction_ppm(figures.successes, figures.failures).map(Number);
    let unseen = as_of.map(|as_of| Number(unseen_s(capsule.last_seen_ts, as_of)));
    let least = |hold, figure, found, (name, limit)| Sum { hold, figure, found, comparison: "<", limit, name };
    let most = |hold, figure, found, (name, limit)| Sum { hold, figure, found, comparison: ">", limit, name };
    let is = |hold, figure, found, limit| Sum { hold, figure, found, comparison: "=", limit, name: None };
    let count = |count: u64| Some(Number(count));
    let named = |name, limit| (Some(name), Number(limit));
    let confident = || named("min_confidence_ppm", policy.min_confidence_ppm);
    let held = holds(&figures, policy, as_of);
    let known = Some(Flag(capsule.reason_code_known));
    [
        least(
            Hold::LowSupport,
            "support_count",
            count(capsule.support_count),
            named("min_support", policy.min_support),
        ),
        least(Hold::LowRunCount, "run_count", count(capsule.run_count), named("min_run_count", policy.min_run_count)),
        is(Hold::NoResolution, "resolved_count", count(capsule.resolved_count), Number(0)),
        is(Hold::NoRemedy, "remedies", count(capsule.remedies.len() as u64), Number(0)),
        least(Hold::UnprovenRemedy, "remedy_confidence_ppm", best, confident()),
        least(Hold::LowConfidence, "confidence_ppm", count(capsule.confidence_ppm), confident()),
        most(
            Hold::Contradicted,
            "contradiction_ppm",
            contradicted,
            named("max_contradiction_ppm", policy.max_contradiction_ppm),
        ),
        most(Hold::Stale, "unseen_s", unseen, named("max_staleness_s", policy.max_staleness_s)),
        is(Hold::StopClass, "class", capsule.class.map(|class| Word(class.as_str())), Word(CodeClass::Stop.as_str())),
        is(Hold::UnknownReasonCode, "reason_code_known", known, Flag(false)),
        is(Hold::GuardDenied, "guard_denied", Some(Flag(figures.guard_denied)), Flag(true)),
    ]
    .map(|sum| sum.threshold(&held))
    .to_vec()
}

/// A hold's sum, before it is said whether it holds.
struct Sum {
    hold: Hold,
    figure: &'static str,
    found: Option<Figure>,
    comparison: &'static str,
    limit: Figure,
    name: Option<&'static str>,
}

impl Sum {
    fn threshold(self, held: &[Hold]) -> Threshold {
        Threshold {
            blocks: self.hold.blocks(),
            comparison: self.comparison,
            figure: self.figure,
            found: self.found,
            hold: self.hold,
            holds: held.contains(&self.hold),
            limit: self.limit,
            policy: self.name,
        }
    }
}

/// How long something was not seen, in whole seconds, rounded up, so that a nanosecond over a threshold
/// is seen to be over it.
pub(crate) fn unseen_s(last_seen: Timestamp, as_of: Timestamp) -> u64 {
    let seconds = u128::try_from(as_of.nanoseconds_since(last_seen)).unwrap_or(0).div_ceil(1_000_000_000);
    u64::try_from(seconds).unwrap_or(u64::MAX)
}
