//! What a tool promises, and reading it: every problem at once.

use std::collections::BTreeSet;

use dome_core::conformance::ToolVersion;
use dome_core::{ActionKind, EvidencePath, FailureReasonCode, PolicyReasonCode, SideEffectsMode, TargetKind};
use schema_compat::{Dialect, InstanceProblem, Schema, json};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

/// The JSON Schema of a manifest.
#[must_use]
pub fn manifest_schema() -> Value {
    #[expect(clippy::expect_used, reason = "the file is part of this crate, and a test reads it")]
    serde_json::from_str(include_str!("../../schemas/tool-manifest.schema.json"))
        .expect("the published schema of a manifest is JSON")
}

/// A tool manifest, version 1, as [`ToolManifest::parse`] reads it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ToolManifest {
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
    pub limits: RunLimits,
    /// The version of the schemas.
    pub schema_version: String,
    /// The schemas of what goes in and comes out.
    pub schemas: Schemas,
    /// What it may touch.
    pub side_effects: ToolPolicy,
    /// What it works on.
    pub target_kinds: Vec<TargetKind>,
    /// What it says of each run.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Which tool.
    pub tool: ToolVersion,
    /// The folder that runs start in a copy of.
    pub workdir: Option<String>,
}

/// A failure that a tool may report.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DeclaredFailure {
    /// Its code.
    pub failure_reason_code: FailureReasonCode,
    /// When it is reported.
    #[serde(default)]
    pub on: FailureOn,
}

/// When a declared failure is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureOn {
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
pub struct RunLimits {
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// What it may write to stdout, in bytes.
    pub output_bytes: u64,
    /// Wall time, in milliseconds.
    pub time_ms: u64,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self { memory_bytes: 1 << 30, output_bytes: 1 << 20, time_ms: 10_000 }
    }
}

/// The schemas of what goes in and comes out.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Schemas {
    /// Of the configuration.
    pub config: DeclaredSchema,
    /// Of the input.
    pub input: DeclaredSchema,
    /// Of the output.
    pub output: DeclaredSchema,
}

impl Schemas {
    /// The three with their names.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, &DeclaredSchema); 3] {
        [("config", &self.config), ("input", &self.input), ("output", &self.output)]
    }

    pub(super) fn accept(&self, config: &Value, input: &Value) -> bool {
        self.config.schema.is_valid(config) && self.input.schema.is_valid(input)
    }
}

/// A schema of a manifest, of the dialect 2020-12.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclaredSchema {
    /// As the manifest has it.
    pub declared: Value,
    /// As it is read.
    pub schema: Schema,
}

impl<'de> Deserialize<'de> for DeclaredSchema {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let declared = Value::deserialize(reader)?;
        let schema = Schema::from_value(declared.clone(), Dialect::Draft202012).map_err(D::Error::custom)?;
        Ok(Self { declared, schema })
    }
}

impl DeclaredSchema {
    pub(super) fn problems(&self, name: &str, value: &Value) -> Vec<String> {
        let problems = self.schema.problems(value).take(4).map(|InstanceProblem { pointer, message }| {
            let message: String = message.chars().take(200).collect();
            format!("{name} `{pointer}`: {message}")
        });
        problems.collect()
    }
}

/// What a tool may touch. Reading is not restricted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ToolPolicy {
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

