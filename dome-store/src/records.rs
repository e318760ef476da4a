//! `records.json`: what a store keeps beside its facts: which tool a remedy runs, the conformance reports on tools, and
//! what owners promoted ([`crate::memory`]).
//!
//! Such records shape answers only, and are named in them ([`store_holds`](dome_binder::priors::Priors::store_holds)): a
//! prescription whose remedy has a tool is held (M-92, `tool_not_conformant`) unless a current report on the tool's bytes is
//! here. Facts, capsules and artifacts do not depend on them: they are not exported; a rebuild leaves them as they are, and
//! a merged store has those of both.
//!
//! ```
//! use dome_core::Sha256Hash;
//! use dome_core::conformance::{PresentTool, RemedyTool};
//! use dome_store::records::{read, remove_tool, set_tool};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (input, store) = (folder.path().join("night.jsonl"), folder.path().join("memory"));
//! # std::fs::write(&input, dome_core::EXAMPLE_LINE)?;
//! # dome_store::ingest(
//! #     &store,
//! #     dome_store::Ingest {
//! #         inputs: &[input], follow: false, masking: dome_replay::Masking::load(None)?, not_after: None,
//! #         rules: &|_| Ok(dome_replay::load_rules(None, dome_replay::CodeSources::default(), None)?), opening: dome_store::Opening::default(),
//! #     },
//! #     &dome_store::Stop::never(), &mut |_| Ok(()), &(),
//! # )?;
//! let (files, manifest) = (Sha256Hash::of(b"tool.py"), Sha256Hash::of(b"manifest.json"));
//! let tool = PresentTool { files, manifest, name: "word-count".parse()?, version: "1.0.0".to_owned() };
//! let remedy = Sha256Hash::of(b"a remedy");
//! set_tool(&store, RemedyTool { remedy, tool })?;
//! assert_eq!(read(&store)?.tools.len(), 1);
//! remove_tool(&store, remedy)?;
//! assert!(read(&store)?.tools.is_empty());
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use dome_binder::priors::{OwnersWord, Promotion, StoreSays, ToolHold};
use dome_core::conformance::{ConformanceReport, RemedyTool, ToolRecords};
use dome_core::{Sha256Hash, Timestamp};
use dome_replay::Watch;
use dome_replay::error::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::aside;
use crate::folder::StoreFolder;
use crate::index::FactsIn;
use crate::lock::WriterLock;
use crate::log::{self, StoreManifest};
use crate::signed::{self, SignedDocument};

/// The revision that was kept last, so that records that are gone, or older ones in their place, are found out.
const HEAD: &str = "records.head";
/// A number and a line feed.
const HEAD_BYTES: u64 = 21;
/// The lock of whoever changes the records.
const LOCK: &str = "records.lock";
/// How long another one is waited for; each holds it for a moment.
const WAIT: Duration = Duration::from_secs(10);

/// What a store keeps beside its facts, its members in canonical order: one list for each kind of record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreRecords {
    /// The version of this document.
    #[schemars(extend("const" = "1"))]
    pub format_version: String,
    /// What owners promoted, sorted; what was taken back stays.
    pub promotions: Vec<Promotion>,
    /// Conformance reports, by their digests; one of a gate on the bytes of a tool.
    pub reports: Vec<ConformanceReport>,
    /// How often they were changed.
    pub revision: u64,
    /// The identity of the store that it is of.
    pub store: String,
    /// The tools behind remedies, sorted.
    pub tools: Vec<RemedyTool>,
}

impl StoreRecords {
    fn none(store: &str) -> Self {
        Self {
            format_version: Self::VERSION.to_owned(),
            promotions: Vec::new(),
            reports: Vec::new(),
            revision: 0,
            store: store.to_owned(),
            tools: Vec::new(),
        }
    }

