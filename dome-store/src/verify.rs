//! Verifying a store: the log is read again, and what was derived is held against it.

use std::cmp::Ordering;
use std::path::Path;

use dome_binder::query::View;
use schemars::JsonSchema;
use serde::Serialize;

use crate::aside;
use crate::derived;
use crate::index::{ENTRIES, Index};
use crate::log::{Damage, Found, Log};
use dome_replay::error::{Context, Invariant, Result};

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
/// from it. `compare` holds what was derived against the log, and says whether it could: [`compare_index`].
///
/// # Errors
///
/// When no store stands there, or it cannot be read.
pub fn verify(store: &Path, compare: impl FnOnce(&Log, &mut Report) -> Result<bool>) -> Result<Report> {
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
    let (mut entries, mut damage) = (0, Vec::new());
    for found in log.scan(1) {
        match found? {
            Found::Entry { .. } => entries += 1,
            Found::Damage(found) => damage.push(found),
        }
    }
    let mut report = Report {
        aside: aside::names(log.store())?,
        compared: true,
        damage: damage.clone(),
        difference_count: 0,
        differences: Vec::new(),
        entries,
        facts: 0,
        format_version: "1",
        segments: log.manifest().segments.len(),
        store: store.display().to_string(),
    };
    report.damage.extend(log.sealed_damage(&damage)?);
    let foreign = log.foreign()?;
    let last = log.manifest().segments.last();
    let last = last.map_or_else(|| crate::log::segment_name(1), |last| last.name.clone());
    let whole =
        |what| Damage { length: 0, positions: (log.end(), log.end() - 1), segment: last.clone(), start: 0, what };
    report
        .damage
        .extend(is_older.then(|| whole("`store.json` is older than the log: whole batches stand behind its end")));
    report
        .damage
        .extend(foreign.is_some().then(|| whole("`store.json` and the log are not of one store and generation")));
    report.compared = compare(&log, &mut report)?;
    Ok(report)
}

/// Holds the index of a store against one that is derived again from its log: whether it could.
///
/// An index that holds what the log has lost since is more than the log comes to: no difference says anything then. One
/// that is not there or does not fit is derived again by whoever asks next, and is not compared either.
///
/// # Errors
///
/// When the log cannot be read, or nothing can be derived beside it.
pub fn compare_index(log: &Log, report: &mut Report) -> Result<bool> {
    let Some(held) = derived::as_derived(log)? else { return Ok(false) };
    let held_log = log.reopened()?.until(held.standing()?.next.saturating_sub(1));
    let folder = tempfile::tempdir().context(|| "cannot make a temporary folder")?;
    let (path, basis) = (folder.path().join("index.sqlite"), derived::basis(&held_log)?);
    let mut lost = false;
    Index::build(&path, basis.clone(), |index| index.catch_up(&held_log, ENTRIES, &mut |_| lost = true))?;
    let again = Index::read(&path, basis)?;
    report.facts = usize::try_from(again.tallies()?.facts).invariant("facts fit into memory")?;
    if lost {
        return Ok(false);
    }
    let tallies = |index: &Index| -> Result<Lines> {
        let text = serde_json::to_vec(&index.tallies()?).invariant("tallies are JSON")?;
        Ok(vec![Ok(text), Ok(index.snapshot_digest()?.to_string().into_bytes())])
    };
    report.hold("count", tallies(&again)?, tallies(&held)?)?;
    report.hold("capsule", capsules(&again)?, capsules(&held)?)?;
    report.hold("concept", concepts(&again)?, concepts(&held)?)?;
    report.hold("quarantined line", quarantine(&again)?, quarantine(&held)?)?;
    for (name, view) in
        [("recent failure", View::RecentFailures), ("rolled-up gate", View::GateRollup), ("denial", View::GuardDenials)]
    {
        report.hold(name, rows(&again, view)?, rows(&held, view)?)?;
    }
    Ok(true)
}

type Lines = Vec<Result<Vec<u8>>>;

fn capsules(index: &Index) -> Result<Lines> {
    let mut lines = Vec::new();
    index.capsules(|capsule| {
        lines.push(serde_json::to_vec(&capsule).invariant("a capsule is JSON"));
        Ok(())
    })?;
    Ok(lines)
}

fn concepts(index: &Index) -> Result<Lines> {
    let mut lines = Vec::new();
    index.concepts(|concept| {
        lines.push(serde_json::to_vec(&concept).invariant("a concept is JSON"));
        Ok(())
    })?;
    Ok(lines)
}

fn quarantine(index: &Index) -> Result<Lines> {
    let place =
        |line: crate::index::RejectedLine| Ok(format!("{}:{}", line.source.name, line.source.line).into_bytes());
    Ok(index.quarantine(None)?.into_iter().map(place).collect())
}

fn rows(index: &Index, view: View) -> Result<Lines> {
    let mut lines = Vec::new();
    index.view(view, |row| {
        lines.push(Ok(row.to_vec()));
        Ok(())
    })?;
    Ok(lines)
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
