//! The report of the gate.

use dome_core::{Sha256Hash, Timestamp};
use serde::{Deserialize, Serialize};

use super::manifest::Tool;
use super::verdict::{Check, CheckName, Outcome};

/// What the gate says of a tool, version 1, its members in canonical order. Where no checks stand in it,
/// another gate wrote it, and its word is taken.
///
/// ```
/// use dome_contracts::conform::Report;
/// let report = Report::parse(br#"{"report_version":"1","tool":{"name":"a","version":"1"},"conformant":true}"#)?;
/// assert!(report.conformant && report.checks.is_empty());
/// # Ok::<(), dome_contracts::conform::ReportError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The sub-checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// Whether the tool conforms: every sub-check is there, and every one passed.
    pub conformant: bool,
    /// What was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<Digests>,
    /// What judged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// The version of this document.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "1")))]
    pub report_version: String,
    /// Which tool.
    pub tool: Tool,
    /// The last instant at which the report is current; always, where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// SHA-256 of what was judged; of schemas and manifest by their canonical bytes where they have any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Digests {
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
pub struct Gate {
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

/// Why a document is no conformance report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It is not the document that is expected.
    #[error("not a conformance report: {message}")]
    Document {
        /// What the reader said.
        message: String,
    },
    /// It has another version.
    #[error("`/report_version`: expected `1`, found `{found}`")]
    Version {
        /// The version found.
        found: String,
    },
    /// It says what its own checks do not.
    #[error("`{pointer}`: expected `{expected}`, by the parts below it")]
    Contradicts {
        /// Where.
        pointer: String,
        /// What the checks come to.
        expected: String,
    },
}

impl Report {
    /// The report that comes of the sub-checks.
    #[must_use]
    pub fn of(tool: Tool, checks: Vec<Check>, digests: Digests, gate: Gate) -> Self {
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

    /// Reads a report, and holds it to its own checks: nobody's word counts more than they do.
    ///
    /// # Errors
    ///
    /// [`ReportError`] with what was found and what was expected.
    pub fn parse(document: &[u8]) -> Result<Self, ReportError> {
        let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
        let report: Self =
            serde_json::from_slice(document).map_err(|why| ReportError::Document { message: why.to_string() })?;
        if report.report_version != "1" {
            return Err(ReportError::Version { found: report.report_version });
        }
        report.folds()?;
        Ok(report)
    }

    fn folds(&self) -> Result<(), ReportError> {
        let contradicts =
            |pointer: String, expected: &str| ReportError::Contradicts { pointer, expected: expected.into() };
        if let Some((index, check)) = self.checks.iter().enumerate().find(|(_, check)| !check.is_folded()) {
            let expected = Check::of(check.name, check.parts.clone()).outcome;
            return Err(contradicts(format!("/checks/{index}/outcome"), expected.as_str()));
        }
        if !self.checks.is_empty() && self.conformant != conforms(&self.checks) {
            return Err(contradicts("/conformant".to_owned(), if self.conformant { "false" } else { "true" }));
        }
        Ok(())
    }
}

fn conforms(checks: &[Check]) -> bool {
    let passed = |name| checks.iter().filter(|check| check.name == name).map(|check| check.outcome).collect::<Vec<_>>();
    CheckName::ALL.iter().all(|name| passed(*name) == [Outcome::Pass])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use super::*;
    use crate::conform::Part;

    fn report(outcomes: &[Outcome]) -> Report {
        let checks = CheckName::ALL.iter().zip(outcomes);
        let checks =
            checks.map(|(name, outcome)| Check::of(*name, vec![Part { outcome: *outcome, ..Part::pass("a") }]));
        let hash = Sha256Hash::of(b"");
        let digests =
            Digests { config_schema: hash, input_schema: hash, manifest: hash, output_schema: hash, tool: hash };
        let gate = Gate { landlock_abi: None, name: "python_standard".into(), python: "3.12".into(), runs: 1 };
        let tool = Tool { name: "a".parse().unwrap(), version: "1".into() };
        Report::of(tool, checks.collect(), digests, gate)
    }

    #[test]
    fn every_sub_check_has_to_be_there_and_to_pass() {
        use Outcome::{Fail, NotRun, Pass, Unenforced};
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
        let report = report(&[Outcome::Pass; 6]);
        let bytes = dome_core::canonical::to_vec(&report).unwrap();
        assert_eq!(Report::parse(&bytes).unwrap(), report);
        let mut appended = Vec::new();
        dome_core::canonical::append(&report, &mut appended);
        assert_eq!(appended, bytes);
    }

    #[test]
    fn a_report_that_contradicts_its_checks_is_refused() {
        let mut sound =
            report(&[Outcome::Pass, Outcome::Fail, Outcome::Pass, Outcome::Pass, Outcome::Pass, Outcome::Pass]);
        sound.conformant = true;
        let error = Report::parse(&serde_json::to_vec(&sound).unwrap()).unwrap_err();
        assert!(matches!(error, ReportError::Contradicts { pointer, .. } if pointer == "/conformant"));
        sound.checks[1].outcome = Outcome::Pass;
        let error = Report::parse(&serde_json::to_vec(&sound).unwrap()).unwrap_err();
        assert!(matches!(error, ReportError::Contradicts { pointer, .. } if pointer == "/checks/1/outcome"));
    }
}