    /// The records of a store that is open.
    ///
    /// # Errors
    ///
    /// As [`signed::read`], and when later ones were kept: what is gone must not be taken for nothing said.
    pub(crate) fn of(folder: &StoreFolder) -> Result<Self> {
        let store = StoreManifest::read(folder)?.store;
        // First: whoever changes the records writes it last.
        let kept = revision_kept(folder)?;
        let read = signed::read(folder, &store)?;
        let found = read.as_ref().map(|records: &Self| records.revision);
        if found.unwrap_or_default() >= kept {
            return Ok(read.unwrap_or_else(|| Self::none(&store)));
        }
        let found = found.map_or_else(|| "is gone".to_owned(), |found| format!("is of revision {found}"));
        let why = format!("{found}, and revision {kept} was kept: records are lost");
        Err(signed::refused::<Self>(folder, &why))
    }

    /// Keeps what has changed as the next revision: whole, or not at all.
    pub(crate) fn keep(self, folder: &StoreFolder) -> Result<Self> {
        let mut next = self.sorted();
        next.revision += 1;
        signed::write(folder, &next)?;
        // The records are kept without it; the next change writes it again.
        let _behind = folder.replace(HEAD, format!("{}\n", next.revision).as_bytes());
        Ok(next)
    }

    /// What is said, for a question.
    #[must_use]
    pub fn says(self) -> StoreSays {
        let Self { promotions, reports, tools, .. } = self;
        StoreSays { promotions, tools: ToolRecords { reports, tools } }
    }

    /// Records of two stores in one: what either of them holds back, this one holds back.
    pub(crate) fn united(sides: [Self; 2], store: &str) -> Self {
        let mut united = Self::none(store);
        let mut promotions = BTreeMap::new();
        for Self { promotions: said, reports, tools, .. } in sides {
            united.reports.extend(reports);
            united.tools.extend(tools);
            for Promotion { key, promoted, remedy, retracted } in said {
                let known: &mut Option<OwnersWord> = promotions.entry((key, promoted, remedy)).or_default();
                *known = [known.take(), retracted].into_iter().flatten().min();
            }
        }
        let promotions = promotions.into_iter();
        united.promotions = promotions
            .map(|((key, promoted, remedy), retracted)| Promotion { key, promoted, remedy, retracted })
            .collect();
        united
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.promotions.is_empty() && self.reports.is_empty() && self.tools.is_empty()
    }

    fn sorted(mut self) -> Self {
        self.reports.sort_by_cached_key(ConformanceReport::digest);
        self.reports.dedup();
        self.promotions.sort_unstable();
        self.promotions.dedup();
        self.tools.sort_unstable();
        self.tools.dedup();
        self
    }

    /// Puts a report in the place of what the same gate said of the same bytes before.
    fn put(&mut self, report: ConformanceReport) {
        let gate = |report: &ConformanceReport| report.gate.as_ref().map(|gate| gate.name.clone());
        let is_same = |other: &ConformanceReport| {
            (&other.tool, &other.digests, gate(other)) == (&report.tool, &report.digests, gate(&report))
        };
        self.reports.retain(|other| !is_same(other));
        self.reports.push(report);
    }

    /// Takes away what a remedy runs, and the reports on tools that no other remedy runs.
    fn take_away(&mut self, remedy: Sha256Hash) {
        let (gone, kept): (Vec<_>, Vec<_>) = self.tools.drain(..).partition(|said| said.remedy == remedy);
        let is_on =
            |tools: &[RemedyTool], report: &ConformanceReport| tools.iter().any(|said| report.is_on(&said.tool));
        self.reports.retain(|report| !is_on(&gone, report) || is_on(&kept, report));
        self.tools = kept;
    }
}

impl SignedDocument for StoreRecords {
    const NAME: &'static str = "records.json";
    const MEMBER: &'static str = "records";
    const VERSION: &'static str = "1";
    const MOST_BYTES: u64 = 16 << 20;
    const MEND: (&'static str, &'static str) = (
        "dome store tool clear --store",
        "begins anew: what is left goes to `aside/`, and what it said has to be said again",
    );

    fn store(&self) -> &str {
        &self.store
    }

    fn is_possible(&self) -> bool {
        self.revision > 0 && self.reports.iter().all(|report| report.check().is_ok()) && self.clone().sorted() == *self
    }
}

