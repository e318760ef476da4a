//! Conformance reports: what a gate says of a tool. The gate `python_standard` writes them, priors read them.
//!
//! ```
//! use dome_core::conformance::ConformanceReport;
//!
//! let report = br#"{"report_version":"1","tool":{"name":"pytest","version":"8.3.2"},"conformant":true}"#;
//! let report = ConformanceReport::parse(report)?;
//! assert!(report.conformant && report.checks.is_empty());
//! # Ok::<(), dome_core::conformance::ConformanceReportError>(())
//! ```

use serde::{Deserialize, Serialize};

use crate::choice::choice;
use crate::{Sha256Hash, Timestamp, ToolName, normal_version};

/// What a gate says of a tool, version 1, its members in canonical order. A report without checks is by
/// another gate, and its word is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConformanceReport {
    /// The sub-checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<ConformanceCheck>,
    /// Whether the tool conforms: every sub-check is there, and every one passed.
    pub conformant: bool,
    /// What was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<ConformanceDigests>,
    /// What judged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<ConformanceGate>,
    /// The version of this document.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "1")))]
    pub report_version: String,
    /// Which tool.
    pub tool: ToolVersion,
    /// The last instant at which the report is current; always, where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// Which tool a manifest or a report is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ToolVersion {
    /// Its name.
    pub name: ToolName,
    /// Its version; it stands for all that M-51 takes for the same.
    pub version: String,
}

/// SHA-256 of what was judged; of schemas and manifest by their canonical bytes where they have any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConformanceDigests {
    /// Of the schema of the configuration.
    pub config_schema: Sha256Hash,
    /// Of the schema of the input.
    pub input_schema: Sha256Hash,
    /// Of the manifest.
    pub manifest: Sha256Hash,
    /// Of the schema of the output.
    pub output_schema: Sha256Hash,
    /// Of the tool: its files, each with its path and digest.
    pub tool: Sha256Hash,
}

/// What judged a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConformanceGate {
    /// The version of Landlock in the kernel, where it has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landlock_abi: Option<u64>,
    /// Which gate.
    pub name: String,
    /// The version of Python.
    pub python: String,
    /// How often the tool was run.
    pub runs: u64,
}

choice! {
    /// How a part or a sub-check came out; the order is that of severity.
    CheckOutcome {
        /// It holds.
        Pass = "pass",
        /// It was not checked; the report says why.
        NotRun = "not_run",
        /// What is promised is not enforced here: never a pass.
        Unenforced = "unenforced",
        /// It does not hold.
        Fail = "fail",
    }
    /// The sub-checks of the gate, in the order of a report.
    CheckName {
        /// Schemas are sound, fixtures and outputs fit them.
        Contract = "contract",
        /// Documents survive a round trip in canonical bytes.
        CanonicalSerialisation = "canonical_serialisation",
        /// The same input gives the same output.
        Determinism = "determinism",
        /// It touches what it declares, and nothing else.
        SideEffects = "side_effects",
        /// It reports the result of each run.
        Observability = "observability",
        /// It does what its schemas say.
        SpecAsTest = "spec_as_test",
    }
}

