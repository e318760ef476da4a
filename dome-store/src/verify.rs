//! Verifying a store: the log is read again, and what was derived is held against it.

use std::cmp::Ordering;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::aside;
use crate::error::Result;
use crate::history::History;
use crate::log::{Damage, Log};

/// Differences that are shown.
const SHOWN: usize = 10;

/// Something that was derived otherwise than the log says; its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "StoreDifference")]
pub struct Difference {
    /// What the log comes to.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Which row, from 1.
    pub row: usize,
    /// Of what.
    pub what: String,
}

/// What verifying came to; its members in canonical order. The document of `dome schema store-verification`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "StoreVerification")]
pub struct Report {
    /// Files in the store with bytes that are no part of its log any more.
    pub aside: Vec<String>,
    /// Whether what was derived was held against the log; not where the log has lost what was derived from it.
    pub compared: bool,
    /// What cannot be read.
    pub damage: Vec<Damage>,
    /// How many differences there are.
    pub difference_count: usize,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// Entries that were read.
    pub entries: u64,
    /// Facts that were derived again.
    pub facts: usize,
    /// `"1"`
    pub format_version: &'static str,
    /// Segments of the log.
    pub segments: usize,
    /// The store.
    pub store: String,
}

/// How damage is told.
#[must_use]
pub fn told(damage: &Damage) -> String {
    let Damage { length, positions: (first, last), segment, start, what } = damage;
    let entries = match last.cmp(first) {
        Ordering::Less => "no entry".to_owned(),
        Ordering::Equal => format!("entry {first}"),
        Ordering::Greater => format!("entries {first} to {last}"),
    };
    format!("`log/{segment}`, byte {start}, {length} bytes, {entries}: {what}")
}

/// Verifies a store. All of the log is read, as far as `store.json` says that it is acknowledged, whatever was derived
/// from it. `compare` holds what was derived against the log, with [`Report::hold`], and says whether it could.
///
/// # Errors
///
/// When no store stands there, or it cannot be read.
pub fn verify(
    store: &Path,
    compare: impl FnOnce(&Log, History, &mut Report) -> Result<bool>,
) -> Result<Report> {
    let mut log = Log::open(store)?;
    // A writer may go on meanwhile: only a manifest that is still the same is older than its log.
    let is_older = loop {
        let is_ahead = log.is_ahead_of_manifest()?;
        let now = Log::open(store)?;
        if now.manifest() == log.manifest() {
            break is_ahead;
        }
        log = now;
    };
    let history = History::read(&log)?;
    let mut report = Report {
        aside: aside::names(log.store())?,
        compared: true,
        damage: history.damage.clone(),
        difference_count: 0,
        differences: Vec::new(),
        entries: history.entries,
        facts: 0,
        format_version: "1",
        segments: log.manifest().segments.len(),
        store: store.display().to_string(),
    };
    report.damage.extend(log.sealed_damage(&history.damage)?);
    let foreign = log.foreign()?;
    let last = log.manifest().segments.last();
    let last = last.map_or_else(|| crate::log::segment_name(1), |last| last.name.clone());
    let whole = |what| Damage { length: 0, positions: (log.end(), log.end() - 1), segment: last.clone(), start: 0, what };
    report.damage.extend(is_older.then(|| whole("`store.json` is older than the log: whole batches stand behind its end")));
    report.damage.extend(foreign.is_some().then(|| whole("`store.json` and the log are not of one store and generation")));
    report.compared = compare(&log, history, &mut report)?;
    Ok(report)
}

impl Report {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty() && self.difference_count == 0
    }

    /// Holds rows that were found against those that are expected, one by one.
    ///
    /// # Errors
    ///
    /// Those of the rows.
    pub fn hold(
        &mut self,
        what: &str,
        expected: impl IntoIterator<Item = Result<Vec<u8>>>,
        found: impl IntoIterator<Item = Result<Vec<u8>>>,
    ) -> Result<()> {
        let (mut expected, mut found) = (expected.into_iter(), found.into_iter());
        for row in 1.. {
            let (expected, found) = (expected.next().transpose()?, found.next().transpose()?);
            if expected.is_none() && found.is_none() {
                break;
            }
            if expected != found {
                self.differs(what, row, expected.as_deref(), found.as_deref());
            }
        }
        Ok(())
    }

    fn differs(&mut self, what: &str, row: usize, expected: Option<&[u8]>, found: Option<&[u8]>) {
        self.difference_count += 1;
        if self.differences.len() < SHOWN {
            let text = |bytes: Option<&[u8]>| bytes.map_or("nothing".into(), String::from_utf8_lossy).into_owned();
            let (expected, found) = (text(expected), text(found));
            self.differences.push(Difference { expected, found, row, what: what.to_owned() });
        }
    }
}