impl ToolPolicy {
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

dome_core::choice! {
    /// A member of the telemetry.
    TelemetryMember {
        /// How many attempts it took.
        Attempts = "attempts",
        /// How long it took.
        DurationMs = "duration_ms",
        /// What went wrong, `NONE` where nothing did.
        FailureReasonCode = "failure_reason_code",
        /// Why it was not allowed; only where it was not.
        PolicyReasonCode = "policy_reason_code",
        /// The run, as it was given.
        RunId = "run_id",
        /// Success, failure or denial.
        Status = "status",
        /// The task, as it was given.
        TaskId = "task_id",
        /// Versions of what took part.
        Versions = "versions",
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
#[error("not a tool manifest: {}", listed(.problems))]
pub struct ManifestError {
    /// The problems, by place; never none.
    pub problems: Vec<ManifestProblem>,
}

fn listed(problems: &[ManifestProblem]) -> String {
    let each = problems.iter().map(|problem| format!("`{}`: {}", problem.pointer, problem.message));
    each.collect::<Vec<_>>().join("; ")
}

#[derive(Default)]
struct Problems(BTreeSet<ManifestProblem>);

impl Problems {
    fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.insert(ManifestProblem { pointer: pointer.into(), message: message.into() });
    }

    fn none_or_error(self) -> Result<(), ManifestError> {
        if self.0.is_empty() { Ok(()) } else { Err(ManifestError { problems: self.0.into_iter().collect() }) }
    }
}

impl ToolManifest {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// Every problem with its place: what the published schema refuses, and, where the shape is right,
    /// what it cannot say (names twice, codes that are not declared, unsafe paths, schemas that are none).
    pub fn parse(document: &[u8]) -> Result<Self, ManifestError> {
        let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
        let only =
            |message: String| ManifestError { problems: vec![ManifestProblem { pointer: String::new(), message }] };
        let mut value = json::parse(document).map_err(|why| only(format!("not JSON: {why}")))?;
        shape(&value).none_or_error()?;
        let mut problems = Problems::default();
        for (name, schema) in value.get_mut("schemas").and_then(Value::as_object_mut).into_iter().flatten() {
            if let Err(why) = Schema::from_value(schema.clone(), Dialect::Draft202012) {
                problems.add(format!("/schemas/{name}{}", why.pointer), why.reason);
                // The other problems are looked for all the same.
                *schema = Value::Bool(true);
            }
        }
        let mut manifest: Self = serde_json::from_value(value).map_err(|why| only(why.to_string()))?;
        manifest.check_paths(&mut problems);
        manifest.check_policy(&mut problems);
        manifest.check_codes(&mut problems);
        manifest.check_fixtures(&mut problems);
        problems.none_or_error()?;
        manifest.files.insert(manifest.entry.clone());
        Ok(manifest)
    }

    fn check_paths(&self, problems: &mut Problems) {
        let workdir = self.workdir.iter().map(|path| ("/workdir", path));
        let files = self.files.iter().map(|path| ("/files", path));
        for (pointer, path) in [("/entry", &self.entry)].into_iter().chain(workdir).chain(files) {
            if let Err(why) = EvidencePath::new(path) {
                problems.add(pointer, format!("`{path}`: {why}"));
            }
        }
        if !self.files.is_empty() && !self.files.contains(&self.entry) {
            problems.add("/files", format!("the entry `{}` is not among them", self.entry));
        }
        for path in &self.side_effects.allow_paths {
            if path.split('/').any(|segment| segment == "..") {
                problems.add("/side_effects/allow_paths", format!("`{path}` goes up"));
            }
        }
    }

    fn check_policy(&self, problems: &mut Problems) {
        let policy = &self.side_effects;
        for (name, list) in [
            ("allow_commands", &policy.allow_commands),
            ("allow_domains", &policy.allow_domains),
            ("allow_paths", &policy.allow_paths),
        ] {
            if policy.mode != SideEffectsMode::Scoped && !list.is_empty() {
                let message = format!("only `scoped` lists any, not `{}`", policy.mode);
                problems.add(format!("/side_effects/{name}"), message);
            }
        }
    }

    fn check_codes(&self, problems: &mut Problems) {
        let mut seen = BTreeSet::new();
        for (index, failure) in self.failures.iter().enumerate() {
            let code = failure.failure_reason_code.as_str();
            if !seen.insert(code) {
                problems.add(format!("/failures/{index}"), format!("`{code}` stands twice"));
            }
            if self.declares_denial(code) {
                let message = format!("`{code}` is a denial, too: the two never meet (M-04)");
                problems.add(format!("/failures/{index}"), message);
            }
        }
    }

    fn check_fixtures(&self, problems: &mut Problems) {
        let mut names = BTreeSet::new();
        for (index, fixture) in self.fixtures.iter().enumerate() {
            if !names.insert(&fixture.name) {
                problems.add(format!("/fixtures/{index}/name"), format!("`{}` stands twice", fixture.name));
            }
            let (code, declared) = match &fixture.expect {
                Expect::Output { .. } => continue,
                Expect::Failure { failure_reason_code: code } => (code.as_str(), self.declares_failure(code.as_str())),
                Expect::Denial { policy_reason_code: code } => (code.as_str(), self.denials.contains(code)),
            };
            if !declared {
                problems.add(format!("/fixtures/{index}/expect"), format!("`{code}` is not declared"));
            }
        }
    }

    /// Whether a failure code is declared.
    #[must_use]
    pub fn declares_failure(&self, code: &str) -> bool {
        self.failures.iter().any(|failure| failure.failure_reason_code.as_str() == code)
    }

    /// Whether a denial is declared.
    #[must_use]
    pub fn declares_denial(&self, code: &str) -> bool {
        self.denials.iter().any(|denial| denial.as_str() == code)
    }
}

/// What the published schema refuses.
fn shape(value: &Value) -> Problems {
    #[expect(clippy::expect_used, reason = "the schema is part of this crate, and a test compiles it")]
    let schema = Schema::from_value(manifest_schema(), Dialect::Draft202012)
        .expect("the published schema of a manifest is a schema");
    let mut problems = Problems::default();
    for InstanceProblem { pointer, message } in schema.problems(value) {
        // A message that quotes a whole document helps nobody.
        let length = message.chars().count();
        let end = || message.chars().skip(length.saturating_sub(180)).collect::<String>();
        problems.add(pointer, if length <= 300 { message.clone() } else { format!("…{}", end()) });
    }
    problems
}