/// One part of a sub-check, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckPart {
    /// What the manifest declares of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared: Vec<String>,
    /// What keeps it within that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enforced_by: Vec<String>,
    /// What was found: effects, outputs that differ, documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
    /// Its name.
    pub name: String,
    /// How it came out.
    pub outcome: CheckOutcome,
    /// Why; always there except for a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl CheckPart {
    /// How many problems or effects a part names.
    pub const FOUND_MAX: usize = 8;

    /// A part that holds.
    #[must_use]
    pub fn pass(name: impl Into<String>) -> Self {
        let (declared, enforced_by, found) = (Vec::new(), Vec::new(), Vec::new());
        Self { declared, enforced_by, found, name: name.into(), outcome: CheckOutcome::Pass, why: None }
    }

    /// A part that came out otherwise.
    #[must_use]
    pub fn of(name: impl Into<String>, outcome: CheckOutcome, why: impl Into<String>) -> Self {
        Self { outcome, why: Some(why.into()), ..Self::pass(name) }
    }

    /// A pass where there are no problems, otherwise a failure that names them.
    ///
    /// ```
    /// use dome_core::conformance::CheckPart;
    /// let part = CheckPart::by("fixtures", &["`a`: expected 1, found 2".to_owned()]);
    /// assert_eq!(part.why.as_deref(), Some("`a`: expected 1, found 2"));
    /// ```
    #[must_use]
    pub fn by(name: impl Into<String>, problems: &[String]) -> Self {
        if problems.is_empty() {
            return Self::pass(name);
        }
        let more = problems.len().saturating_sub(Self::FOUND_MAX);
        let mut why = problems.iter().take(Self::FOUND_MAX).cloned().collect::<Vec<_>>().join("; ");
        if more > 0 {
            why.push_str(&format!("; and {more} more"));
        }
        Self::of(name, CheckOutcome::Fail, why)
    }
}

/// One sub-check, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConformanceCheck {
    /// Which one.
    pub name: CheckName,
    /// The worst of its parts; a part that was not run does not count beside one that passed.
    pub outcome: CheckOutcome,
    /// Its parts.
    pub parts: Vec<CheckPart>,
}

impl ConformanceCheck {
    /// The sub-check of these parts.
    ///
    /// ```
    /// use dome_core::conformance::{CheckName, CheckOutcome, CheckPart, ConformanceCheck};
    /// let not_run = CheckPart::of("clock", CheckOutcome::NotRun, "no faketime here");
    /// let check = ConformanceCheck::of(CheckName::Determinism, vec![CheckPart::pass("repeat"), not_run.clone()]);
    /// assert_eq!(check.outcome, CheckOutcome::Pass);
    /// assert_eq!(ConformanceCheck::of(CheckName::Determinism, vec![not_run]).outcome, CheckOutcome::NotRun);
    /// ```
    #[must_use]
    pub fn of(name: CheckName, parts: Vec<CheckPart>) -> Self {
        Self { name, outcome: worst(&parts), parts }
    }
}

fn worst(parts: &[CheckPart]) -> CheckOutcome {
    let worst = parts.iter().map(|part| part.outcome).max().unwrap_or(CheckOutcome::NotRun);
    let some_passed = parts.iter().any(|part| part.outcome == CheckOutcome::Pass);
    if worst == CheckOutcome::NotRun && some_passed { CheckOutcome::Pass } else { worst }
}

/// A tool on its bytes, its members in canonical order. A report on other bytes says nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PresentTool {
    /// The digest of its files, each with its path.
    pub files: Sha256Hash,
    /// The digest of its manifest.
    pub manifest: Sha256Hash,
    /// Its name.
    pub name: ToolName,
    /// Its version; it stands for all that M-51 takes for the same.
    pub version: String,
}

/// Which tool a remedy runs, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RemedyTool {
    /// The identity of the remedy: what two uses of it have in common (M-83).
    pub remedy: Sha256Hash,
    /// The tool.
    pub tool: PresentTool,
}

/// What is said of tools beside facts: which one a remedy runs, and what gates say of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolRecords {
    /// Conformance reports, on whatever bytes.
    pub reports: Vec<ConformanceReport>,
    /// The tools behind remedies. A remedy that runs several needs all of them to conform.
    pub tools: Vec<RemedyTool>,
}

