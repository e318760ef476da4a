//! Every hash, key, counter and row of a result, computed again from its facts (L-10).

mod compare;
mod quarantine;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use dome_binder::{Record, Recorder};
use dome_core::{Reader, Sha256Hash, Source, escaped_path};
use serde::Serialize;
use serde_json::Value;
use walkdir::WalkDir;

use crate::door::{Masking, Redacted};
use crate::engine::{Limits, Spec};
use crate::error::{Context, Result};
use crate::replay::{Input, Records, ReplayedRows, replay_rows};
use crate::result::{
    FileEntry, MANIFEST, Manifest, ManifestInputs, Named, ResultFile, envelope_of, manifest_bytes, manifest_digest,
    source_of,
};
use crate::summary::Totals;
use compare::lines;

const VALUE_CHARS: usize = 160;

/// How a verification ended, its members in canonical order.
#[derive(Clone, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Verification {
    /// How many differences there are.
    pub difference_count: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// Files whose bytes are not those that the manifest names: where to look first.
    pub edited: BTreeSet<String>,
    /// Facts that everything was computed from; absent when some fact could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<u64>,
    /// The version of this document.
    pub format_version: &'static str,
    /// The directory, as it was given.
    pub result: String,
    /// Lines that were compared.
    pub rows: u64,
    /// Whether nothing differs.
    pub verified: bool,
}

/// One difference, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Difference {
    /// What the facts and the rules come to, as canonical JSON where it is a value.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// The line of the file, from 1; absent for the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The member, as a JSON Pointer; empty for the whole line or file.
    pub member: String,
    /// The file, from the directory of the result.
    pub path: String,
}

/// Computes a result again from its facts and the rules that its manifest names, and compares. At most `most`
/// differences are listed; all are counted.
///
/// # Errors
///
/// When there is no result, or a file of it cannot be read.
pub fn verify(dir: &Path, most: usize) -> Result<Verification> {
    let mut differences = Differences { first: Vec::new(), count: 0, most };
    let checked = check(dir, &mut differences)?;
    Ok(Verification {
        difference_count: differences.count,
        differences: differences.first,
        format_version: "1",
        result: dir.display().to_string(),
        verified: differences.count == 0,
        ..checked
    })
}

struct Differences {
    first: Vec<Difference>,
    count: u64,
    most: usize,
}

impl Differences {
    /// A difference on a line, from 1, or of a file as a whole.
    fn add(&mut self, path: &str, line: Option<u64>, member: &str, expected: &str, found: &str) {
        self.count += 1;
        if self.first.len() < self.most {
            let shortened = |text: &str| match text.char_indices().nth(VALUE_CHARS) {
                Some((cut, _)) => format!("{}…", text.split_at(cut).0),
                None => text.to_owned(),
            };
            let [expected, found] = [expected, found].map(shortened);
            self.first.push(Difference { expected, found, line, member: member.to_owned(), path: path.to_owned() });
        }
    }
}

type Files = BTreeMap<String, Vec<u8>>;

fn check(dir: &Path, differences: &mut Differences) -> Result<Verification> {
    let manifest = manifest_bytes(dir)?;
    let files = files(dir, differences)?;
    let mut checked = Verification::default();
    let named = match Named::parse(&manifest) {
        Ok(named) => named,
        Err(why) => {
            differences.add(MANIFEST, Some(1), &why.pointer, "a manifest that this build reads", &why.to_string());
            checked.edited.insert(MANIFEST.to_owned());
            return Ok(checked);
        }
    };
    let bytes = |file: ResultFile| files.get(file.name()).map_or(&[][..], Vec::as_slice);
    let records = records(&named, bytes(ResultFile::Facts), bytes(ResultFile::Lineage), differences);
    quarantine::check(&named, bytes(ResultFile::Quarantine), records.as_deref(), differences);
    checked.facts = records.as_ref().map(|records| records.len() as u64);
    let replayed = records.map(|records| replayed(records, &named)).transpose()?;
    if let Some(replayed) = &replayed {
        // No fact speaks of the quarantine.
        for (file, expected) in replayed.files.iter().filter(|(file, _)| **file != ResultFile::Quarantine) {
            compare::file(file.name(), expected, bytes(*file), differences);
        }
    }
    digests(&named, &files, &mut checked, differences);
    document(&named, &manifest, &files, replayed.as_ref(), &mut checked, differences)?;
    checked.rows = 1 + files.values().map(|bytes| lines(bytes).count() as u64).sum::<u64>();
    Ok(checked)
}

