//! The question.

use compact_str::CompactString;
use dome_core::conformance::{ConformanceReport, PresentTool};
use dome_core::guard::GuardDecision;
use dome_core::{FailureReasonCode, Sha256Hash, StringMap, TaskLine, ToolName, normal_version};
use serde::{Deserialize, Serialize};

use crate::eligibility::Verdict;

/// How many priors an answer holds where nothing else is asked for.
pub const DEFAULT_LIMIT: usize = 20;
/// How many it holds at most.
pub const MAX_LIMIT: usize = 200;

/// What a planner asks before it acts. [`PriorsQuery::of`] asks for a task line, and nothing else.
#[derive(Clone, Debug)]
pub struct PriorsQuery {
    /// What is worked on.
    pub line: TaskLine,
    /// Only this failure.
    pub failure_reason_code: Option<FailureReasonCode>,
    /// The fingerprint that a failure on other targets must have; where it is not given, it must be
    /// the failure of one of the line's own capsules (M-63).
    pub fingerprint_hash: Option<Sha256Hash>,
    /// Versions of what takes part, as given.
    pub versions: StringMap,
    /// The tool that will be used, with its version as given.
    pub tool: Option<AskedTool>,
    /// What guards say of the transition that the task is (M-100).
    pub guard: Option<GuardDecision>,
    /// Conformance reports; without any, no tool is asked for one.
    pub conformance: Option<Vec<ConformanceReport>>,
    /// Tools as they are now: a report on one of these counts if it is on the same bytes.
    pub present_tools: Vec<PresentTool>,
    /// How far dome may go.
    pub rollout: Rollout,
    /// How many priors to answer with, up to [`MAX_LIMIT`].
    pub limit: usize,
}

impl PriorsQuery {
    /// Asks for a task line.
    #[must_use]
    pub fn of(line: TaskLine) -> Self {
        Self {
            line,
            failure_reason_code: None,
            fingerprint_hash: None,
            versions: StringMap::default(),
            tool: None,
            guard: None,
            conformance: None,
            present_tools: Vec::new(),
            rollout: Rollout::default(),
            limit: DEFAULT_LIMIT,
        }
    }
}

/// How far dome may go: each step is earned on the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rollout {
    /// It answers nothing; what it would have answered can be recorded.
    Shadow,
    /// It answers, as advice.
    #[default]
    Guided,
    /// What nothing holds back may steer.
    Prescriptive,
}

impl Rollout {
    /// The most that a prior may be used as.
    #[must_use]
    pub const fn most(self) -> Verdict {
        match self {
            Self::Prescriptive => Verdict::Prescriptive,
            Self::Shadow | Self::Guided => Verdict::Advisory,
        }
    }

    /// The mode, as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Guided => "guided",
            Self::Prescriptive => "prescriptive",
        }
    }
}

/// A word that is no rollout mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `shadow`, `guided` or `prescriptive`")]
pub struct RolloutError;

impl std::str::FromStr for Rollout {
    type Err = RolloutError;

    fn from_str(text: &str) -> Result<Self, RolloutError> {
        match text {
            "shadow" => Ok(Self::Shadow),
            "guided" => Ok(Self::Guided),
            "prescriptive" => Ok(Self::Prescriptive),
            _ => Err(RolloutError),
        }
    }
}

/// A tool with its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AskedTool {
    /// Its name.
    pub name: ToolName,
    /// Its version.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub version: CompactString,
}

/// The question as the answer repeats it, in canonical order; versions by M-51.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of the TaskSpec, under their names")]
pub struct Asked {
    pub action_kind: dome_core::ActionKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason_code: Option<FailureReasonCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint_hash: Option<Sha256Hash>,
    pub scope: dome_core::Scope,
    pub target_id: dome_core::TargetId,
    pub target_kind: dome_core::TargetKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<AskedTool>,
    #[serde(skip_serializing_if = "StringMap::is_empty")]
    pub versions: StringMap,
}

impl Asked {
    pub(super) fn of(query: &PriorsQuery) -> Self {
        let line = query.line.clone();
        let tool = query.tool.as_ref();
        Self {
            action_kind: line.action_kind,
            failure_reason_code: query.failure_reason_code.clone(),
            fingerprint_hash: query.fingerprint_hash,
            scope: line.scope,
            target_id: line.target_id,
            target_kind: line.target_kind,
            tool: tool.map(|tool| AskedTool { name: tool.name.clone(), version: normal_version(&tool.version) }),
            versions: query.versions.iter().map(|(name, version)| (name, normal_version(version))).collect(),
        }
    }
}
