//! What does not match, why that may be, and what mends it.

use std::fmt;

use serde::Serialize;

/// How a file and its lock differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MismatchKind {
    /// The value of the file is another.
    ContentChanged,
    /// The bytes are others, the JSON value is the same.
    Reformatted,
    /// The lock names a file that is not there.
    FileMissing,
    /// A file is there that the lock does not name.
    FileExtra,
    /// A schema refers to something else than it did.
    ReferenceChanged,
    /// A schema refers to nothing.
    ReferenceUnresolved,
    /// The folder says another version, or another owner, than the lock.
    VersionChanged,
    /// The history does not end in the pinned version, or lost one.
    HistoryBroken,
    /// There is no migration note for a pair of versions of the history.
    NoteMissing,
    /// The lock's file is not what this program writes.
    LockNotCanonical,
}

impl MismatchKind {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ContentChanged => "content_changed",
            Self::Reformatted => "reformatted",
            Self::FileMissing => "file_missing",
            Self::FileExtra => "file_extra",
            Self::ReferenceChanged => "reference_changed",
            Self::ReferenceUnresolved => "reference_unresolved",
            Self::VersionChanged => "version_changed",
            Self::HistoryBroken => "history_broken",
            Self::NoteMissing => "note_missing",
            Self::LockNotCanonical => "lock_not_canonical",
        }
    }

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

impl Mismatch {
    pub(super) fn new(
        kind: MismatchKind,
        path: &str,
        expected: Option<&str>,
        actual: Option<&str>,
        mend: String,
    ) -> Self {
        Self {
            expected: expected.map(str::to_owned),
            actual: actual.map(str::to_owned),
            causes: kind.causes().to_vec(),
            dependents: Vec::new(),
            kind,
            mend,
            path: path.to_owned(),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        writeln!(out, "{}: {}", self.kind.name(), self.path)?;
        writeln!(out, "  expected: {}", shown(&self.expected))?;
        writeln!(out, "  actual:   {}", shown(&self.actual))?;
        if !self.dependents.is_empty() {
            writeln!(out, "  reached by: {}", self.dependents.join(", "))?;
        }
        writeln!(out, "  likely: {}", self.causes.join("; or "))?;
        write!(out, "  mend:   {}", self.mend)
    }
}
