//! The files of a result: which there are, what each should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context;
use dome_binder::{Lineage, Replay, append_fact, append_row, views};
use dome_core::{Sha256Hash, canonical};
use serde::Serialize;
use serde_json::Value;
use walkdir::WalkDir;

use super::compare;
use super::findings::Findings;
use super::quarantine::QUARANTINE;
use super::{facts, quarantine};
use crate::artifacts::{Beside, FileEntry, Manifest, Totals, manifest_digest};
use crate::result::{FACTS, LINEAGE, MANIFEST, Named, manifest_bytes};
use dome_replay::{Masking, Redacted};

/// Every file that a result has beside its manifest, in the order in which one follows from another.
const FILES: [&str; 8] = [
    FACTS,
    LINEAGE,
    "capsules.jsonl",
    "concepts.jsonl",
    "views/mv_recent_failures_by_taskspec.jsonl",
    "views/mv_gate_rollup_by_failure_reason_code.jsonl",
    "views/mv_guard_denials_by_policy_reason_code.jsonl",
    QUARANTINE,
];

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
pub(super) fn check(dir: &Path, findings: &mut Findings) -> anyhow::Result<Checked> {
    let manifest = manifest_bytes(dir)?;
    let files = files(dir, findings)?;
    let named = match Named::parse(&manifest) {
        Ok(named) => named,
        Err(why) => {
            findings.add(MANIFEST, Some(1), why.pointer(), "a manifest that this build reads", &why.to_string());
            return Ok(Checked { edited: [MANIFEST.to_owned()].into(), ..Checked::default() });
        }
    };
    let bytes = |name: &str| files.get(name).map(Vec::as_slice).unwrap_or_default();
    let replay = facts::replay(&named, bytes(FACTS), bytes(LINEAGE), findings);
    if let Some(replay) = &replay {
        for (name, expected) in expected(replay, &named) {
            compare::file(name, &expected, bytes(name), findings);
        }
    }
    let facts = replay.as_ref().map(|replay| replay.ledger.facts.as_slice());
    quarantine::check(&named, bytes(QUARANTINE), facts, findings);
    let mut checked = Checked { facts: facts.map(|facts| facts.len() as u64), ..Checked::default() };
    digests(&named, &files, &mut checked, findings);
    document(&named, &manifest, &files, replay.as_ref(), &mut checked, findings);
    checked.rows = 1 + files.values().map(|bytes| compare::lines(bytes).count() as u64).sum::<u64>();
    Ok(checked)
}

/// Reads every file; one that is missing or that no result has is a difference.
///
/// Names that begin with `.dome-` at the top are caches that `dome` makes, no part of a result.
fn files(dir: &Path, findings: &mut Findings) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let cache =
        |entry: &walkdir::DirEntry| entry.depth() == 1 && entry.file_name().to_string_lossy().starts_with(".dome-");
    for entry in WalkDir::new(dir).sort_by_file_name().into_iter().filter_entry(|entry| !cache(entry)) {
        let entry = entry.with_context(|| format!("cannot walk `{}`", dir.display()))?;
        let steps = entry.path().strip_prefix(dir).unwrap_or(entry.path());
        let name = steps.iter().map(|step| step.to_string_lossy()).collect::<Vec<_>>().join("/");
        if name == MANIFEST || (entry.file_type().is_dir() && matches!(name.as_str(), "" | "views")) {
            continue;
        }
        if FILES.contains(&name.as_str()) && entry.file_type().is_file() {
            let bytes = fs::read(entry.path()).with_context(|| format!("cannot read `{}`", entry.path().display()))?;
            files.insert(name, bytes);
        } else {
            findings.add(&name, None, "", "nothing", "something that is no part of a result");
        }
    }
    for name in FILES.into_iter().filter(|name| !files.contains_key(*name)) {
        findings.add(name, None, "", "a file", "nothing");
    }
    Ok(files)
}

/// The bytes that every file should have, but for the quarantine, which no fact speaks of.
fn expected(replay: &Replay, named: &Named) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let facts = &replay.ledger.facts;
    let mut rows = Vec::new();
    for (fact, bound) in facts.iter().zip(&replay.bound) {
        append_fact(fact, fact.canonical.held().unwrap_or_default(), bound, &named.rules, &mut rows);
    }
    let files = [
        rows,
        written(facts.iter().map(Lineage::of)),
        written(&replay.derived.capsules),
        written(&replay.derived.concepts),
        written(views::recent_failures(facts)),
        written(views::gate_rollup(facts)),
        written(views::guard_denials(facts)),
    ];
    FILES.into_iter().zip(files)
}

fn written<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    rows.into_iter().for_each(|row| append_row(&row, &mut bytes));
    bytes
}

fn entry(bytes: &[u8]) -> FileEntry {
    FileEntry { lines: dome_core::line_feeds(bytes), sha256: Sha256Hash::of(bytes) }
}

/// Holds every file to the digest that the manifest names: what recomputation cannot contradict,
/// such as the line that a fact stood on, speaks here.
fn digests(named: &Named, files: &BTreeMap<String, Vec<u8>>, checked: &mut Checked, findings: &mut Findings) {
    let shown = |entry: &FileEntry| format!("sha256 {} of {} lines", entry.sha256, entry.lines);
    let listed = named.files.keys().map(String::as_str);
    let names: BTreeSet<&str> = FILES.into_iter().chain(listed).collect();
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
    replay: Option<&Replay>,
    checked: &mut Checked,
    findings: &mut Findings,
) {
    let before = findings.count;
    let digest = manifest_digest(named.document.clone()).map(|digest| digest.to_string());
    let given = named.document.get("manifest_digest").and_then(Value::as_str);
    if let Some(replay) = replay {
        let totals = Totals::of(replay);
        let wanted = Manifest::computed(&named.rules, &totals, beside(named, replay, files), named.files.clone());
        let mut bytes = canonical::to_vec(&wanted).unwrap_or_default();
        bytes.push(b'\n');
        compare::file(MANIFEST, &bytes, found, findings);
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
fn beside(named: &Named, replay: &Replay, files: &BTreeMap<String, Vec<u8>>) -> Beside {
    let count = |name: &str| named.document.pointer(&format!("/counts/{name}")).and_then(Value::as_u64).unwrap_or(0);
    let (blank, duplicates) = (count("blank"), count("duplicates"));
    let quarantined = files.get(QUARANTINE).map_or(0, |bytes| compare::lines(bytes).count() as u64);
    let lines =
        [replay.ledger.facts.len() as u64, duplicates, quarantined].into_iter().fold(blank, u64::saturating_add);
    let redacted = redacted(&named.document);
    Beside { binder: named.binder, not_after: named.not_after, lines, blank, duplicates, quarantined, redacted }
}
