//! What a store keeps beside its facts, as far as it shapes an answer: it is named there.

use std::collections::BTreeSet;
use std::fmt;

use dome_core::conformance::{ConformanceReport, PresentTool, RemedyTool, ToolRecords};
use dome_core::{Sha256Hash, Timestamp, choice};
use serde::Serialize;

use super::{Prior, PriorsQuery};
use crate::eligibility::Hold;
use crate::remedy::RemedyRecord;

choice! {
    /// What kind of record of a store it is.
    StoreRecord {
        /// Which tool a remedy runs.
        Tool = "tool",
    }
}

/// A record of the store that shaped an answer, in canonical order: it held priors back, or let them through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoreHold {
    /// What is missing, where it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How it holds back the priors whose first remedy is this one; absent where it lets them through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// What kind of record.
    pub record: StoreRecord,
    /// The identity of the remedy.
    pub remedy: Sha256Hash,
    /// The store's reports on the bytes of the tool, by SHA-256 of their canonical bytes, sorted.
    pub reports: Vec<Sha256Hash>,
    /// The tool that the remedy runs.
    pub tool: PresentTool,
}

impl fmt::Display for StoreHold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tool, remedy) = (&self.tool, self.remedy.short());
        write!(formatter, "{tool} {}; remedy {remedy} runs it", self.detail.as_deref().unwrap_or("conforms"))
    }
}

impl StoreHold {
    /// How each tool stands that a store says to be behind a remedy, by the store's own reports.
    ///
    /// ```
    /// use dome_binder::priors::StoreHold;
    /// use dome_core::Sha256Hash;
    /// use dome_core::conformance::{PresentTool, RemedyTool, ToolRecords};
    /// let remedy = Sha256Hash::of(b"");
    /// let tool =
    ///     PresentTool { files: remedy, manifest: remedy, name: "word-count".parse()?, version: "1.0.0".to_owned() };
    /// let records = ToolRecords { reports: Vec::new(), tools: vec![RemedyTool { remedy, tool }] };
    /// let [stands] = &StoreHold::all(&records, None)[..] else { unreachable!() };
    /// assert_eq!(stands.to_string(), "`word-count` 1.0.0 has no report; remedy e3b0c44298fc runs it");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn all(records: &ToolRecords, as_of: Option<Timestamp>) -> Vec<Self> {
        let stands =
            |said: &RemedyTool| Self::of(said, &records.reports, said.tool.lacks(&records.reports, &[], as_of));
        records.tools.iter().map(stands).collect()
    }

    fn of(said: &RemedyTool, reports: &[ConformanceReport], lacks: Option<&str>) -> Self {
        let on = reports.iter().filter(|report| report.is_on(&said.tool));
        let mut reports: Vec<Sha256Hash> = on.map(ConformanceReport::digest).collect();
        reports.sort_unstable();
        Self {
            detail: lacks.map(str::to_owned),
            hold: lacks.map(|_| Hold::ToolNotConformant),
            record: StoreRecord::Tool,
            remedy: said.remedy,
            reports,
            tool: said.tool.clone(),
        }
    }
}

impl PriorsQuery {
    /// The tools that the first of these remedies runs, as far as the query or the store says so.
    pub(super) fn tools_behind(&self, remedies: &[RemedyRecord]) -> impl Iterator<Item = &PresentTool> {
        let first = remedies.first().map(|record| record.identity);
        let said = self.conformance.tools.iter().chain(&self.store.tools);
        said.filter(move |said| Some(said.remedy) == first).map(|said| &said.tool)
    }

    /// Why the reports at hand do not let a tool be trusted.
    pub(super) fn lacks(&self, tool: &PresentTool, as_of: Option<Timestamp>) -> Option<&'static str> {
        tool.lacks(self.conformance.reports.iter().chain(&self.store.reports), &self.present_tools, as_of)
    }

    /// The remedies that run a tool which nothing vouches for: only whether one comes first holds back some capsules of a
    /// concept and not others.
    #[must_use]
    pub fn distrusted(&self, as_of: Option<Timestamp>) -> BTreeSet<Sha256Hash> {
        let said = self.conformance.tools.iter().chain(&self.store.tools);
        said.filter(|said| self.lacks(&said.tool, as_of).is_some()).map(|said| said.remedy).collect()
    }
}

/// The tools that the store says to be behind the first remedies of an answer, each once.
pub(super) fn store_holds(priors: &[Prior], query: &PriorsQuery, as_of: Option<Timestamp>) -> Vec<StoreHold> {
    let is_shown = |said: &&RemedyTool| {
        priors.iter().any(|prior| prior.remedies.first().is_some_and(|first| first.identity == said.remedy))
    };
    let stands = |said: &RemedyTool| StoreHold::of(said, &query.store.reports, query.lacks(&said.tool, as_of));
    query.store.tools.iter().filter(is_shown).map(stands).collect()
}
