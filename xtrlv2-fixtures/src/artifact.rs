//! One file of a version.

/// A file of the owner's contracts, with its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Artifact {
    /// The path inside the version's folder, `/`-separated.
    pub path: &'static str,
    /// The file, byte for byte.
    pub bytes: &'static [u8],
    /// SHA-256 of [`bytes`](Self::bytes), as 64 lower-case hex digits.
    pub sha256: &'static str,
}

impl Artifact {
    /// The file as text; empty if it is not UTF-8, which a test of this crate rules out.
    #[must_use]
    pub fn text(&self) -> &'static str {
        str::from_utf8(self.bytes).unwrap_or_default()
    }

    /// The contract that an example or a schema belongs to: its file name up to the first dot.
    #[must_use]
    pub fn contract(&self) -> &'static str {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        name.split('.').next().unwrap_or(name)
    }
}
