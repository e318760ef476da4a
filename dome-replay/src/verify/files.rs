//! The files of a result: which there are, what each should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use dome_binder::Record;
use dome_core::Sha256Hash;
use serde_json::Value;
use walkdir::WalkDir;

use super::compare;
use super::findings::Findings;
use super::{facts, quarantine};
use crate::door::{Masking, Redacted};
use crate::engine::{Limits, Spec};
use crate::error::{Context, Result};
use crate::replay::{Input, Records, ReplayedRows, replay_rows};
use crate::result::{Beside, FileEntry, MANIFEST, Manifest, Named, ResultFile, manifest_bytes, manifest_digest};
use crate::summary::Totals;

/// What was looked at.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// Files whose bytes are not those that the manifest names.
    pub(super) edited: BTreeSet<String>,
    /// Facts that were computed from; `None` when nothing could be.
    pub(super) facts: Option<u64>,
    /// Rows and documents that were compared.
    pub(super) rows: u64,
}

/// Compares a result with what its facts come to.
///
/// # Errors
///
/// When there is no result, or a file of it cannot be read.
pub(super) fn check(dir: &Path, findings: &mut Findings) -> Result<Checked> {
    let manifest = manifest_bytes(dir)?;
    let files = files(dir, findings)?;
    let named = match Named::parse(&manifest) {
        Ok(named) => named,
        Err(why) => {
            findings.add(MANIFEST, Some(1), why.pointer(), "a manifest that this build reads", &why.to_string());
            return Ok(Checked { edited: [MANIFEST.to_owned()].into(), ..Checked::default() });
        }
    };
    let bytes = |file: ResultFile| files.get(file.name()).map_or(&[][..], Vec::as_slice);
    let records = facts::records(&named, bytes(ResultFile::Facts), bytes(ResultFile::Lineage), findings);
    quarantine::check(&named, bytes(ResultFile::Quarantine), records.as_deref(), findings);
    let facts = records.as_ref().map(|records| records.len() as u64);
    let replayed = records.map(|records| replayed(records, &named)).transpose()?;
    if let Some(replayed) = &replayed {
        // No fact speaks of the quarantine.
        for (file, expected) in replayed.files.iter().filter(|(file, _)| **file != ResultFile::Quarantine) {
            compare::file(file.name(), expected, bytes(*file), findings);
        }
    }
    let mut checked = Checked { facts, ..Checked::default() };
    digests(&named, &files, &mut checked, findings);
    document(&named, &manifest, &files, replayed.as_ref(), &mut checked, findings)?;
    checked.rows = 1 + files.values().map(|bytes| compare::lines(bytes).count() as u64).sum::<u64>();
    Ok(checked)
}

/// Reads every file; one that is missing or that no result has is a difference.
///
/// Names that begin with `.dome-` at the top are caches that `dome` makes, no part of a result.
fn files(dir: &Path, findings: &mut Findings) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let cache =
        |entry: &walkdir::DirEntry| entry.depth() == 1 && entry.file_name().to_string_lossy().starts_with(".dome-");
    for entry in WalkDir::new(dir).sort_by_file_name().into_iter().filter_entry(|entry| !cache(entry)) {
        let entry = entry.context(|| format!("cannot walk `{}`", dir.display()))?;
        let steps = entry.path().strip_prefix(dir).unwrap_or(entry.path());
        let name = steps.iter().map(|step| step.to_string_lossy()).collect::<Vec<_>>().join("/");
        if name == MANIFEST || (entry.file_type().is_dir() && matches!(name.as_str(), "" | "views")) {
            continue;
        }
        if ResultFile::ALL.iter().any(|file| file.name() == name) && entry.file_type().is_file() {
            let bytes = fs::read(entry.path()).context(|| format!("cannot read `{}`", entry.path().display()))?;
            files.insert(name, bytes);
        } else {
            findings.add(&name, None, "", "nothing", "something that is no part of a result");
        }
    }
    for name in ResultFile::ALL.map(ResultFile::name).into_iter().filter(|name| !files.contains_key(*name)) {
        findings.add(name, None, "", "a file", "nothing");
    }
    Ok(files)
}

