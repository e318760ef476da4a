//! `contracts.lock`: what was pinned, file by file, and a folder against it.
//!
//! The lock is JSON, indented, with sorted members, so that its own canonical digest is computed like that of
//! any file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use dome_core::{Sha256Hash, canonical};
use schema_compat::{Reference, ReferenceTarget, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::folder::{Folder, canonical_sha256, sha256_hex};
use crate::registry::{CONSUMED, ContractRegistry, ContractsError, REGISTRY};
use crate::update::missing_notes;

/// The version of the lock's own format.
pub const LOCK_VERSION: &str = "1";
const SCHEMAS: &str = ".schema.json";
const LOCK: &str = "contracts.lock";

/// A lock.
///
/// ```
/// use dome_contracts::{Folder, Lock, verify};
///
/// let folder: Folder = [
///     (
///         "registry.json",
///         r#"{"schema_version": "1.0", "artifacts": {"a": {"version": "0.1", "schema": "schemas/a.schema.json"}}}"#,
///     ),
///     ("schemas/a.schema.json", r#"{"type": "string"}"#),
/// ].into_iter().collect();
/// let lock = Lock::compute(&folder, "contracts", "me", None)?;
/// assert!(!lock.contracts["a"].consumed);
/// assert!(verify(&lock, &folder).is_empty());
/// assert_eq!(Lock::parse(lock.render().as_bytes())?, lock);
/// # Ok::<(), dome_contracts::LockError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The pinned files, by path.
    pub artifacts: BTreeMap<String, Pinned>,
    /// The contracts among them, by name; none in a lock that was written before it named them.
    #[serde(default)]
    pub contracts: BTreeMap<String, PinnedContract>,
    /// Where the pinned folder is, relative to the lock.
    pub folder: String,
    /// All versions that were ever pinned, in order; the last one is pinned now.
    pub history: Vec<String>,
    /// The version of this format.
    pub lock_version: String,
    /// Whose contracts they are.
    pub source: ContractSource,
}

/// Whose contracts are pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractSource {
    /// The commit of the repository, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The repository that owns them.
    pub repository: String,
    /// The version that the owner gave them, as a whole.
    pub version: String,
}

/// A contract that is pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedContract {
    /// Whether dome consumes it.
    pub consumed: bool,
    /// Its schema, one of the pinned files.
    pub schema: String,
    /// The version that the owner gave it.
    pub version: String,
}

/// What is known of one pinned file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// SHA-256 of the canonical bytes; absent where the file is not JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical_sha256: Option<String>,
    /// The dialect, where the file is a schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// What its references name, as `FILE#POINTER`, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// SHA-256 of the bytes.
    pub sha256: String,
    /// The version that the file came with.
    pub version: String,
}

