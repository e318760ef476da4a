//! What a store keeps beside its facts, as far as it shapes an answer: it is named there.

use std::collections::BTreeSet;
use std::fmt;

use dome_core::conformance::{ConformanceReport, PresentTool, RemedyTool, ToolRecords};
use dome_core::{Sha256Hash, Timestamp, choice};
use serde::Serialize;

use super::{OwnersWord, Prior, PriorsQuery, Promotion};
use crate::eligibility::Hold;
use crate::remedy::RemedyRecord;

choice! {
    /// What kind of record of a store it is.
    StoreRecord {
        /// An owner's word for a prior.
        Promotion = "promotion",
        /// Which tool a remedy runs.
        Tool = "tool",
    }
}

/// What the store that is asked keeps beside its facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreSays {
    /// What owners promoted, whether that was taken back or not.
    pub promotions: Vec<Promotion>,
    /// What is said of tools.
    pub tools: ToolRecords,
}

/// A record of the store that shaped an answer: it held priors back, let them through, or lets them have side effects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StoreHold {
    /// An owner's word.
    Promotion(PromotionHold),
    /// A tool that a remedy runs.
    Tool(ToolHold),
}

impl fmt::Display for StoreHold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promotion(hold) => fmt::Display::fmt(hold, formatter),
            Self::Tool(hold) => fmt::Display::fmt(hold, formatter),
        }
    }
}

impl StoreHold {
    /// Whether it is about a prior of an answer.
    pub(super) fn is_about(&self, prior: &Prior) -> bool {
        let is_first = |remedy| prior.remedies.first().is_some_and(|first| first.identity == remedy);
        match self {
            Self::Promotion(hold) => hold.key == prior.key() && is_first(hold.remedy),
            Self::Tool(hold) => is_first(hold.remedy),
        }
    }
}

/// An owner's word that shaped an answer, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PromotionHold {
    /// The capsule or concept.
    pub key: Sha256Hash,
    /// Whose word it is.
    pub promoted: OwnersWord,
    /// `promotion`
    pub record: StoreRecord,
    /// The identity of the remedy that it is for.
    pub remedy: Sha256Hash,
}

impl fmt::Display for PromotionHold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} with remedy {} promoted by {}", self.key.short(), self.remedy.short(), self.promoted)
    }
}

/// A tool of the store that shaped an answer, in canonical order: it held priors back, or let them through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolHold {
    /// What is missing, where it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How it holds back the priors whose first remedy is this one; absent where it lets them through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// `tool`
    pub record: StoreRecord,
    /// The identity of the remedy.
    pub remedy: Sha256Hash,
    /// The store's reports on the bytes of the tool, by SHA-256 of their canonical bytes, sorted.
    pub reports: Vec<Sha256Hash>,
    /// The tool that the remedy runs.
    pub tool: PresentTool,
}

impl fmt::Display for ToolHold {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tool, remedy) = (&self.tool, self.remedy.short());
        write!(formatter, "{tool} {}; remedy {remedy} runs it", self.detail.as_deref().unwrap_or("conforms"))
    }
}

impl ToolHold {
    /// How each tool stands that a store says to be behind a remedy, by the store's own reports.
    ///
    /// ```
    /// use dome_binder::priors::ToolHold;
    /// use dome_core::Sha256Hash;
    /// use dome_core::conformance::{PresentTool, RemedyTool, ToolRecords};
    /// let remedy = Sha256Hash::of(b"");
    /// let tool =
    ///     PresentTool { files: remedy, manifest: remedy, name: "word-count".parse()?, version: "1.0.0".to_owned() };
    /// let records = ToolRecords { reports: Vec::new(), tools: vec![RemedyTool { remedy, tool }] };
    /// let [stands] = &ToolHold::all(&records, None)[..] else { unreachable!() };
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
        let said = self.conformance.tools.iter().chain(&self.store.tools.tools);
        said.filter(move |said| Some(said.remedy) == first).map(|said| &said.tool)
    }

    /// The owner's word for what is known under a key, with these remedies.
    pub(super) fn promoted(&self, key: Sha256Hash, remedies: &[RemedyRecord]) -> Option<OwnersWord> {
        let said = self.store.promotions.iter().find(|said| said.is_for(key, remedies))?;
        Some(said.promoted.clone())
    }

    /// Why the reports at hand do not let a tool be trusted.
    pub(super) fn lacks(&self, tool: &PresentTool, as_of: Option<Timestamp>) -> Option<&'static str> {
        tool.lacks(self.conformance.reports.iter().chain(&self.store.tools.reports), &self.present_tools, as_of)
    }

    /// The remedies that run a tool which nothing vouches for: only whether one comes first holds back some capsules of a
    /// concept and not others.
    #[must_use]
    pub fn distrusted(&self, as_of: Option<Timestamp>) -> BTreeSet<Sha256Hash> {
        let said = self.conformance.tools.iter().chain(&self.store.tools.tools);
        said.filter(|said| self.lacks(&said.tool, as_of).is_some()).map(|said| said.remedy).collect()
    }
}

/// The records of the store that are about priors of an answer, each once.
pub(super) fn store_holds(priors: &[Prior], query: &PriorsQuery, as_of: Option<Timestamp>) -> Vec<StoreHold> {
    let StoreSays { promotions, tools } = &query.store;
    let promotions = promotions.iter().filter(|said| said.retracted.is_none()).map(|said| {
        let Promotion { key, promoted, remedy, .. } = said.clone();
        StoreHold::Promotion(PromotionHold { key, promoted, record: StoreRecord::Promotion, remedy })
    });
    let stands = |said: &RemedyTool| ToolHold::of(said, &tools.reports, query.lacks(&said.tool, as_of));
    let tools = tools.tools.iter().map(|said| StoreHold::Tool(stands(said)));
    promotions.chain(tools).filter(|hold| priors.iter().any(|prior| hold.is_about(prior))).collect()
}