/// A missing or a foreign file is a difference; `.dome-*` at the top are caches that `dome` makes, no part of a result.
fn files(dir: &Path, differences: &mut Differences) -> Result<Files> {
    let mut files = BTreeMap::new();
    let cache =
        |entry: &walkdir::DirEntry| entry.depth() == 1 && entry.file_name().to_string_lossy().starts_with(".dome-");
    for entry in WalkDir::new(dir).sort_by_file_name().into_iter().filter_entry(|entry| !cache(entry)) {
        let entry = entry.context(|| format!("cannot walk `{}`", escaped_path(dir)))?;
        let steps = entry.path().strip_prefix(dir).unwrap_or(entry.path());
        let name = steps.iter().map(|step| step.to_string_lossy()).collect::<Vec<_>>().join("/");
        if name == MANIFEST || (entry.file_type().is_dir() && matches!(name.as_str(), "" | "views")) {
            continue;
        }
        if ResultFile::ALL.iter().any(|file| file.name() == name) && entry.file_type().is_file() {
            let bytes = fs::read(entry.path()).context(|| format!("cannot read `{}`", escaped_path(entry.path())))?;
            files.insert(name, bytes);
        } else {
            differences.add(&name, None, "", "nothing", "something that is no part of a result");
        }
    }
    for name in ResultFile::ALL.map(ResultFile::name).into_iter().filter(|name| !files.contains_key(*name)) {
        differences.add(name, None, "", "a file", "nothing");
    }
    Ok(files)
}

/// The facts as records, whatever was done to their rows; `None` when a row holds no envelope.
#[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer moves, not the record")]
fn records(named: &Named, facts: &[u8], lineage: &[u8], differences: &mut Differences) -> Option<Vec<Box<Record>>> {
    // Where each fact stood, by the digest that its lineage names.
    let place = |line: &[u8]| {
        let row: Value = serde_json::from_slice(line).ok()?;
        Some((row.get("digest")?.as_str()?.parse().ok()?, source_of(line)?))
    };
    let places: BTreeMap<Sha256Hash, Source> = lines(lineage).filter_map(place).collect();
    let (mut reader, mut recorder) = (Reader::new().any_length(), Recorder::new(named.binder));
    let (mut records, mut whole) = (Vec::new(), true);
    for (line, number) in lines(facts).zip(1..) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match envelope(line, &mut reader) {
            Ok(envelope) => {
                // A fact whose lineage is lost stands nowhere that another one does.
                let mut record = recorder.record(envelope, Source { line: 0, name: "".into() });
                if let Some(place) = places.get(&record.keys.digest) {
                    record.source = place.clone();
                }
                records.push(Box::new(record));
            }
            Err(wrong) => {
                whole = false;
                for (member, expected) in wrong {
                    let found = String::from_utf8_lossy(line);
                    differences.add(ResultFile::Facts.name(), Some(number), &member, &expected, &found);
                }
            }
        }
    }
    whole.then_some(records)
}

