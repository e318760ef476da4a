//! Exit codes, the same for every verb, and how an error gets one.

use std::fmt::Display;
use std::process::{ExitCode, Termination};

use dome_replay::ErrorClass;
use dome_store::index::IndexError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Invalid = 3,
    NoMatch = 4,
    /// A result is not what its facts come to, or a store not what its log does.
    Unreproduced = 5,
    Findings = 100,
}

/// The table that `--help` shows.
pub(crate) const TABLE: &str = "\
Exit codes:
    0  done
    1  could not do it (I/O, internal)
    2  usage
    3  invalid input or contract
    4  nothing matched (only with --require-match)
    5  a result does not reproduce
  100  done, with findings";

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct ExitError {
    exit: Exit,
    message: String,
}

pub(crate) fn usage(message: impl Display) -> anyhow::Error {
    ExitError { exit: Exit::Usage, message: message.to_string() }.into()
}

pub(crate) fn invalid(message: impl Display) -> anyhow::Error {
    ExitError { exit: Exit::Invalid, message: message.to_string() }.into()
}

/// The exit code that an error asks for: that of the outermost one of its chain which asks for one.
pub(crate) fn of(error: &anyhow::Error) -> Exit {
    error.chain().find_map(asked).unwrap_or(Exit::Failed)
}

fn asked(error: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    if let Some(ExitError { exit, .. }) = error.downcast_ref() {
        return Some(*exit);
    }
    if let Some(error) = error.downcast_ref::<dome_replay::Error>() {
        return Some(of_class(error.class()));
    }
    if let Some(IndexError::Other(error)) = error.downcast_ref() {
        return Some(of_class(error.class()));
    }
    #[cfg(feature = "conform")]
    if let Some(error) = error.downcast_ref::<dome_conform::ConformError>() {
        return Some(match error.kind() {
            dome_conform::ConformErrorKind::InvalidInput => Exit::Invalid,
            dome_conform::ConformErrorKind::Interpreter => Exit::Usage,
            dome_conform::ConformErrorKind::Failed => Exit::Failed,
        });
    }
    None
}

const fn of_class(class: ErrorClass) -> Exit {
    match class {
        ErrorClass::Failed => Exit::Failed,
        ErrorClass::Usage => Exit::Usage,
        ErrorClass::Invalid => Exit::Invalid,
        ErrorClass::Unreproduced => Exit::Unreproduced,
    }
}

pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(broken))
}