/// A lock, or a folder to be locked, that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The lock is not of the expected form.
    #[error("not a lock: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// The lock is of another version of the format.
    #[error("the lock is of format `{found}`, and this program reads `{LOCK_VERSION}`")]
    Version {
        /// The version that it states.
        found: String,
    },
    /// The registry of the folder cannot be read.
    #[error(transparent)]
    Contracts(#[from] ContractsError),
    /// A schema refers to something that the folder does not hold.
    #[error("`{path}#{pointer}`: `$ref` to `{target}` names nothing in the folder")]
    Unresolved {
        /// The file.
        path: String,
        /// The place in it.
        pointer: String,
        /// What it refers to.
        target: String,
    },
    /// The pinned folder would lie outside the lock's own.
    #[error("the folder `{folder}` is not a relative path without `..`")]
    Folder {
        /// The folder.
        folder: String,
    },
    /// A schema is not JSON.
    #[error("`{path}` is not JSON: {reason}")]
    NotJson {
        /// The file.
        path: String,
        /// What the reader says.
        reason: String,
    },
}

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    ///
    /// [`LockError::Malformed`], [`LockError::Version`] or [`LockError::Folder`].
    pub fn parse(bytes: &[u8]) -> Result<Self, LockError> {
        let malformed = |error: serde_json::Error| LockError::Malformed { reason: error.to_string() };
        let value = serde_json::from_slice::<Value>(bytes).map_err(malformed)?;
        let found = value.get("lock_version").and_then(Value::as_str);
        if let Some(found) = found.filter(|found| *found != LOCK_VERSION) {
            return Err(LockError::Version { found: found.to_owned() });
        }
        let lock = serde_json::from_slice::<Self>(bytes).map_err(malformed)?;
        check_folder(&lock.folder)?;
        Ok(lock)
    }

    /// Locks every file of a folder; `at` is where the folder lies, relative to the lock. `repository` is whose contracts
    /// they are, unless the registry says it.
    ///
    /// # Errors
    ///
    /// [`LockError`] where the folder does not say what it is, or a schema refers out of it.
    pub fn compute(folder: &Folder, at: &str, repository: &str, commit: Option<&str>) -> Result<Self, LockError> {
        check_folder(at)?;
        let registry = ContractRegistry::of(folder)?;
        let version = registry.version();
        let pinned = folder.iter().map(|(path, bytes)| Ok((path.to_owned(), pin(folder, path, bytes, &version)?)));
        let artifacts = pinned.collect::<Result<_, LockError>>()?;
        let contracts = registry.contracts.into_iter().map(|(name, entry)| {
            let consumed = CONSUMED.contains(&name.as_str());
            (name, PinnedContract { consumed, schema: entry.schema, version: entry.version })
        });
        let repository = registry.owner.unwrap_or_else(|| repository.to_owned());
        Ok(Self {
            artifacts,
            contracts: contracts.collect(),
            folder: at.to_owned(),
            history: vec![version.clone()],
            lock_version: LOCK_VERSION.to_owned(),
            source: ContractSource { commit: commit.map(str::to_owned), repository, version },
        })
    }

    /// The contracts that dome consumes.
    pub fn consumed(&self) -> impl Iterator<Item = &str> {
        self.contracts.iter().filter(|(_, contract)| contract.consumed).map(|(name, _)| name.as_str())
    }

    /// The lock as it is written: the same lock is always the same bytes.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a lock has strings, lists and maps by strings, and JSON has all of them")]
    pub fn render(&self) -> String {
        serde_json::to_string_pretty(self).expect("a lock is JSON") + "\n"
    }

    /// SHA-256 of the lock's canonical bytes: one digest for all that is pinned.
    #[must_use]
    #[expect(clippy::expect_used, reason = "there is no number in a lock, so it has canonical bytes")]
    pub fn digest(&self) -> String {
        Sha256Hash::of(&canonical::to_vec(self).expect("a lock has canonical bytes")).to_string()
    }
}

/// A lock covers what lies beside it or below; nothing else is written.
fn check_folder(folder: &str) -> Result<(), LockError> {
    let mut segments = folder.split(['/', '\\']);
    if folder.starts_with(['/', '\\']) || folder.contains(':') || segments.any(|segment| segment == "..") {
        return Err(LockError::Folder { folder: folder.to_owned() });
    }
    Ok(())
}

fn pin(folder: &Folder, path: &str, bytes: &[u8], version: &str) -> Result<Pinned, LockError> {
    let mut pinned = Pinned {
        canonical_sha256: canonical_sha256(bytes),
        dialect: None,
        references: Vec::new(),
        sha256: sha256_hex(bytes),
        version: version.to_owned(),
    };
    if path.ends_with(SCHEMAS) {
        let schema = json::parse(bytes)
            .map_err(|error| LockError::NotJson { path: path.to_owned(), reason: error.to_string() })?;
        pinned.dialect = schema.get("$schema").and_then(Value::as_str).map(str::to_owned);
        let mut references = BTreeSet::new();
        for Reference { at, text, target } in Reference::all(&schema, path) {
            if !exists(folder, &schema, &target) {
                return Err(LockError::Unresolved { path: path.to_owned(), pointer: at, target: text });
            }
            references.insert(target.display(path));
        }
        pinned.references = references.into_iter().collect();
    }
    Ok(pinned)
}

fn exists(folder: &Folder, schema: &Value, target: &ReferenceTarget) -> bool {
    match target {
        ReferenceTarget::Inside(pointer) => schema.pointer(pointer).is_some(),
        ReferenceTarget::Outside(_) => false,
        ReferenceTarget::File { file, pointer } => {
            let other = folder.get(file).and_then(|bytes| json::parse(bytes).ok());
            other.is_some_and(|other| other.pointer(pointer).is_some())
        }
    }
}

dome_core::choice! {
    /// How a file and its lock differ.
    MismatchKind {
        /// The value of the file changed.
        ContentChanged = "content_changed",
        /// The bytes changed, the JSON value is the same.
        Reformatted = "reformatted",
        /// The lock names a file that is not there.
        FileMissing = "file_missing",
        /// A file is there that the lock does not name.
        FileExtra = "file_extra",
        /// A schema refers to something else than it did.
        ReferenceChanged = "reference_changed",
        /// A schema refers to nothing.
        ReferenceUnresolved = "reference_unresolved",
        /// The folder states another version, or another owner, than the lock.
        VersionChanged = "version_changed",
        /// The history does not end in the pinned version, or lost one.
        HistoryBroken = "history_broken",
        /// There is no migration note for a pair of versions of the history.
        NoteMissing = "note_missing",
        /// The lock's file is not what this program writes.
        LockNotCanonical = "lock_not_canonical",
    }
}

