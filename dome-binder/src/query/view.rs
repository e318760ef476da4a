//! The three views by name, and which filters each takes (M-110).

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::filter::Filter;
use super::suggest::nearest;

/// A view, under the name that the model gives it or a short one.
///
/// ```
/// use dome_binder::query::View;
/// assert_eq!("gate-rollup".parse(), Ok(View::GateRollup));
/// assert_eq!("mv_gate_rollup_by_failure_reason_code".parse(), Ok(View::GateRollup));
/// assert!("gate-rolup".parse::<View>().unwrap_err().to_string().contains("did you mean `gate-rollup`"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// `mv_recent_failures_by_taskspec`: failing facts, the latest first.
    RecentFailures,
    /// `mv_gate_rollup_by_failure_reason_code`: how gates ended beside each code.
    GateRollup,
    /// `mv_guard_denials_by_policy_reason_code`: every denial, whoever named it.
    GuardDenials,
}

/// A name that no view has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no view `{found}`; expected `recent-failures`, `gate-rollup` or `guard-denials`{}", meant.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
pub struct ViewError {
    /// The name found.
    pub found: String,
    /// A name near it.
    pub meant: Option<String>,
}

impl View {
    /// All views.
    pub const ALL: &[Self] = &[Self::RecentFailures, Self::GateRollup, Self::GuardDenials];

    /// The name that the model gives it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RecentFailures => "mv_recent_failures_by_taskspec",
            Self::GateRollup => "mv_gate_rollup_by_failure_reason_code",
            Self::GuardDenials => "mv_guard_denials_by_policy_reason_code",
        }
    }

    /// The short name.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::RecentFailures => "recent-failures",
            Self::GateRollup => "gate-rollup",
            Self::GuardDenials => "guard-denials",
        }
    }

    /// The filters that it takes.
    ///
    /// What a fact says of its task line, run, time and failure narrows every view. The other
    /// filters are for the view whose rows have that member.
    #[must_use]
    pub const fn filters(self) -> &'static [Filter] {
        use Filter::{
            ActionKind, FailureReasonCode, Gate, Guard, PolicyReasonCode, Run, Scope, Since, TargetId, TargetKind,
            Until,
        };
        match self {
            Self::RecentFailures => {
                &[Scope, TargetKind, TargetId, ActionKind, FailureReasonCode, PolicyReasonCode, Run, Since, Until]
            }
            Self::GateRollup => &[Scope, TargetKind, TargetId, ActionKind, FailureReasonCode, Gate, Run, Since, Until],
            Self::GuardDenials => &[
                Scope,
                TargetKind,
                TargetId,
                ActionKind,
                FailureReasonCode,
                PolicyReasonCode,
                Guard,
                Run,
                Since,
                Until,
            ],
        }
    }
}

impl FromStr for View {
    type Err = ViewError;

    fn from_str(text: &str) -> Result<Self, ViewError> {
        let named = Self::ALL.iter().find(|view| [view.name(), view.short()].contains(&text));
        named.copied().ok_or_else(|| {
            let known = Self::ALL.iter().flat_map(|view| [view.short(), view.name()]);
            ViewError { found: text.to_owned(), meant: nearest(text, known).into_iter().next() }
        })
    }
}

impl fmt::Display for View {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Serialize for View {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
