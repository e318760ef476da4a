//! Verifying a store: the log is read again, and what was derived is held against it. Making it anew from its log.

use std::io::{BufRead, BufReader, BufWriter, IntoInnerError, Seek, Write};
use std::path::Path;

use dome_binder::Rules;
use dome_binder::query::View;
use dome_replay::Watch;
use dome_replay::error::{Context, Invariant, Result};
use schemars::JsonSchema;
use serde::Serialize;

use crate::aside;
use crate::derived::{self, Deriving, derive};
use crate::index::{ENTRIES, Index};
use crate::log::{Damage, Log, LogItem, segment_name};
use crate::records::StoreRecords;
use crate::writer::{Opening, StoreWriter};

const SHOWN: usize = 10;

/// Something that was derived otherwise than the log says; its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "StoreDifference")]
pub struct StoreDifference {
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
pub struct StoreVerification {
    /// Files in the store with bytes that are no part of its log any more.
    pub aside: Vec<String>,
    /// Whether what was derived was held against the log; not where the log has lost what was derived from it.
    pub compared: bool,
    /// What cannot be read.
    pub damage: Vec<Damage>,
    /// How many differences there are.
    pub difference_count: usize,
    /// The first of them.
    pub differences: Vec<StoreDifference>,
    /// Entries that were read.
    pub entries: u64,
    /// Facts that were derived again.
    pub facts: usize,
    /// `"1"`
    pub format_version: &'static str,
    /// What is wrong with the records beside the log, which no question is answered without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<String>,
    /// Segments of the log.
    pub segments: usize,
    /// The store.
    pub store: String,
}

/// Verifies a store. All of the log is read, as far as `store.json` says that it is acknowledged, whatever was derived
/// from it. `compare` holds what was derived against the log, and says whether it could: [`compare_index`].
///
/// # Errors
///
/// When no store stands there, or it cannot be read.
pub fn verify(
    store: &Path,
    compare: impl FnOnce(&Log, &mut StoreVerification) -> Result<bool>,
) -> Result<StoreVerification> {
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
    let (entries, mut damage) = read_through(&log)?;
    damage.extend(log.sealed_damage(&damage)?);
    let last = log.manifest().segments.last().map_or_else(|| segment_name(1), |last| last.name.clone());
    let whole = |is_wrong: bool, what| {
        let positions = (log.end(), log.end() - 1);
        is_wrong.then(|| Damage { length: 0, positions, segment: last.clone(), start: 0, what })
    };
    damage.extend(whole(is_older, "`store.json` is older than the log: whole batches stand behind its end"));
    damage.extend(whole(log.foreign()?.is_some(), "`store.json` and the log are not of one store and generation"));
    let mut report = StoreVerification {
        aside: aside::names(log.store())?,
        compared: true,
        damage,
        difference_count: 0,
        differences: Vec::new(),
        entries,
        facts: 0,
        format_version: "1",
        records: StoreRecords::of(log.store()).err().map(|why| why.chain()),
        segments: log.manifest().segments.len(),
        store: store.display().to_string(),
    };
    report.compared = compare(&log, &mut report)?;
    Ok(report)
}

fn read_through(log: &Log) -> Result<(u64, Vec<Damage>)> {
    let (mut entries, mut damage) = (0, Vec::new());
    for found in log.scan(1) {
        match found? {
            LogItem::Entry { .. } => entries += 1,
            LogItem::Damage(found) => damage.push(found),
        }
    }
    Ok((entries, damage))
}

/// Holds the index of a store against one that is derived again from its log: whether it could.
///
/// An index that holds what the log has lost since is more than the log comes to: no difference says anything then. One
/// that is not there or does not fit is derived again by whoever asks next, and is not compared either.
///
/// # Errors
///
/// When the log cannot be read, or nothing can be derived beside it.
pub fn compare_index(log: &Log, report: &mut StoreVerification) -> Result<bool> {
    let Some(held) = derived::as_derived(log)? else { return Ok(false) };
    let held_log = log.clone().until(held.standing()?.next.saturating_sub(1));
    let folder = tempfile::tempdir().context(|| "cannot make a temporary folder")?;
    let (path, basis) = (folder.path().join("index.sqlite"), derived::basis(&held_log)?);
    let mut lost = false;
    Index::build(&path, basis.clone(), |index| index.catch_up(&held_log, ENTRIES, &mut |_| lost = true))?;
    let again = Index::read(&path, basis)?;
    report.facts = usize::try_from(again.tallies()?.facts).invariant("facts fit into memory")?;
    if lost {
        return Ok(false);
    }
    let mut same = |what: &str, rows: IndexRows<'_>| report.compare(what, &again, &held, rows);
    same("count", &|index, take| {
        take(&serde_json::to_vec(&index.tallies()?).invariant("tallies are JSON")?)?;
        take(index.snapshot_digest()?.to_string().as_bytes())
    })?;
    same("capsule", &|index, take| {
        Ok(index.capsules(|capsule| Ok(take(&serde_json::to_vec(&capsule).invariant("a capsule is JSON")?)?))?)
    })?;
    same("concept", &|index, take| {
        Ok(index.concepts(|concept| Ok(take(&serde_json::to_vec(&concept).invariant("a concept is JSON")?)?))?)
    })?;
    same("quarantined line", &|index, take| {
        let mut lines = index.quarantine(None)?.into_iter();
        lines.try_for_each(|line| take(format!("{}:{}", line.source.name, line.source.line).as_bytes()))
    })?;
    for (name, view) in
        [("recent failure", View::RecentFailures), ("rolled-up gate", View::GateRollup), ("denial", View::GuardDenials)]
    {
        same(name, &|index, take| Ok(index.view(view, |row| Ok(take(row)?))?))?;
    }
    Ok(true)
}

type IndexRows<'r> = &'r dyn Fn(&Index, &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;

impl StoreVerification {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty() && self.difference_count == 0 && self.records.is_none()
    }

    /// Compares rows derived again, which wait in a file so that one of each is in memory, with those that are held.
    fn compare(&mut self, what: &str, again: &Index, held: &Index, rows: IndexRows<'_>) -> Result<()> {
        let failed = || "cannot use a temporary file";
        let mut waiting = BufWriter::new(tempfile::tempfile().context(failed)?);
        // Neither JSON nor the name of a source holds a NUL.
        rows(again, &mut |row| waiting.write_all(row).and_then(|()| waiting.write_all(b"\0")).context(failed))?;
        let mut waiting = waiting.into_inner().map_err(IntoInnerError::into_error).context(failed)?;
        waiting.rewind().context(failed)?;
        let mut expected = BufReader::new(waiting).split(b'\0');
        let mut number = 0;
        rows(held, &mut |found| {
            number += 1;
            self.same(what, number, expected.next().transpose().context(failed)?.as_deref(), Some(found));
            Ok(())
        })?;
        for row in expected {
            number += 1;
            self.same(what, number, Some(&row.context(failed)?), None);
        }
        Ok(())
    }

    fn same(&mut self, what: &str, row: usize, expected: Option<&[u8]>, found: Option<&[u8]>) {
        if expected == found {
            return;
        }
        self.difference_count += 1;
        if self.differences.len() < SHOWN {
            let text = |bytes: Option<&[u8]>| bytes.map_or("nothing".into(), String::from_utf8_lossy).into_owned();
            let (expected, found) = (text(expected), text(found));
            self.differences.push(StoreDifference { expected, found, row, what: what.to_owned() });
        }
    }
}

/// What a rebuild came to; its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// Files in the store with bytes that are no part of its log any more.
    pub aside: Vec<String>,
    /// Places of the log that cannot be read.
    pub damaged: usize,
    /// Entries that can be read.
    pub entries: u64,
    /// `"1"`
    pub format_version: &'static str,
}

