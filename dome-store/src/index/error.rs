//! Why an index does not answer, for whoever can derive it again.

use dome_core::escaped_path;
use std::io;
use std::path::{Path, PathBuf};

use dome_binder::query::CursorError;

use crate::Error;

/// Why an index does not answer. [`IndexError::is_unfit`] says when deriving it again helps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// SQLite cannot read or write it.
    #[error("cannot use the index: {0}")]
    Sql(#[from] rusqlite::Error),
    /// It is damaged, foreign, or not of what it is asked about.
    #[error("the index does not fit: {0}")]
    Unfit(&'static str),
    /// Its place in the file system cannot be used.
    #[error("cannot use `{}`: {source}", escaped_path(path))]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Someone else derived on meanwhile: what was to be taken in has to be read again.
    #[error("someone else derived the index meanwhile")]
    Moved,
    /// The index is not at fault.
    #[error(transparent)]
    Other(#[from] Error),
}

/// What functions of the index return.
pub type Result<T> = std::result::Result<T, IndexError>;

impl IndexError {
    /// Whether the index is at fault, so that another one, derived again, would answer.
    #[must_use]
    pub const fn is_unfit(&self) -> bool {
        match self {
            Self::Unfit(_) | Self::Sql(_) | Self::File { .. } => true,
            Self::Other(_) | Self::Moved => false,
        }
    }

    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }

    /// An invariant does not hold: a defect in dome.
    pub(super) fn broken(invariant: &'static str) -> Self {
        Self::Other(Error::broken(invariant))
    }
}

impl From<IndexError> for Error {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Other(error) => error,
            error => Self::caused("the index cannot be used", error),
        }
    }
}

impl From<rusqlite::types::FromSqlError> for IndexError {
    fn from(_: rusqlite::types::FromSqlError) -> Self {
        Self::Unfit("a column holds another type")
    }
}

/// A cursor is an argument: whoever asks gave a wrong one.
impl From<CursorError> for IndexError {
    fn from(error: CursorError) -> Self {
        Self::Other(Error::usage(error))
    }
}

impl From<serde_json::Error> for IndexError {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(Error::caused("cannot write a row", error))
    }
}

/// What an index that fits holds.
pub(super) trait Fits<T> {
    fn fits(self, why: &'static str) -> Result<T>;
}

impl<T> Fits<T> for Option<T> {
    fn fits(self, why: &'static str) -> Result<T> {
        self.ok_or(IndexError::Unfit(why))
    }
}
