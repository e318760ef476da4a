//! Why an index does not answer.

use std::io;
use std::path::PathBuf;

use dome_binder::query::CursorError;

/// Why an index does not answer. [`Error::is_unfit`] says when deriving it again helps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Its file cannot be read or written.
    #[error("cannot use the index: {0}")]
    Sql(#[from] rusqlite::Error),
    /// It is damaged, foreign, or not of what it is asked about.
    #[error("the index does not fit: {0}")]
    Unfit(&'static str),
    /// Its place in the file system cannot be used.
    #[error("cannot use `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What it was derived from cannot be read.
    #[error(transparent)]
    Origin(#[from] crate::Error),
    /// A question goes on where no page of it ended.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Someone else derived on meanwhile: what was to be taken in has to be read again.
    #[error("someone else derived the index meanwhile")]
    Moved,
    /// A row cannot be written.
    #[error("cannot write a row: {0}")]
    Json(#[from] serde_json::Error),
    /// An invariant does not hold: a defect in dome.
    #[error("a defect in dome: it does not hold that {0}")]
    Broken(&'static str),
}

/// What functions of the index return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether the index is at fault, so that another one, derived again, would answer.
    #[must_use]
    pub const fn is_unfit(&self) -> bool {
        match self {
            Self::Unfit(_) | Self::Sql(_) | Self::File { .. } => true,
            Self::Origin(_) | Self::Cursor(_) | Self::Moved | Self::Json(_) | Self::Broken(_) => false,
        }
    }
}

impl From<rusqlite::types::FromSqlError> for Error {
    fn from(_: rusqlite::types::FromSqlError) -> Self {
        Self::Unfit("a column holds another type")
    }
}

/// What an index that fits holds.
pub(super) trait Fits<T> {
    /// The value, which an index that fits has.
    fn fits(self, why: &'static str) -> Result<T>;
}

impl<T> Fits<T> for Option<T> {
    fn fits(self, why: &'static str) -> Result<T> {
        self.ok_or(Error::Unfit(why))
    }
}