impl Rebuilt {
    /// Whether nothing is lost: else whoever rebuilds ends with [`crate::ErrorClass::Unreproduced`].
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.aside.is_empty() && self.damaged == 0
    }
}

/// Makes what stands beside the log anew: the manifest where it is damaged, gone or older than the log, and what was
/// derived. `rules` says by what the store derives from now on; it is given what it derived by, or none where nothing says
/// that any more. The index is derived beside and put in place, so that readers never see an empty store.
///
/// The version is looked at before anything is opened for writing, and nothing is removed: bytes that are no part of the
/// log any more are moved aside, named and counted.
///
/// # Errors
///
/// When there is no store, it is of another version, or it cannot be written.
pub fn rebuild(
    store: &Path,
    opening: Opening,
    rules: &dyn Fn(Option<&Rules>) -> Result<Rules>,
    watch: &dyn Watch,
) -> Result<(Rebuilt, StoreWriter)> {
    let writer = StoreWriter::rebuild(store, opening, rules, watch)?;
    let (entries, damage) = read_through(&writer.log()?)?;
    damage.iter().for_each(|damage| watch.note(&damage.to_string()));
    derive(store, Deriving::Anew, &())?;
    let aside = writer.aside().to_vec();
    Ok((Rebuilt { aside, damaged: damage.len(), entries, format_version: "1" }, writer))
}