/// The envelope of a row, in whatever form the row is; else what is wrong, by member.
fn envelope(line: &[u8], reader: &mut Reader) -> std::result::Result<dome_core::Envelope, Vec<(String, String)>> {
    if let Some(Ok(envelope)) = envelope_of(line).map(|envelope| reader.read(envelope)) {
        return Ok(envelope);
    }
    let row: Value =
        serde_json::from_slice(line).map_err(|why| vec![(String::new(), format!("a row of facts ({why})"))])?;
    let Some(envelope) = row.get("envelope") else {
        return Err(vec![("/envelope".to_owned(), "a canonical envelope".to_owned())]);
    };
    reader.read(envelope.to_string().as_bytes()).map_err(|rejection| {
        let problem = |problem: &dome_core::Problem| (format!("/envelope{}", problem.pointer), problem.message.clone());
        rejection.problems().iter().map(problem).collect()
    })
}

#[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer moves, not the record")]
fn replayed(records: Vec<Box<Record>>, named: &Named) -> Result<ReplayedRows> {
    let spec = Spec {
        rules: &named.rules,
        binder: named.binder,
        not_after: named.not_after,
        masking: &Masking::off(),
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        limits: Limits::within(u64::MAX),
    };
    replay_rows(spec, named.as_of, Input::Records(Box::new(Records::of(records))), &())
}

/// What recomputation cannot contradict, such as the line that a fact stood on, speaks by the manifest's digests.
fn digests(named: &Named, files: &Files, checked: &mut Verification, differences: &mut Differences) {
    let shown = |entry: Option<&FileEntry>| match entry {
        Some(entry) => format!("sha256 {} of {} lines", entry.sha256, entry.lines),
        None => "nothing".to_owned(),
    };
    let listed = named.files.keys().map(String::as_str);
    let names: BTreeSet<&str> = ResultFile::ALL.map(ResultFile::name).into_iter().chain(listed).collect();
    for name in names {
        let (wanted, given) = (named.files.get(name), files.get(name).map(|bytes| FileEntry::of(bytes)));
        if wanted != given.as_ref() {
            differences.add(name, None, "", &shown(wanted), &shown(given.as_ref()));
            checked.edited.insert(name.to_owned());
        }
    }
}

fn document(
    named: &Named,
    found: &[u8],
    files: &Files,
    replayed: Option<&ReplayedRows>,
    checked: &mut Verification,
    differences: &mut Differences,
) -> Result<()> {
    let before = differences.count;
    let digest = manifest_digest(named.document.clone()).map(|digest| digest.to_string());
    let given = named.document.get("manifest_digest").and_then(Value::as_str);
    let is_edited = digest.as_deref() != given;
    if let Some(replayed) = replayed {
        let totals = &replayed.summary.totals;
        let wanted = Manifest::computed(&named.rules, totals, beside(named, totals, files), named.files.clone())?;
        compare::file(MANIFEST, &wanted.to_bytes(), found, differences);
    } else if is_edited {
        let (digest, given) = (digest.as_deref().unwrap_or("nothing"), given.unwrap_or("nothing"));
        differences.add(MANIFEST, Some(1), "/manifest_digest", digest, given);
    }
    if differences.count > before && is_edited {
        checked.edited.insert(MANIFEST.to_owned());
    }
    Ok(())
}

/// Lines add up (L-3); what left no row is taken at its word, for which the manifest's own digest speaks.
fn beside(named: &Named, totals: &Totals, files: &Files) -> ManifestInputs {
    let (blank, duplicates) = (named.count("blank"), named.count("duplicates"));
    let quarantined = files.get(ResultFile::Quarantine.name()).map_or(0, |bytes| lines(bytes).count() as u64);
    let lines = [totals.facts, duplicates, quarantined].into_iter().fold(blank, u64::saturating_add);
    let redacted = redacted(&named.document);
    ManifestInputs { binder: named.binder, not_after: named.not_after, lines, blank, duplicates, quarantined, redacted }
}

/// What a manifest says of masked secrets, made from the rules that it names; the counts are taken at their word.
fn redacted(document: &Value) -> Option<Redacted> {
    let said = document.get("redaction")?;
    let counts = said.get("counts")?.as_object()?;
    let counts = counts.iter().filter_map(|(rule, count)| Some((rule.clone(), count.as_u64()?))).collect();
    Redacted::recorded(said.get("rules")?, counts).ok()
}
