//! A commit, as a remedy names it.

use std::fmt;

/// The id of a commit: 7 to 64 hexadecimal digits, kept in lower case.
///
/// ```
/// use dome_adapters::Commit;
/// let commit: Commit = "C111E39".parse()?;
/// assert_eq!(commit.to_string(), "c111e39");
/// assert!("main".parse::<Commit>().is_err());
/// # Ok::<(), dome_adapters::CommitError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit(String);

/// Why a text is not the id of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a commit is named by 7 to 64 hexadecimal digits")]
pub struct CommitError;

impl std::str::FromStr for Commit {
    type Err = CommitError;

    fn from_str(text: &str) -> Result<Self, CommitError> {
        let sound = (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if sound { Ok(Self(text.to_ascii_lowercase())) } else { Err(CommitError) }
    }
}

impl Commit {
    /// What a remedy of kind `commit` refers to.
    pub(crate) fn reference(&self) -> String {
        format!("commit/{}", self.0)
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
