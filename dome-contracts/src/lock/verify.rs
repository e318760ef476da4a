//! A folder against its lock.

use std::collections::{BTreeMap, BTreeSet};

use schema_compat::{Reference, json};

use super::mismatch::{Mismatch, MismatchKind};
use super::{Lock, Pinned, Source};
use crate::digest;
use crate::migration;
use crate::{Folder, LockError};

/// What does not match between a folder and its lock: nothing, if all is well.
#[must_use]
pub fn verify(lock: &Lock, folder: &Folder) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for (path, pinned) in &lock.artifacts {
        match folder.get(path) {
            Some(bytes) => found.extend(lock.compare(folder, path, pinned, bytes)),
            None => found.push(Mismatch::new(
                MismatchKind::FileMissing,
                path,
                Some(&pinned.sha256),
                None,
                lock.restore(path),
            )),
        }
    }
    for (path, bytes) in folder.iter().filter(|(path, _)| !lock.artifacts.contains_key(*path)) {
        let actual = digest::sha256_hex(bytes);
        let mend = format!("rm -- {}/{path}", lock.folder);
        found.push(Mismatch::new(MismatchKind::FileExtra, path, None, Some(&actual), mend));
    }
    found.extend(lock.compare_source(folder));
    let dependents = lock.dependents();
    for mismatch in &mut found {
        let reached = dependents.get(&mismatch.path).into_iter().flatten();
        mismatch.dependents = reached.cloned().collect();
    }
    found
}

/// [`verify`], and besides: the lock's file is what this program writes, and there is a migration
/// note for every move of the history. `notes` are the files of the folder of notes.
///
/// # Errors
///
/// [`LockError`] if the bytes are no lock.
pub fn verify_locked(bytes: &[u8], folder: &Folder, notes: &Folder) -> Result<Vec<Mismatch>, LockError> {
    let lock = Lock::parse(bytes)?;
    let mut found = verify(&lock, folder);
    let rendered = lock.render();
    if rendered.as_bytes() != bytes {
        found.push(Mismatch::new(
            MismatchKind::LockNotCanonical,
            "contracts.lock",
            Some(&digest::sha256_hex(rendered.as_bytes())),
            Some(&digest::sha256_hex(bytes)),
            lock.again(),
        ));
    }
    for name in migration::missing_notes(&lock, notes) {
        let mend = format!("write docs/migrations/{name}");
        found.push(Mismatch::new(MismatchKind::NoteMissing, &name, Some(&name), None, mend));
    }
    Ok(found)
}

/// Whether a lock goes on from an earlier one: versions are added to its history, none is dropped.
/// CI compares the lock of a change with that of the branch it goes to.
#[must_use]
pub fn verify_since(before: &Lock, lock: &Lock) -> Vec<Mismatch> {
    let same = before.source.repository == lock.source.repository;
    if same && lock.history.starts_with(&before.history) {
        return Vec::new();
    }
    vec![Mismatch::new(
        MismatchKind::HistoryBroken,
        "contracts.lock",
        Some(&before.history.join(", ")),
        Some(&lock.history.join(", ")),
        "git restore -- contracts.lock".to_owned(),
    )]
}

impl Lock {
    fn restore(&self, path: &str) -> String {
        format!("git restore -- {}/{path}", self.folder)
    }

    fn again(&self) -> String {
        format!("dome contracts update --from {}", self.folder)
    }

    fn compare(&self, folder: &Folder, path: &str, pinned: &Pinned, bytes: &[u8]) -> Vec<Mismatch> {
        let actual = digest::sha256_hex(bytes);
        if actual == pinned.sha256 {
            return self.compare_references(folder, path, pinned, bytes);
        }
        let canonical = digest::canonical_sha256(bytes);
        let same = canonical.is_some() && canonical == pinned.canonical_sha256;
        let kind = if same { MismatchKind::Reformatted } else { MismatchKind::ContentChanged };
        let changed = Mismatch::new(kind, path, Some(&pinned.sha256), Some(&actual), self.restore(path));
        let mut found = vec![changed];
        found.extend(self.compare_references(folder, path, pinned, bytes));
        found
    }

    /// References of a file: the same as before, and each names something.
    fn compare_references(&self, folder: &Folder, path: &str, pinned: &Pinned, bytes: &[u8]) -> Vec<Mismatch> {
        let Ok(schema) = json::parse(bytes) else {
            return Vec::new();
        };
        if !super::compute::is_schema(path) {
            return Vec::new();
        }
        let references = Reference::all(&schema, path);
        let actual = references.iter().map(|reference| reference.target.display(path));
        let actual = actual.collect::<BTreeSet<_>>();
        let expected = pinned.references.iter().cloned().collect::<BTreeSet<_>>();
        let text = |left: &BTreeSet<String>, right: &BTreeSet<String>| {
            let only = left.difference(right).cloned().collect::<Vec<_>>();
            (!only.is_empty()).then(|| only.join(", "))
        };
        let mut found = Vec::new();
        if actual != expected {
            let (gone, come) = (text(&expected, &actual), text(&actual, &expected));
            found.push(Mismatch::new(
                MismatchKind::ReferenceChanged,
                path,
                gone.as_deref(),
                come.as_deref(),
                self.restore(path),
            ));
        }
        for reference in
            references.iter().filter(|reference| !super::compute::exists(folder, &schema, &reference.target))
        {
            found.push(Mismatch::new(
                MismatchKind::ReferenceUnresolved,
                path,
                Some(&reference.target.display(path)),
                None,
                self.restore(path),
            ));
        }
        found
    }

    fn compare_source(&self, folder: &Folder) -> Vec<Mismatch> {
        let mut found = Vec::new();
        let pinned = format!("{} {}", self.source.repository, self.source.version);
        let stated = Source::of(folder, None).ok();
        let stated = stated.map(|source| format!("{} {}", source.repository, source.version));
        if stated.as_ref() != Some(&pinned) {
            found.push(Mismatch::new(
                MismatchKind::VersionChanged,
                "registry.json",
                Some(&pinned),
                stated.as_deref(),
                self.restore("registry.json"),
            ));
        }
        if self.history.last() != Some(&self.source.version) {
            found.push(Mismatch::new(
                MismatchKind::HistoryBroken,
                "contracts.lock",
                Some(&self.source.version),
                self.history.last().map(String::as_str),
                "git restore -- contracts.lock".to_owned(),
            ));
        }
        found
    }

    /// For each file, the pinned files that reach it through references, over any number of steps.
    fn dependents(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut found = BTreeMap::<String, BTreeSet<String>>::new();
        for start in self.artifacts.keys() {
            let mut seen = BTreeSet::new();
            let mut waiting = vec![start.clone()];
            while let Some(path) = waiting.pop() {
                let references = self.artifacts.get(&path).map(|pinned| pinned.references.as_slice());
                for target in references.unwrap_or_default() {
                    let file = target.split('#').next().unwrap_or(target).to_owned();
                    if file != *start && seen.insert(file.clone()) {
                        found.entry(file.clone()).or_default().insert(start.clone());
                        waiting.push(file);
                    }
                }
            }
        }
        found
    }
}
