//! Why something could not be done.

use std::fmt;
use std::io;

use crate::input::Corrupt;

/// What a caller can do about an [`Error`]; each has an exit code of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// It could not be done: the system refused, or something else stands in the way.
    Failed,
    /// What was asked for contradicts itself, or what a store was made with.
    Usage,
    /// An input, a document or a store is not what it should be.
    Invalid,
    /// A store does not hold what it acknowledged.
    Unreproduced,
}

/// Why something could not be done: what was tried, and below it the cause.
///
/// ```
/// use dome_replay::{Error, ErrorClass};
/// let error = Error::invalid("`policy.json` is no policy");
/// assert_eq!((error.class(), error.to_string()), (ErrorClass::Invalid, "`policy.json` is no policy".to_owned()));
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    class: ErrorClass,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What most functions of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    fn new(class: ErrorClass, message: &dyn fmt::Display) -> Self {
        Self { class, message: message.to_string(), source: None }
    }

    /// The system refused, or something stands in the way.
    #[must_use]
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(ErrorClass::Failed, &message)
    }

    /// What was asked for contradicts itself, or what a store was made with.
    #[must_use]
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(ErrorClass::Usage, &message)
    }

    /// An input, a document or a store is not what it should be.
    #[must_use]
    pub fn invalid(message: impl fmt::Display) -> Self {
        Self::new(ErrorClass::Invalid, &message)
    }

    /// A store does not hold what it acknowledged.
    #[must_use]
    pub fn unreproduced(message: impl fmt::Display) -> Self {
        Self::new(ErrorClass::Unreproduced, &message)
    }

    /// An invariant of the program does not hold: a defect in dome, never in its input.
    #[must_use]
    pub fn broken(invariant: &'static str) -> Self {
        Self::new(ErrorClass::Failed, &format!("a defect in dome: it does not hold that {invariant}"))
    }

    /// What was tried when `cause` came up. The class is that of the cause.
    #[must_use]
    pub fn caused(message: impl fmt::Display, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        let cause: Box<dyn std::error::Error + Send + Sync> = Box::new(cause);
        let class = match cause.downcast_ref::<Self>() {
            Some(error) => error.class,
            None if cause.downcast_ref::<io::Error>().is_some_and(Corrupt::is_in) => ErrorClass::Invalid,
            None => ErrorClass::Failed,
        };
        Self { class, message: message.to_string(), source: Some(cause) }
    }

    /// What a caller can do about it.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        self.class
    }

    /// The message and those of its causes, from the outermost to the innermost.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

/// Says what was tried when an error came up.
pub trait Context<T> {
    /// As [`Error::caused`].
    fn context<M: fmt::Display>(self, message: impl FnOnce() -> M) -> Result<T>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> Context<T> for std::result::Result<T, E> {
    fn context<M: fmt::Display>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|cause| Error::caused(message(), cause))
    }
}

/// What has to be there, unless dome has a defect.
pub trait Invariant<T> {
    /// The value.
    fn invariant(self, holds: &'static str) -> Result<T>;
}

impl<T> Invariant<T> for Option<T> {
    fn invariant(self, holds: &'static str) -> Result<T> {
        self.ok_or_else(|| Error::broken(holds))
    }
}

impl<T, E> Invariant<T> for std::result::Result<T, E> {
    fn invariant(self, holds: &'static str) -> Result<T> {
        self.map_err(|_| Error::broken(holds))
    }
}
