//! Exit codes, the same for every verb, and how an error gets one.

use std::fmt;
use std::process::{ExitCode, Termination};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Could not do it: I/O, internal.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// An input document or a contract is invalid.
    Invalid = 3,
    /// Nothing matched; only with `--require-match`.
    NoMatch = 4,
    /// A result is not what its facts come to, or a store not what its log does.
    Unreproduced = 5,
    /// Done, with findings.
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

/// An error with the exit code that it asks for.
#[derive(Debug)]
struct Ending {
    exit: Exit,
    message: String,
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Ending {}

/// A wrong combination of arguments.
pub(crate) fn usage(message: impl fmt::Display) -> anyhow::Error {
    Ending { exit: Exit::Usage, message: message.to_string() }.into()
}

/// A document that is not what it should be.
pub(crate) fn invalid(message: impl fmt::Display) -> anyhow::Error {
    Ending { exit: Exit::Invalid, message: message.to_string() }.into()
}

/// The exit code that an error asks for: that of the outermost one of its chain which asks for one.
pub(crate) fn of(error: &anyhow::Error) -> Exit {
    error.chain().find_map(asked).unwrap_or(Exit::Failed)
}

fn asked(error: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    if let Some(Ending { exit, .. }) = error.downcast_ref() {
        return Some(*exit);
    }
    if let Some(error) = error.downcast_ref::<dome_replay::Error>() {
        return Some(of_kind(error.kind().into()));
    }
    if let Some(error) = error.downcast_ref::<dome_store::index::Error>() {
        return of_index(error);
    }
    #[cfg(feature = "conform")]
    if let Some(error) = error.downcast_ref::<dome_conform::ConformError>() {
        return Some(match error.kind() {
            dome_conform::ConformErrorKind::InvalidInput => Exit::Invalid,
            dome_conform::ConformErrorKind::Interpreter => Exit::Usage,
            dome_conform::ConformErrorKind::Failed => Exit::Failed,
        });
    }
    error.downcast_ref::<dome_store::Error>().map(|error| of_kind(error.kind()))
}

const fn of_kind(kind: dome_store::Kind) -> Exit {
    match kind {
        dome_store::Kind::Failed => Exit::Failed,
        dome_store::Kind::Usage => Exit::Usage,
        dome_store::Kind::Invalid => Exit::Invalid,
        dome_store::Kind::Unreproduced => Exit::Unreproduced,
    }
}

/// A cursor is an argument; what an index was derived from speaks for itself.
fn of_index(error: &dome_store::index::Error) -> Option<Exit> {
    match error {
        dome_store::index::Error::Cursor(_) => Some(Exit::Usage),
        dome_store::index::Error::Origin(error) => Some(of_kind(error.kind())),
        _ => None,
    }
}

/// Whether an error says that whoever read our output has gone.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(broken))
}
