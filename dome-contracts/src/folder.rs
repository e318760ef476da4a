//! A folder of files, in memory, and digests of files.

use std::collections::BTreeMap;

use dome_core::{Sha256Hash, canonical};
use schema_compat::{Dialect, Schema, SchemaError, json};

/// Files by their path: relative, `/`-separated, sorted.
///
/// ```
/// use dome_contracts::Folder;
///
/// let folder: Folder = [("b.json", b"1".as_slice()), ("a.json", b"2")].into_iter().collect();
/// assert_eq!(folder.paths().collect::<Vec<_>>(), ["a.json", "b.json"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    files: BTreeMap<String, Vec<u8>>,
}

impl Folder {
    /// Adds a file; the one that was there is returned.
    pub fn insert(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Option<Vec<u8>> {
        self.files.insert(path.into(), bytes.into())
    }

    /// Removes a file.
    pub fn remove(&mut self, path: &str) -> Option<Vec<u8>> {
        self.files.remove(path)
    }

    /// The bytes of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Reads the schema at `path` with all files of the folder that it refers to. `default` is its dialect if
    /// it declares none.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] with file and place, as [`Schema::in_files`].
    pub fn schema(&self, path: &str, default: Dialect) -> Result<Schema, SchemaError> {
        Schema::in_files(path, default, |file| self.get(file))
    }

    /// Whether there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// All files, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }
}

impl<P: Into<String>, B: Into<Vec<u8>>> FromIterator<(P, B)> for Folder {
    fn from_iter<T: IntoIterator<Item = (P, B)>>(files: T) -> Self {
        Self { files: files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect() }
    }
}

/// SHA-256 of bytes, as 64 lower-case hex digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256Hash::of(bytes).to_string()
}

/// SHA-256 of the canonical bytes of a file (RFC 8785); `None` if it is not JSON, or holds a float.
pub(crate) fn canonical_sha256(bytes: &[u8]) -> Option<String> {
    let value = json::parse(bytes).ok()?;
    canonical::to_vec(&value).ok().map(|bytes| sha256_hex(&bytes))
}
