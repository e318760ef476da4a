//! Holds with their numbers: what holds a prior back, how far it is, and how far it should be (M-92).

use std::fmt;

use dome_core::guard::{CauseKind, GuardDecision};
use dome_core::{Fingerprint, Timestamp, normal_version};
use serde::Serialize;

use super::query::PriorsQuery;
use crate::capsule::Capsule;
use crate::eligibility::{Figures, Hold, contradiction_ppm, holds};
use crate::policy::Policy;

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
    /// The threshold, a least value but for `contradicted` and `stale`, where it is a greatest.
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

    /// `stale`, with the age in whole seconds, rounded up.
    pub(super) fn stale(last_seen: Timestamp, policy: &Policy, as_of: Option<Timestamp>) -> Self {
        let nanoseconds = as_of.map_or(0, |as_of| as_of.nanoseconds_since(last_seen));
        let seconds = u64::try_from(nanoseconds).unwrap_or(0).div_ceil(1_000_000_000);
        Self::count(Hold::Stale, "age_s", seconds, policy.max_staleness_s)
    }
}

impl fmt::Display for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.hold.as_str();
        if let (Some(figure), Some(found), Some(threshold)) = (self.figure, self.found, self.threshold) {
            let bound = if matches!(self.hold, Hold::Contradicted | Hold::Stale) { "at most" } else { "at least" };
            return write!(formatter, "{name}: {figure} is {found}, {bound} {threshold} is asked for");
        }
        match &self.detail {
            Some(detail) => write!(formatter, "{name}: {detail}"),
            None => formatter.write_str(name),
        }
    }
}

/// All that holds a capsule back from a query, in the order of M-92.
pub(super) fn held(capsule: &Capsule, query: &PriorsQuery, policy: &Policy, as_of: Option<Timestamp>) -> Vec<Held> {
    let figures = capsule.figures();
    let own = holds(&figures, policy, as_of).into_iter();
    let mut held: Vec<Held> = own.map(|hold| told(hold, capsule, &figures, policy, as_of)).collect();
    held.extend(query.guard.iter().flat_map(by_guards));
    held.extend(not_conformant(capsule, query, as_of));
    held.extend(incompatible(capsule, query));
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

fn told(hold: Hold, capsule: &Capsule, figures: &Figures, policy: &Policy, as_of: Option<Timestamp>) -> Held {
    match hold {
        Hold::LowSupport => Held::count(hold, "support_count", figures.support_count, policy.min_support),
        Hold::LowRunCount => Held::count(hold, "run_count", figures.run_count, policy.min_run_count),
        Hold::NoResolution => Held::count(hold, "resolved_count", figures.resolved_count, 1),
        Hold::NoRemedy => Held::count(hold, "remedies", 0, 1),
        Hold::UnprovenRemedy => {
            let found = figures.remedy_confidence_ppm.unwrap_or(0);
            Held::count(hold, "remedy_confidence_ppm", found, policy.min_confidence_ppm)
        }
        Hold::LowConfidence => Held::count(hold, "confidence_ppm", figures.confidence_ppm, policy.min_confidence_ppm),
        Hold::Contradicted => {
            let found = contradiction_ppm(figures.successes, figures.failures).unwrap_or(0);
            Held::count(hold, "contradiction_ppm", found, policy.max_contradiction_ppm)
        }
        Hold::Stale => Held::stale(figures.last_seen_ts, policy, as_of),
        Hold::StopClass => Held::because(hold, format!("the class of `{}` is `stop`", capsule.failure_reason_code)),
        Hold::UnknownReasonCode => Held::because(hold, format!("no table has `{}`", capsule.failure_reason_code)),
        _ => Held::because(hold, "a guard of this task line last said no"),
    }
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

/// A capsule that names a tool asks for a current report on it, if the query brings any reports.
fn not_conformant(capsule: &Capsule, query: &PriorsQuery, as_of: Option<Timestamp>) -> Option<Held> {
    let reports = query.conformance.as_ref()?;
    let fingerprint = capsule.fingerprint.as_ref()?;
    let name = fingerprint.tool_name.as_ref()?;
    let version = fingerprint.tool_version.as_deref();
    let about: Vec<_> = reports.iter().filter(|report| report.is_about(name, version)).collect();
    let same: Vec<_> = about.iter().filter(|report| report.is_of(&query.present_tools)).collect();
    let current: Vec<_> = same.iter().filter(|report| report.is_current(as_of)).collect();
    let why = match (about.is_empty(), same.is_empty(), current.is_empty()) {
        (true, ..) => "has no report",
        (_, true, _) => "has changed since its report",
        (.., true) => "has no current report",
        _ if current.iter().all(|report| report.conformant) => return None,
        _ => "does not conform",
    };
    Some(Held::because(Hold::ToolNotConformant, format!("`{name}` {} {why}", version.unwrap_or("without a version"))))
}

/// Versions that both sides name and that M-51 does not take for the same.
fn incompatible(capsule: &Capsule, query: &PriorsQuery) -> Option<Held> {
    let fingerprint = capsule.fingerprint.as_ref()?;
    let mut differing: Vec<String> = query
        .versions
        .iter()
        .filter_map(|(name, asked)| differs(name, fingerprint.versions.get(name)?, &normal_version(asked)))
        .collect();
    differing.extend(tool_differs(fingerprint, query));
    (!differing.is_empty()).then(|| Held::because(Hold::VersionIncompatible, differing.join("; ")))
}

fn tool_differs(fingerprint: &Fingerprint, query: &PriorsQuery) -> Option<String> {
    let (tool, name) = (query.tool.as_ref()?, fingerprint.tool_name.as_ref()?);
    if tool.name != *name {
        return None;
    }
    differs(name.as_str(), fingerprint.tool_version.as_deref()?, &normal_version(&tool.version))
}

fn differs(name: &str, seen: &str, asked: &str) -> Option<String> {
    (seen != asked).then(|| format!("`{name}` was {seen}, is {asked}"))
}
