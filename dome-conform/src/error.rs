//! What can go wrong, and whose fault it is.

use std::io;
use std::path::PathBuf;

use dome_contracts::conform::ManifestError;

pub(crate) type Result<T, E = ConformError> = std::result::Result<T, E>;

/// Why a tool could not be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConformError {
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
    /// The tool's files were changed after their digests were taken.
    #[error("{tool} was changed while it was being read: nothing was run; judge it again")]
    ToolChanged {
        /// The tool.
        tool: String,
    },
    /// What workers are given is not what they can be given.
    #[error("{what}")]
    Work {
        /// Everything that is wrong with it.
        what: String,
    },
    /// The machine cannot keep a run within the tool's policy.
    #[error("this machine cannot keep the tool within its policy ({why}), so it is not run")]
    Unenforced {
        /// What is missing.
        why: String,
    },
    /// It was asked to end before it had finished.
    #[error("stopped before all workers had ended: nothing is kept")]
    Stopped,
    /// The interpreter does not start, is no Python, or is too old.
    #[error("{why}")]
    Interpreter {
        /// What is wrong with it.
        why: String,
    },
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
    /// A file or a process failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A document could not be written or read.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Whose fault a [`ConformError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConformErrorKind {
    /// The manifest, a file that it names, or what workers are to be given is invalid.
    InvalidInput,
    /// The interpreter cannot be used.
    Interpreter,
    /// The gate could not do its work.
    Failed,
}

impl ConformError {
    /// Whose fault it is.
    #[must_use]
    pub const fn kind(&self) -> ConformErrorKind {
        match self {
            Self::Manifest { .. } | Self::ToolFile { .. } | Self::ToolChanged { .. } | Self::Work { .. } => {
                ConformErrorKind::InvalidInput
            }
            Self::Interpreter { .. } => ConformErrorKind::Interpreter,
            _ => ConformErrorKind::Failed,
        }
    }

    /// What was being done when something failed, for `map_err`.
    pub(crate) fn doing<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        what: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |why| Self::Failed { what, why: why.into() }
    }

    pub(crate) fn with_causes(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

fn listed(error: &ManifestError) -> String {
    error.problems.iter().map(|problem| format!("\n  `{}`: {}", problem.pointer, problem.message)).collect()
}
