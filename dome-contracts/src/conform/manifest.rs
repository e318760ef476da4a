//! What a tool promises.

use std::collections::BTreeSet;

use dome_core::{ActionKind, FailureReasonCode, PolicyReasonCode, SideEffectsMode, TargetKind, ToolName};
use serde::Deserialize;
use serde_json::Value;

/// The JSON Schema of a manifest, as it is published.
const SCHEMA: &str = include_str!("../../schemas/tool-manifest.schema.json");

/// The JSON Schema of a manifest.
#[must_use]
pub fn manifest_schema() -> Value {
    #[expect(clippy::expect_used, reason = "the file is part of this crate, and a test reads it")]
    serde_json::from_str(SCHEMA).expect("the published schema of a manifest is JSON")
}

/// A tool manifest, version 1. A value that exists has passed every check of [`Manifest::parse`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Manifest {
    /// What it does.
    pub action_kinds: Vec<ActionKind>,
    /// Policy reason codes that it may report.
    #[serde(default)]
    pub denials: BTreeSet<PolicyReasonCode>,
    /// The script, below the manifest's folder.
    pub entry: String,
    /// Failures that it may report.
    #[serde(default)]
    pub failures: Vec<DeclaredFailure>,
    /// All files that the tool is made of.
    #[serde(default)]
    pub files: BTreeSet<String>,
    /// Documents with what is expected of them.
    pub fixtures: Vec<Fixture>,
    /// What a run may take.
    #[serde(default)]
    pub limits: Limits,
    /// The version of the schemas.
    pub schema_version: String,
    /// The schemas of what goes in and comes out.
    pub schemas: Schemas,
    /// What it may touch.
    pub side_effects: Policy,
    /// What it works on.
    pub target_kinds: Vec<TargetKind>,
    /// What it says of each run.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Which tool.
    pub tool: Tool,
    /// The folder that runs start in a copy of.
    pub workdir: Option<String>,
}

/// Which tool a manifest or a report is of.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tool {
    /// Its name.
    pub name: ToolName,
    /// Its version.
    pub version: String,
}

/// A failure that a tool may report.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DeclaredFailure {
    /// Its code.
    pub failure_reason_code: FailureReasonCode,
    /// When it is reported.
    #[serde(default)]
    pub on: On,
}

/// When a declared failure is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// A document that the schemas refuse.
    InvalidInput,
    /// Anything else.
    #[default]
    Runtime,
}

/// A document with what is expected of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Fixture {
    /// The configuration.
    pub config: Value,
    /// What has to come out.
    pub expect: Expect,
    /// The input.
    pub input: Value,
    /// Its name.
    pub name: String,
}

/// What has to come out of a fixture.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Expect {
    /// Success, with this output.
    Output {
        /// The output.
        output: Value,
    },
    /// Failure, with this code.
    Failure {
        /// The code.
        failure_reason_code: FailureReasonCode,
    },
    /// Denial, with this code.
    Denial {
        /// The code.
        policy_reason_code: PolicyReasonCode,
    },
}

/// What one run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// What it may write to stdout, in bytes.
    pub output_bytes: u64,
    /// Wall time, in milliseconds.
    pub time_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 1 << 30, output_bytes: 1 << 20, time_ms: 10_000 }
    }
}

/// The schemas of what goes in and comes out.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Schemas {
    /// Of the configuration.
    pub config: Value,
    /// Of the input.
    pub input: Value,
    /// Of the output.
    pub output: Value,
}

impl Schemas {
    /// The three with their names.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, &Value); 3] {
        [("config", &self.config), ("input", &self.input), ("output", &self.output)]
    }
}

/// What a tool may touch. Reading is not restricted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Policy {
    /// Programs that it may start.
    #[serde(default)]
    pub allow_commands: BTreeSet<String>,
    /// Hosts that it may connect to.
    #[serde(default)]
    pub allow_domains: BTreeSet<String>,
    /// Whether it loads native code by ctypes.
    #[serde(default)]
    pub allow_native_code: bool,
    /// Folders that it may write below.
    #[serde(default)]
    pub allow_paths: BTreeSet<String>,
    /// How much is allowed.
    pub mode: SideEffectsMode,
}

impl Policy {
    /// Whether it may do anything.
    #[must_use]
    pub fn is_unrestricted(&self) -> bool {
        self.mode == SideEffectsMode::Unrestricted
    }
}

/// What a tool says of each run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Telemetry {
    /// Members that every answer has.
    pub required: BTreeSet<TelemetryMember>,
    /// Members that may differ from run to run.
    pub volatile: BTreeSet<TelemetryMember>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            required: TelemetryMember::ALL.iter().copied().collect(),
            volatile: BTreeSet::from([TelemetryMember::DurationMs]),
        }
    }
}

/// A member of the telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TelemetryMember {
    /// How many attempts it took.
    Attempts,
    /// How long it took.
    DurationMs,
    /// What went wrong, `NONE` where nothing did.
    FailureReasonCode,
    /// Why it was not allowed; only where it was not.
    PolicyReasonCode,
    /// The run, as it was given.
    RunId,
    /// Success, failure or denial.
    Status,
    /// The task, as it was given.
    TaskId,
    /// Versions of what took part.
    Versions,
}

impl TelemetryMember {
    /// Every member.
    pub const ALL: [Self; 8] = [
        Self::Attempts,
        Self::DurationMs,
        Self::FailureReasonCode,
        Self::PolicyReasonCode,
        Self::RunId,
        Self::Status,
        Self::TaskId,
        Self::Versions,
    ];

    /// The member's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempts => "attempts",
            Self::DurationMs => "duration_ms",
            Self::FailureReasonCode => "failure_reason_code",
            Self::PolicyReasonCode => "policy_reason_code",
            Self::RunId => "run_id",
            Self::Status => "status",
            Self::TaskId => "task_id",
            Self::Versions => "versions",
        }
    }
}

/// One thing that is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManifestProblem {
    /// Where, as a JSON Pointer.
    pub pointer: String,
    /// What.
    pub message: String,
}

/// Everything that is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a tool manifest: {}", told(.problems))]
pub struct ManifestError {
    /// The problems, by place; never none.
    pub problems: Vec<ManifestProblem>,
}

fn told(problems: &[ManifestProblem]) -> String {
    let each = problems.iter().map(|problem| format!("`{}`: {}", problem.pointer, problem.message));
    each.collect::<Vec<_>>().join("; ")
}
