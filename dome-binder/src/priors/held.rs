//! Holds with their numbers: what holds a prior back, how far it is, and how far it should be (M-92).

use std::collections::BTreeSet;
use std::fmt;

use dome_core::guard::{CauseKind, GuardDecision};
use dome_core::{FailureReasonCode, Fingerprint, Timestamp, normal_version};
use serde::Serialize;

use super::PriorsQuery;
use crate::capsule::Capsule;
use crate::concept::Concept;
use crate::eligibility::{Figures, Hold, HoldFigure, Threshold, thresholds};
use crate::policy::Policy;
use crate::remedy::RemedyRecord;

/// One hold, its members in canonical order. Holds that count name the figure, what was found and the
/// threshold; the others say what they rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Held {
    /// What it rests on, where that is no number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Which figure it looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figure: Option<&'static str>,
    /// The figure's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// Which hold.
    pub hold: Hold,
    /// The threshold, a least value but for `contradicted`, `refuted` and `stale`, where it is a greatest, and for
    /// `dead_end`, where less is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u64>,
}

impl Held {
    fn count(hold: Hold, figure: &'static str, found: u64, threshold: u64) -> Self {
        Self { detail: None, figure: Some(figure), found: Some(found), hold, threshold: Some(threshold) }
    }

    fn because(hold: Hold, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), figure: None, found: None, hold, threshold: None }
    }

    fn of(threshold: Threshold, about: &About<'_>) -> Self {
        let Threshold { hold, figure, comparison, .. } = threshold;
        match (threshold.found, threshold.limit) {
            // It holds at 0, so at least 1 is asked for.
            (Some(HoldFigure::Number(found)), HoldFigure::Number(limit)) if comparison == "=" => {
                Self::count(hold, figure, found, limit + 1)
            }
            (Some(HoldFigure::Number(found)), HoldFigure::Number(limit)) => Self::count(hold, figure, found, limit),
            _ => Self::because(hold, why(hold, about)),
        }
    }
}

/// What is asked about: a capsule or a concept.
pub(super) struct About<'a> {
    figures: Figures,
    code: &'a FailureReasonCode,
    fingerprint: &'a Fingerprint,
    remedies: &'a [RemedyRecord],
}

impl<'a> About<'a> {
    pub(super) fn capsule(capsule: &'a Capsule) -> Self {
        let Capsule { failure_reason_code: code, fingerprint, remedies, .. } = capsule;
        Self { figures: capsule.figures(), code, fingerprint, remedies }
    }

    pub(super) fn concept(concept: &'a Concept) -> Self {
        let Concept { failure_reason_code: code, fingerprint, remedies, .. } = concept;
        Self { figures: concept.figures(), code, fingerprint, remedies }
    }
}

fn why(hold: Hold, about: &About<'_>) -> String {
    match hold {
        Hold::StopClass => format!("the class of `{}` is `stop`", about.code),
        Hold::UnknownReasonCode => format!("no table has `{}`", about.code),
        Hold::DurableElsewhere => "what was mended on one target is not mended on another".to_owned(),
        Hold::RerunOfBroken => "it fails too often in a row for a rerun to clear it".to_owned(),
        _ => "a guard of this task line last said no".to_owned(),
    }
}

impl fmt::Display for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.hold.as_str();
        if let (Some(figure), Some(found), Some(threshold)) = (self.figure, self.found, self.threshold) {
            let bound = match self.hold {
                Hold::Contradicted | Hold::Refuted | Hold::Stale => "at most",
                Hold::DeadEnd => "less than",
                _ => "at least",
            };
            return write!(formatter, "{name}: {figure} is {found}, {bound} {threshold} is asked for");
        }
        match &self.detail {
            Some(detail) => write!(formatter, "{name}: {detail}"),
            None => formatter.write_str(name),
        }
    }
}

/// All that holds a capsule or a concept back from a query, in the order of M-92. What has just been seen is not stale.
pub(super) fn held(
    about: &About<'_>,
    query: &PriorsQuery,
    policy: &Policy,
    (as_of, just_seen): (Option<Timestamp>, bool),
) -> Vec<Held> {
    let own = thresholds(&about.figures, policy, as_of.filter(|_| !just_seen))
        .into_iter()
        .filter(|threshold| threshold.holds);
    let mut held: Vec<Held> = own.map(|threshold| Held::of(threshold, about)).collect();
    held.extend(query.guard.iter().flat_map(by_guards));
    held.extend(not_conformant(about.remedies, query, as_of));
    held.extend(incompatible(about.fingerprint, query));
    held.sort_by_key(|held| held.hold);
    held.dedup_by(|later, first| {
        let same = later.hold == first.hold;
        if same {
            first.detail =
                Some([first.detail.take(), later.detail.take()].into_iter().flatten().collect::<Vec<_>>().join("; "));
        }
        same
    });
    held
}

/// What M-100 says: for a known cause, and by the unknowns policy.
fn by_guards(decided: &GuardDecision) -> impl Iterator<Item = Held> {
    let causes = |of: fn(CauseKind) -> bool| {
        let causes = decided.causes.iter().filter(|cause| of(cause.kind));
        causes.map(|cause| format!("{}: {cause}", cause.guard_id)).collect::<Vec<_>>().join("; ")
    };
    let known = decided.denies_for_known_cause().then(|| Held::because(Hold::GuardDenied, causes(CauseKind::is_known)));
    let unknown =
        decided.denies_by_unknowns().then(|| Held::because(Hold::GuardUnknown, causes(CauseKind::is_unknown)));
    known.into_iter().chain(unknown)
}

/// What the first remedy runs has to conform, whatever tool failed.
fn not_conformant(remedies: &[RemedyRecord], query: &PriorsQuery, as_of: Option<Timestamp>) -> Option<Held> {
    let lacking = query.tools_behind(remedies).filter_map(|tool| Some((tool, query.lacks(tool, as_of)?)));
    let lacking: BTreeSet<String> = lacking.map(|(tool, why)| format!("{tool} {why}")).collect();
    let detail = lacking.into_iter().collect::<Vec<_>>().join("; ");
    (!detail.is_empty()).then(|| Held::because(Hold::ToolNotConformant, detail))
}

/// Versions that both sides name and that M-51 does not take for the same.
fn incompatible(fingerprint: &Fingerprint, query: &PriorsQuery) -> Option<Held> {
    let seen = |(name, asked)| Some((name, fingerprint.versions.get(name)?, asked));
    let tool = query.tool.as_ref().filter(|tool| fingerprint.tool_name.as_ref() == Some(&tool.name));
    let tool = tool.and_then(|tool| Some((tool.name.as_str(), fingerprint.tool_version.as_deref()?, &*tool.version)));
    let both = query.versions.iter().filter_map(seen).chain(tool);
    let both = both.map(|(name, seen, asked)| (name, seen, normal_version(asked)));
    let differing = both.filter(|(_, seen, asked)| seen != asked);
    let differing: Vec<String> =
        differing.map(|(name, seen, asked)| format!("`{name}` was {seen}, is {asked}")).collect();
    (!differing.is_empty()).then(|| Held::because(Hold::VersionIncompatible, differing.join("; ")))
}
