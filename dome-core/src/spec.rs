//! TaskSpec: what was being worked on, and what went wrong with it (section 3).

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::choice::{Scope, SideEffectsMode};
use crate::id::{ActionKind, StateId, TargetId, TargetKind};
use crate::map::StringMap;
use crate::reason::FailureReasonCode;

/// What a task works on, what it does, and what went wrong (section 3).
///
/// Members stand in canonical order, here as in every hashed type: serialised, they are RFC 8785
/// bytes without sorting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TaskSpec {
    /// What is done.
    pub action: Action,
    /// What went wrong; `NONE` where nothing did.
    pub failure_reason_code: FailureReasonCode,
    /// How far the task reaches.
    pub scope: Scope,
    /// What the task may touch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side_effects: Option<SideEffects>,
    /// What is worked on.
    pub target: Target,
    /// The transition of the owner's state machine that the task is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
    /// Versions of what took part, such as a data set or a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<StringMap>,
}

/// `action` of a [`TaskSpec`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Action {
    /// What kind of thing is done.
    pub kind: ActionKind,
}

/// `target` of a [`TaskSpec`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// Which one.
    pub id: TargetId,
    /// What kind of thing it is.
    pub kind: TargetKind,
}

/// `side_effects` of a [`TaskSpec`]. The `allow_*` lists are sets: sorted, without repeats (M-40).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SideEffects {
    /// Commands that may be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>", length(max = 1024)))]
    pub allow_commands: Option<Vec<CompactString>>,
    /// Domains that may be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>", length(max = 1024)))]
    pub allow_domains: Option<Vec<CompactString>>,
    /// Paths that may be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>", length(max = 1024)))]
    pub allow_paths: Option<Vec<CompactString>>,
    /// How much is allowed.
    pub mode: SideEffectsMode,
}

/// `transition` of a [`TaskSpec`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transition {
    /// The state before.
    pub from_state: StateId,
    /// The state after.
    pub to_state: StateId,
    /// The transition's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transition_id: Option<StateId>,
}

/// The task line of a spec: what is being worked on, whatever fails (M-20).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskLine {
    /// How far the task reaches.
    pub scope: Scope,
    /// What kind of thing is worked on.
    pub target_kind: TargetKind,
    /// Which one.
    pub target_id: TargetId,
    /// What is done.
    pub action_kind: ActionKind,
}

impl TaskSpec {
    /// The task line that this spec belongs to (M-20).
    #[must_use]
    pub fn line(&self) -> TaskLine {
        TaskLine {
            scope: self.scope,
            target_kind: self.target.kind.clone(),
            target_id: self.target.id.clone(),
            action_kind: self.action.kind.clone(),
        }
    }
}