impl MismatchKind {
    /// Why it may have happened, the likeliest first.
    #[must_use]
    pub fn causes(self) -> &'static [&'static str] {
        match self {
            Self::ContentChanged => &[
                "the file was edited by hand",
                "the owner's new version was copied in without `dome contracts update`",
            ],
            Self::Reformatted => {
                &["an editor or a formatter wrote the file again", "line ends were converted on checkout"]
            }
            Self::FileMissing => &["the file was deleted or renamed", "the checkout is not complete"],
            Self::FileExtra => &[
                "the file was put there by hand",
                "the owner's new version was copied in without `dome contracts update`",
            ],
            Self::ReferenceChanged => &["a `$ref` was pointed elsewhere by hand"],
            Self::ReferenceUnresolved => &[
                "the file or the definition that it names was removed or renamed",
                "the `$ref` was pointed elsewhere by hand",
            ],
            Self::VersionChanged => &["another version was copied over the pinned one", "the lock was edited by hand"],
            Self::HistoryBroken => &["the lock was edited by hand"],
            Self::NoteMissing => &["the version was moved by hand", "the note was deleted or is called otherwise"],
            Self::LockNotCanonical => &["the lock was edited by hand", "the lock was merged by hand"],
        }
    }
}

/// One thing that does not match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// What is expected: a digest, a version, what is referred to. Absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// Why it may have happened.
    pub causes: Vec<&'static str>,
    /// Pinned files that reach this one through their references.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependents: Vec<String>,
    /// How it differs.
    pub kind: MismatchKind,
    /// The command that mends it.
    pub mend: String,
    /// The file, inside the pinned folder.
    pub path: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        writeln!(out, "{}: {}", self.kind, self.path)?;
        writeln!(out, "  expected: {}", shown(&self.expected))?;
        writeln!(out, "  actual:   {}", shown(&self.actual))?;
        if !self.dependents.is_empty() {
            writeln!(out, "  reached by: {}", self.dependents.join(", "))?;
        }
        writeln!(out, "  likely: {}", self.causes.join("; or "))?;
        write!(out, "  mend:   {}", self.mend)
    }
}

/// What does not match between a folder and its lock: nothing, if all is well.
#[must_use]
pub fn verify(lock: &Lock, folder: &Folder) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for (path, pinned) in &lock.artifacts {
        match folder.get(path) {
            Some(bytes) => found.extend(lock.compare(folder, path, pinned, bytes)),
            None => found.push(lock.mismatch(MismatchKind::FileMissing, path, Some(pinned.sha256.clone()), None)),
        }
    }
    for (path, bytes) in folder.iter().filter(|(path, _)| !lock.artifacts.contains_key(*path)) {
        found.push(lock.mismatch(MismatchKind::FileExtra, path, None, Some(sha256_hex(bytes))));
    }
    found.extend(lock.compare_source(folder));
    let dependents = lock.dependents();
    for mismatch in &mut found {
        let reached = dependents.get(&mismatch.path).into_iter().flatten();
        mismatch.dependents = reached.cloned().collect();
    }
    found
}

/// [`verify`], and also: the lock's file is what this program writes, and there is a migration
/// note for every move of the history. `notes` are the files of the folder of notes.
///
/// # Errors
///
/// [`LockError`] if the bytes are no lock.
pub fn verify_locked(bytes: &[u8], folder: &Folder, notes: &Folder) -> Result<Vec<Mismatch>, LockError> {
    let lock = Lock::parse(bytes)?;
    let mut found = verify(&lock, folder);
    let rendered = lock.as_written(folder).render();
    if rendered.as_bytes() != bytes {
        let (expected, actual) = (sha256_hex(rendered.as_bytes()), sha256_hex(bytes));
        found.push(lock.mismatch(MismatchKind::LockNotCanonical, LOCK, Some(expected), Some(actual)));
    }
    let missing = missing_notes(&lock, notes).into_iter();
    found.extend(missing.map(|name| lock.mismatch(MismatchKind::NoteMissing, &name, Some(name.clone()), None)));
    Ok(found)
}

