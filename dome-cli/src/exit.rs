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

/// An error with the exit code that it asks for; [`Exit::Failed`] when it asks for none.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) exit: Exit,
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

/// The exit code that an error asks for.
pub(crate) fn of(error: &anyhow::Error) -> Exit {
    if let Some(ending) = error.downcast_ref::<Ending>() {
        return ending.exit;
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<dome_replay::Error>()).map(dome_replay::Error::kind) {
        Some(dome_replay::Kind::Usage) => Exit::Usage,
        Some(dome_replay::Kind::Invalid) => Exit::Invalid,
        Some(dome_replay::Kind::Failed) | None => Exit::Failed,
    }
}

/// Whether an error says that whoever read our output has gone.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(broken))
}
