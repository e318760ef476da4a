//! From a folder to its lock.

use schema_compat::{Reference, Target, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{LOCK_VERSION, Lock, LockError, Pinned};
use crate::Folder;
use crate::digest;

/// The file that says whose contracts a folder holds.
pub(crate) const REGISTRY: &str = "registry.json";
const SCHEMAS: &str = ".schema.json";

/// Whose contracts are pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The commit of the repository, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The repository that owns them.
    pub repository: String,
    /// The version that the owner gave them.
    pub version: String,
}

impl Source {
    /// What `registry.json` of a folder says.
    ///
    /// # Errors
    ///
    /// [`LockError::Registry`] where it does not say it.
    pub fn of(folder: &Folder, commit: Option<&str>) -> Result<Self, LockError> {
        let registry = folder.get(REGISTRY).and_then(|bytes| json::parse(bytes).ok());
        let member = |member: &'static str| {
            let text = registry.as_ref().and_then(|registry| registry.get(member)).and_then(Value::as_str);
            text.map(str::to_owned).ok_or(LockError::Registry { member })
        };
        Ok(Self { commit: commit.map(str::to_owned), repository: member("owner")?, version: member("version")? })
    }
}

impl Lock {
    /// Locks every file of a folder; `at` is where the folder lies, relative to the lock.
    ///
    /// # Errors
    ///
    /// [`LockError`] where the folder does not say what it is, or a schema refers out of it.
    pub fn compute(folder: &Folder, at: &str, commit: Option<&str>) -> Result<Self, LockError> {
        check_folder(at)?;
        let source = Source::of(folder, commit)?;
        let mut lock = Self {
            artifacts: std::collections::BTreeMap::new(),
            folder: at.to_owned(),
            history: vec![source.version.clone()],
            lock_version: LOCK_VERSION.to_owned(),
            source,
        };
        for (path, bytes) in folder.iter() {
            let pinned = pin(folder, path, bytes, &lock.source.version)?;
            lock.artifacts.insert(path.to_owned(), pinned);
        }
        Ok(lock)
    }
}

/// A lock speaks for what lies beside it or below, and nothing else is written for its sake.
pub(super) fn check_folder(folder: &str) -> Result<(), LockError> {
    let mut segments = folder.split(['/', '\\']);
    if folder.starts_with(['/', '\\']) || folder.contains(':') || segments.any(|segment| segment == "..") {
        let folder = folder.to_owned();
        return Err(LockError::Folder { folder });
    }
    Ok(())
}

/// Whether a file of a folder is a schema.
pub(crate) fn is_schema(path: &str) -> bool {
    path.ends_with(SCHEMAS)
}

fn pin(folder: &Folder, path: &str, bytes: &[u8], version: &str) -> Result<Pinned, LockError> {
    let mut pinned = Pinned {
        canonical_sha256: digest::canonical_sha256(bytes),
        dialect: None,
        references: Vec::new(),
        sha256: digest::sha256_hex(bytes),
        version: version.to_owned(),
    };
    if is_schema(path) {
        let schema = json::parse(bytes)
            .map_err(|error| LockError::NotJson { path: path.to_owned(), reason: error.to_string() })?;
        let dialect = schema.get("$schema").and_then(Value::as_str);
        pinned.dialect = dialect.map(str::to_owned);
        pinned.references = references(folder, path, &schema)?;
    }
    Ok(pinned)
}

/// What a schema refers to, as text, sorted; each has to be there.
fn references(folder: &Folder, path: &str, schema: &Value) -> Result<Vec<String>, LockError> {
    let mut found = std::collections::BTreeSet::new();
    for reference in Reference::all(schema, path) {
        if !exists(folder, schema, &reference.target) {
            return Err(LockError::Unresolved { path: path.to_owned(), pointer: reference.at, target: reference.text });
        }
        found.insert(reference.target.display(path));
    }
    Ok(found.into_iter().collect())
}

pub(super) fn exists(folder: &Folder, schema: &Value, target: &Target) -> bool {
    match target {
        Target::Inside(pointer) => schema.pointer(pointer).is_some(),
        Target::Outside(_) => false,
        Target::File { file, pointer } => folder.get(file).is_some_and(|bytes| {
            let other = json::parse(bytes);
            other.is_ok_and(|other| other.pointer(pointer).is_some())
        }),
    }
}