/// Whether a lock continues an earlier one: versions are added to its history, none is dropped.
/// CI compares the lock of a change with that of the branch it goes to.
#[must_use]
pub fn verify_since(before: &Lock, lock: &Lock) -> Vec<Mismatch> {
    let same = before.source.repository == lock.source.repository;
    if same && lock.history.starts_with(&before.history) {
        return Vec::new();
    }
    let (expected, actual) = (before.history.join(", "), lock.history.join(", "));
    vec![lock.mismatch(MismatchKind::HistoryBroken, LOCK, Some(expected), Some(actual))]
}

impl Lock {
    /// The lock as an update would write it: computed from the folder again, where that is what was pinned.
    fn as_written(&self, folder: &Folder) -> Self {
        let source = &self.source;
        let computed = Self::compute(folder, &self.folder, &source.repository, source.commit.as_deref());
        let again = computed.map(|lock| Self { history: self.history.clone(), ..lock });
        again.ok().filter(|_| verify(self, folder).is_empty()).unwrap_or_else(|| self.clone())
    }

    fn mismatch(&self, kind: MismatchKind, path: &str, expected: Option<String>, actual: Option<String>) -> Mismatch {
        let folder = &self.folder;
        let mend = match kind {
            MismatchKind::FileExtra => format!("rm -- {folder}/{path}"),
            MismatchKind::LockNotCanonical => format!("dome contracts update --from {folder}"),
            MismatchKind::NoteMissing => format!("write docs/migrations/{path}"),
            MismatchKind::HistoryBroken => format!("git restore -- {path}"),
            _ => format!("git restore -- {folder}/{path}"),
        };
        let causes = kind.causes().to_vec();
        Mismatch { expected, actual, causes, dependents: Vec::new(), kind, mend, path: path.to_owned() }
    }

    fn compare(&self, folder: &Folder, path: &str, pinned: &Pinned, bytes: &[u8]) -> Vec<Mismatch> {
        let actual = sha256_hex(bytes);
        let mut found = Vec::new();
        if actual != pinned.sha256 {
            let canonical = canonical_sha256(bytes);
            let same = canonical.is_some() && canonical == pinned.canonical_sha256;
            let kind = if same { MismatchKind::Reformatted } else { MismatchKind::ContentChanged };
            found.push(self.mismatch(kind, path, Some(pinned.sha256.clone()), Some(actual)));
        }
        if let Ok(schema) = json::parse(bytes)
            && path.ends_with(SCHEMAS)
        {
            found.extend(self.compare_references(folder, path, pinned, &schema));
        }
        found
    }

    fn compare_references(&self, folder: &Folder, path: &str, pinned: &Pinned, schema: &Value) -> Vec<Mismatch> {
        let references = Reference::all(schema, path);
        let actual = references.iter().map(|reference| reference.target.display(path)).collect::<BTreeSet<_>>();
        let expected = pinned.references.iter().cloned().collect::<BTreeSet<_>>();
        let text = |left: &BTreeSet<String>, right: &BTreeSet<String>| {
            let only = left.difference(right).cloned().collect::<Vec<_>>();
            (!only.is_empty()).then(|| only.join(", "))
        };
        let mut found = Vec::new();
        if actual != expected {
            let (gone, new) = (text(&expected, &actual), text(&actual, &expected));
            found.push(self.mismatch(MismatchKind::ReferenceChanged, path, gone, new));
        }
        let unresolved = references.iter().filter(|reference| !exists(folder, schema, &reference.target));
        found.extend(unresolved.map(|reference| {
            self.mismatch(MismatchKind::ReferenceUnresolved, path, Some(reference.target.display(path)), None)
        }));
        found
    }

    fn compare_source(&self, folder: &Folder) -> Vec<Mismatch> {
        let mut found = Vec::new();
        let source = &self.source;
        let pinned = format!("{} {}", source.repository, source.version);
        let stated = ContractRegistry::of(folder).ok().map(|registry| {
            format!("{} {}", registry.owner.as_deref().unwrap_or(&source.repository), registry.version())
        });
        if stated.as_ref() != Some(&pinned) {
            found.push(self.mismatch(MismatchKind::VersionChanged, REGISTRY, Some(pinned), stated));
        }
        let (last, version) = (self.history.last(), &self.source.version);
        if last != Some(version) {
            found.push(self.mismatch(MismatchKind::HistoryBroken, LOCK, Some(version.clone()), last.cloned()));
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
                for target in self.artifacts.get(&path).into_iter().flat_map(|pinned| &pinned.references) {
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