/// What the facts come to.
#[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer moves, not the record")]
fn replayed(records: Vec<Box<Record>>, named: &Named) -> Result<ReplayedRows> {
    let masking = Masking::off();
    let spec = Spec {
        rules: &named.rules,
        binder: named.binder,
        not_after: named.not_after,
        masking: &masking,
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        limits: Limits::within(u64::MAX),
    };
    replay_rows(spec, named.as_of, Input::Records(Box::new(Records::of(records))), &())
}

fn entry(bytes: &[u8]) -> FileEntry {
    FileEntry { lines: dome_core::line_feeds(bytes), sha256: Sha256Hash::of(bytes) }
}

/// Holds every file to the digest that the manifest names: what recomputation cannot contradict,
/// such as the line that a fact stood on, speaks here.
fn digests(named: &Named, files: &BTreeMap<String, Vec<u8>>, checked: &mut Checked, findings: &mut Findings) {
    let shown = |entry: &FileEntry| format!("sha256 {} of {} lines", entry.sha256, entry.lines);
    let listed = named.files.keys().map(String::as_str);
    let names: BTreeSet<&str> = ResultFile::ALL.map(ResultFile::name).into_iter().chain(listed).collect();
    for name in names {
        let (wanted, given) = (named.files.get(name), files.get(name).map(|bytes| entry(bytes)));
        if wanted != given.as_ref() {
            let shown = |entry: Option<&FileEntry>| entry.map_or_else(|| "nothing".to_owned(), shown);
            findings.add(name, None, "", &shown(wanted), &shown(given.as_ref()));
            checked.edited.insert(name.to_owned());
        }
    }
}

/// Compares the manifest with the one that the facts, the rules and its own counts come to.
fn document(
    named: &Named,
    found: &[u8],
    files: &BTreeMap<String, Vec<u8>>,
    replayed: Option<&ReplayedRows>,
    checked: &mut Checked,
    findings: &mut Findings,
) -> Result<()> {
    let before = findings.count;
    let digest = manifest_digest(named.document.clone()).map(|digest| digest.to_string());
    let given = named.document.get("manifest_digest").and_then(Value::as_str);
    if let Some(replayed) = replayed {
        let totals = &replayed.summary.totals;
        let wanted = Manifest::computed(&named.rules, totals, beside(named, totals, files), named.files.clone())?;
        compare::file(MANIFEST, &wanted.to_bytes(), found, findings);
    } else if digest.as_deref() != given {
        findings.add(
            MANIFEST,
            Some(1),
            "/manifest_digest",
            &digest.clone().unwrap_or_default(),
            given.unwrap_or("nothing"),
        );
    }
    if findings.count > before && digest.as_deref() != given {
        checked.edited.insert(MANIFEST.to_owned());
    }
    Ok(())
}

/// What a manifest says of masked secrets, made again from the rules that it names; the counts are
/// taken at their word.
fn redacted(document: &Value) -> Option<Redacted> {
    let said = document.get("redaction")?;
    let counts = said.get("counts")?.as_object()?;
    let counts = counts.iter().filter_map(|(rule, count)| Some((rule.clone(), count.as_u64()?))).collect();
    Masking::recorded(said.get("rules")).ok()?.redacted(counts)
}

/// What a manifest says beside its facts. Lines add up (L-3); what left no row is taken at its word,
/// for which the manifest's own digest speaks.
fn beside(named: &Named, totals: &Totals, files: &BTreeMap<String, Vec<u8>>) -> Beside {
    let count = |name: &str| named.document.pointer(&format!("/counts/{name}")).and_then(Value::as_u64).unwrap_or(0);
    let (blank, duplicates) = (count("blank"), count("duplicates"));
    let quarantined = files.get(ResultFile::Quarantine.name()).map_or(0, |bytes| compare::lines(bytes).count() as u64);
    let lines = [totals.facts, duplicates, quarantined].into_iter().fold(blank, u64::saturating_add);
    let redacted = redacted(&named.document);
    Beside { binder: named.binder, not_after: named.not_after, lines, blank, duplicates, quarantined, redacted }
}
