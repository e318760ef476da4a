//! Conformance reports, as far as a query needs them.

use compact_str::CompactString;
use dome_core::{Sha256Hash, Timestamp, ToolName, normal_version};
use serde::{Deserialize, Serialize};

/// What a conformance gate said of a tool, version 1: the least that a query needs. What else a gate writes
/// is for who reads the whole report (`dome_contracts::conform::Report`).
///
/// ```
/// use dome_binder::priors::ConformanceReport;
/// let report = ConformanceReport::parse(
///     br#"{"report_version":"1","tool":{"name":"pytest","version":"8.3.2"},"conformant":true}"#,
/// )?;
/// assert!(report.conformant);
/// # Ok::<(), dome_binder::priors::ConformanceReportError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConformanceReport {
    /// Whether it conforms.
    pub conformant: bool,
    /// What was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<ReportedDigests>,
    /// The version of this document.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "1")))]
    pub report_version: String,
    /// Which tool.
    pub tool: ReportedTool,
    /// The last instant at which the report is current; always, where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// The tool of a report. Its version stands for all that M-51 takes for the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReportedTool {
    /// Its name.
    pub name: ToolName,
    /// Its version.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub version: CompactString,
}

/// What a report was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReportedDigests {
    /// Of the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Sha256Hash>,
    /// Of the tool's files.
    pub tool: Sha256Hash,
}

/// A tool as it is now. A report on other bytes says nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentTool {
    /// The digest of its manifest.
    pub manifest: Sha256Hash,
    /// Which tool.
    pub tool: ReportedTool,
    /// The digest of its files.
    pub digest: Sha256Hash,
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
}

impl ConformanceReport {
    /// Reads a report, as far as a query needs it.
    ///
    /// # Errors
    ///
    /// [`ConformanceReportError`] with what was found and what was expected.
    pub fn parse(document: &[u8]) -> Result<Self, ConformanceReportError> {
        let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
        let report: Self = serde_json::from_slice(document)
            .map_err(|why| ConformanceReportError::Document { message: why.to_string() })?;
        if report.report_version != "1" {
            return Err(ConformanceReportError::Version { found: report.report_version });
        }
        Ok(report)
    }

    /// Whether it is about this tool in this version, which is normal by M-51.
    pub(super) fn is_about(&self, name: &ToolName, version: Option<&str>) -> bool {
        self.tool.name == *name && version.is_some_and(|version| normal_version(&self.tool.version) == version)
    }

    /// Whether it was made of the tool as it is now, where that is known.
    pub(super) fn is_of(&self, present: &[PresentTool]) -> bool {
        let same = |version: &str| normal_version(version) == normal_version(&self.tool.version);
        let mut here = present.iter().filter(|now| now.tool.name == self.tool.name && same(&now.tool.version));
        here.all(|now| {
            let digests = self.digests.as_ref();
            digests.is_some_and(|was| was.tool == now.digest && was.manifest.is_none_or(|was| was == now.manifest))
        })
    }

    /// Whether it is current.
    pub(super) fn is_current(&self, as_of: Option<Timestamp>) -> bool {
        self.valid_until.is_none_or(|until| as_of.is_none_or(|as_of| as_of <= until))
    }
}