/// The records of a store.
///
/// # Errors
///
/// When no store stands there, or its records are damaged: nobody knows then what they hold back.
pub fn read(store: &Path) -> Result<StoreRecords> {
    StoreRecords::of(&log::open_store(store)?)
}

/// Says which tool a remedy runs, in the place of what was said of that remedy before.
///
/// # Errors
///
/// As [`read`], and when the store cannot be written.
pub fn set_tool(store: &Path, said: RemedyTool) -> Result<StoreRecords> {
    change(store, |records| {
        records.tools.retain(|other| other.remedy != said.remedy);
        records.tools.push(said);
        Ok(())
    })
}

/// Takes away what was said of a remedy, and the reports on tools that no other remedy runs.
///
/// # Errors
///
/// As [`set_tool`], and when nothing is said of that remedy.
pub fn remove_tool(store: &Path, remedy: Sha256Hash) -> Result<StoreRecords> {
    change(store, |records| {
        if records.tools.iter().any(|said| said.remedy == remedy) {
            records.take_away(remedy);
            return Ok(());
        }
        Err(Error::usage(format!(
            "no tool is said to be behind remedy {remedy}; `dome store tool list` shows those that are"
        )))
    })
}

/// Keeps a conformance report, in the place of what the same gate said of the same bytes before.
///
/// # Errors
///
/// As [`set_tool`], and when the report contradicts itself.
pub fn put_report(store: &Path, report: ConformanceReport) -> Result<StoreRecords> {
    report.check().map_err(|why| Error::invalid(why.to_string()))?;
    change(store, |records| {
        records.put(report);
        Ok(())
    })
}

/// Begins anew: what stood there is moved to `aside/`, whatever it was; under which name, if something was.
///
/// # Errors
///
/// When no store stands there, or it cannot be written.
pub fn clear(store: &Path) -> Result<Option<String>> {
    let (folder, _lock) = locked(store)?;
    // First: what is moved away is not lost.
    folder.remove(HEAD)?;
    let found = folder.find(StoreRecords::NAME)?;
    found.map(|_| aside::whole(&folder, &folder, StoreRecords::NAME)).transpose()
}

fn locked(store: &Path) -> Result<(StoreFolder, WriterLock)> {
    let folder = log::open_store(store)?;
    // Nothing is left in a folder that is no store.
    StoreManifest::read(&folder)?;
    let lock = WriterLock::take(&folder, LOCK, WAIT)?;
    Ok((folder, lock))
}

/// The revision that was kept last; 0 where none was.
fn revision_kept(folder: &StoreFolder) -> Result<u64> {
    let Some(bytes) = folder.bytes(HEAD, HEAD_BYTES)? else { return Ok(0) };
    let text = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_suffix('\n'));
    text.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let head = format!("cannot be held against `{HEAD}`, which is damaged: it has no number of a revision");
        signed::refused::<StoreRecords>(folder, &head)
    })
}

pub(crate) fn change(store: &Path, change: impl FnOnce(&mut StoreRecords) -> Result<()>) -> Result<StoreRecords> {
    let (folder, _lock) = locked(store)?;
    let mut records = StoreRecords::of(&folder)?;
    change(&mut records)?;
    records.keep(&folder)
}

/// The records of a store as `dome store tool list` prints them, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ShownRecords {
    /// The instant that reports have to be current at: the last fact's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// The version of this document.
    pub format_version: &'static str,
    /// Conformance reports, by their digests.
    pub reports: Vec<ConformanceReport>,
    /// The tools behind remedies, and how they stand: what an answer would say of them.
    pub tools: Vec<ToolHold>,
}

/// Looks at the records of a store, and whether its tools may be trusted as of its last fact.
///
/// # Errors
///
/// As [`read`].
pub fn show(store: &Path, watch: &dyn Watch) -> Result<ShownRecords> {
    let as_of = FactsIn::Store(store).ask(watch, |known| known.index.as_of())?;
    let records = read(store)?.says().tools;
    Ok(ShownRecords { as_of, format_version: "1", tools: ToolHold::all(&records, as_of), reports: records.reports })
}