impl PresentTool {
    /// Why these reports do not let it be trusted; `None` where one that is current at `as_of` and on its bytes says that
    /// it conforms, and no such one says that it does not. `now` are tools as they are found: one with its name and version
    /// on other bytes is not what was judged.
    ///
    /// ```
    /// use dome_core::conformance::PresentTool;
    /// use dome_core::Sha256Hash;
    /// let (files, manifest) = (Sha256Hash::of(b"tool.py"), Sha256Hash::of(b"manifest.json"));
    /// let tool = PresentTool { files, manifest, name: "word-count".parse()?, version: "1.0.0".to_owned() };
    /// assert_eq!(tool.lacks([], &[], None), Some("has no report"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn lacks<'r>(
        &self,
        reports: impl IntoIterator<Item = &'r ConformanceReport>,
        now: &[Self],
        as_of: Option<Timestamp>,
    ) -> Option<&'static str> {
        let about: Vec<_> = reports.into_iter().filter(|report| report.is_about(self)).collect();
        let is_same =
            |found: &Self| !self.is_called(found) || (self.files, self.manifest) == (found.files, found.manifest);
        let is_here = now.iter().all(is_same);
        let same: Vec<_> = about.iter().filter(|report| is_here && report.is_on(self)).collect();
        let current: Vec<_> = same.iter().filter(|report| report.is_current(as_of)).collect();
        match (about.is_empty(), same.is_empty(), current.is_empty()) {
            (true, ..) => Some("has no report"),
            (_, true, _) => Some("has no report on its bytes"),
            (.., true) => Some("has no current report"),
            _ if current.iter().all(|report| report.conformant) => None,
            _ => Some("does not conform"),
        }
    }

    fn is_called(&self, other: &Self) -> bool {
        self.name == other.name && normal_version(&self.version) == normal_version(&other.version)
    }
}

impl std::fmt::Display for PresentTool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "`{}` {}", self.name, self.version)
    }
}

/// Why a document is no conformance report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConformanceReportError {
    /// It is not the document that is expected.
    #[error("not a conformance report: {message}")]
    Document {
        /// What the reader said, with line and column.
        message: String,
    },
    /// It has another version.
    #[error("`/report_version`: expected `1`, found `{found}`")]
    Version {
        /// The version found.
        found: String,
    },
    /// Its checks contradict it.
    #[error("`{pointer}`: expected `{expected}`, by the parts below it")]
    Contradicts {
        /// Where.
        pointer: String,
        /// What follows from the checks.
        expected: String,
    },
}

impl ConformanceReport {
    /// The report of these sub-checks.
    #[must_use]
    pub fn of(
        tool: ToolVersion,
        checks: Vec<ConformanceCheck>,
        digests: ConformanceDigests,
        gate: ConformanceGate,
    ) -> Self {
        Self {
            conformant: conforms(&checks),
            checks,
            digests: Some(digests),
            gate: Some(gate),
            report_version: "1".to_owned(),
            tool,
            valid_until: None,
        }
    }

    /// Reads a report and recomputes its verdicts from its own parts.
    ///
    /// # Errors
    ///
    /// [`ConformanceReportError`] with what was found and what was expected.
    pub fn parse(document: &[u8]) -> Result<Self, ConformanceReportError> {
        let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
        let report: Self = serde_json::from_slice(document)
            .map_err(|why| ConformanceReportError::Document { message: why.to_string() })?;
        report.check()?;
        Ok(report)
    }

    /// Whether it is of this version, and its verdicts follow from its own parts.
    ///
    /// # Errors
    ///
    /// [`ConformanceReportError`] with what was found and what was expected.
    pub fn check(&self) -> Result<(), ConformanceReportError> {
        if self.report_version != "1" {
            return Err(ConformanceReportError::Version { found: self.report_version.clone() });
        }
        for (index, check) in self.checks.iter().enumerate() {
            let expected = worst(&check.parts);
            if check.outcome != expected {
                let pointer = format!("/checks/{index}/outcome");
                return Err(ConformanceReportError::Contradicts { pointer, expected: expected.to_string() });
            }
        }
        let expected = conforms(&self.checks);
        if !self.checks.is_empty() && self.conformant != expected {
            let pointer = "/conformant".to_owned();
            return Err(ConformanceReportError::Contradicts { pointer, expected: expected.to_string() });
        }
        Ok(())
    }

