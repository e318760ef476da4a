//! What can go wrong, and whose fault it is.

use std::io;
use std::path::PathBuf;

use dome_contracts::conform::{EnvelopeError, ManifestError};

/// Why a tool could not be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The document is not a tool manifest; every problem is named.
    #[error("`{}` is not a tool manifest:{}", path.display(), listed(.problems))]
    Manifest {
        /// The manifest as it was named.
        path: PathBuf,
        /// What is wrong with it.
        problems: ManifestError,
    },
    /// A file that the manifest names cannot be read.
    #[error("the manifest names `{file}`, and it cannot be read: {why}")]
    ToolFile {
        /// The file, relative to the manifest.
        file: String,
        /// Why it cannot be read.
        why: io::Error,
    },
    /// The interpreter does not start.
    #[error("cannot start `{}`: {why}", program.display())]
    InterpreterStart {
        /// The interpreter as it was named.
        program: PathBuf,
        /// Why it does not start.
        why: io::Error,
    },
    /// The program is not a Python interpreter.
    #[error("`{}` is no Python", program.display())]
    NotPython {
        /// The program as it was named.
        program: PathBuf,
    },
    /// The interpreter is too old.
    #[error("{version}; 3.11 or later is needed, for `-P`")]
    PythonTooOld {
        /// Its version.
        version: String,
    },
    /// The interpreter says where it is in bytes that are not UTF-8.
    #[error("the interpreter's path is not UTF-8")]
    InterpreterPath(#[source] std::string::FromUtf8Error),
    /// A run could not be restricted as it should be, or did not start.
    #[error("a run could not be set up: {why}")]
    Setup {
        /// What the run said.
        why: String,
    },
    /// Something that the gate does failed.
    #[error("{what}")]
    Failed {
        /// What was being done.
        what: String,
        /// Why it failed.
        #[source]
        why: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The filter of system calls cannot be made.
    #[error(transparent)]
    Filter(Box<dyn std::error::Error + Send + Sync>),
    /// A file or a process failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A document could not be written or read.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A value has no canonical bytes.
    #[error(transparent)]
    Canonical(#[from] dome_core::canonical::CanonicalError),
    /// A drift has no envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

/// Whose fault an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The manifest, or a file that it names, is invalid.
    InvalidInput,
    /// The interpreter that was asked for cannot be used.
    Interpreter,
    /// The gate could not do its work.
    Failed,
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Manifest { .. } | Self::ToolFile { .. } => ErrorKind::InvalidInput,
            Self::InterpreterStart { .. } | Self::NotPython { .. } | Self::PythonTooOld { .. } => {
                ErrorKind::Interpreter
            }
            _ => ErrorKind::Failed,
        }
    }

    /// What was being done when something failed, for `map_err`.
    pub(crate) fn doing<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        what: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |why| Self::Failed { what, why: why.into() }
    }

    /// The error and its causes on one line.
    pub(crate) fn with_causes(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

fn listed(error: &ManifestError) -> String {
    error.problems.iter().map(|problem| format!("\n  `{}`: {}", problem.pointer, problem.message)).collect()
}