    /// Whether it is about this tool in this version (M-51), on whatever bytes.
    #[must_use]
    pub fn is_about(&self, tool: &PresentTool) -> bool {
        self.tool.name == tool.name && normal_version(&self.tool.version) == normal_version(&tool.version)
    }

    /// Whether it is on the bytes of this tool.
    #[must_use]
    pub fn is_on(&self, tool: &PresentTool) -> bool {
        let on = |was: &ConformanceDigests| (was.tool, was.manifest) == (tool.files, tool.manifest);
        self.is_about(tool) && self.digests.as_ref().is_some_and(on)
    }

    /// What it is known by: SHA-256 of its canonical bytes.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        crate::canonical::digest(self)
    }

    /// Whether it is current.
    #[must_use]
    pub fn is_current(&self, as_of: Option<Timestamp>) -> bool {
        self.valid_until.is_none_or(|until| as_of.is_none_or(|as_of| as_of <= until))
    }
}

fn conforms(checks: &[ConformanceCheck]) -> bool {
    CheckName::ALL.iter().all(|name| {
        let mut outcomes = checks.iter().filter(|check| check.name == *name).map(|check| check.outcome);
        outcomes.next() == Some(CheckOutcome::Pass) && outcomes.next().is_none()
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use super::*;

    fn report(outcomes: &[CheckOutcome]) -> ConformanceReport {
        let checks = CheckName::ALL.iter().zip(outcomes).map(|(name, outcome)| {
            let part = CheckPart { outcome: *outcome, ..CheckPart::pass("a") };
            ConformanceCheck::of(*name, vec![part])
        });
        let hash = Sha256Hash::of(b"");
        let digests = ConformanceDigests {
            config_schema: hash,
            input_schema: hash,
            manifest: hash,
            output_schema: hash,
            tool: hash,
        };
        let gate =
            ConformanceGate { landlock_abi: None, name: "python_standard".into(), python: "3.12".into(), runs: 1 };
        let tool = ToolVersion { name: "a".parse().unwrap(), version: "1".into() };
        ConformanceReport::of(tool, checks.collect(), digests, gate)
    }

    #[test]
    fn every_sub_check_has_to_be_there_and_to_pass() {
        use CheckOutcome::{Fail, NotRun, Pass, Unenforced};
        assert!(report(&[Pass; 6]).conformant);
        assert!(!report(&[Pass; 5]).conformant, "one is missing");
        for other in [Fail, NotRun, Unenforced] {
            let mut outcomes = [Pass; 6];
            outcomes[3] = other;
            assert!(!report(&outcomes).conformant, "{other:?}");
        }
    }

    #[test]
    fn m01_a_report_is_read_as_it_was_written_and_its_members_are_declared_in_canonical_order() {
        let report = report(&[CheckOutcome::Pass; 6]);
        let bytes = crate::canonical::to_vec(&report).unwrap();
        assert_eq!(ConformanceReport::parse(&bytes).unwrap(), report);
        let mut appended = Vec::new();
        crate::canonical::append(&report, &mut appended);
        assert_eq!(appended, bytes);
    }

    #[test]
    fn a_report_that_contradicts_its_checks_is_refused() {
        use CheckOutcome::{Fail, Pass};
        let mut sound = report(&[Pass, Fail, Pass, Pass, Pass, Pass]);
        sound.conformant = true;
        let refused = |report: &ConformanceReport| match ConformanceReport::parse(&serde_json::to_vec(report).unwrap())
            .unwrap_err()
        {
            ConformanceReportError::Contradicts { pointer, .. } => pointer,
            other => other.to_string(),
        };
        assert_eq!(refused(&sound), "/conformant");
        sound.checks[1].outcome = Pass;
        assert_eq!(refused(&sound), "/checks/1/outcome");
    }
}
