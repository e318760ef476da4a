//! Names of members, and paths of them.

use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;
use dome_core::ActionKind;
use serde::{Deserialize, Serialize};

/// A member's name in a contract: `^[a-z][a-z0-9_]{0,63}$`, as kinds are written (M-03).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "CompactString", into = "CompactString")]
pub struct MemberName(CompactString);

/// A member inside an output: names joined by dots, `tests.passed`. Arrays on the way are looked through.
///
/// ```
/// use dome_patterns::MemberPath;
/// assert!("tests.passed".parse::<MemberPath>().is_ok());
/// assert!("tests..passed".parse::<MemberPath>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberPath(Vec<MemberName>);

/// Why a text is no member's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a member's name matches `^[a-z][a-z0-9_]{{0,63}}$`")]
pub struct NameError;

impl MemberName {
    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for MemberName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        ActionKind::new(text).map(|_| Self(text.into())).map_err(|_| NameError)
    }
}

impl TryFrom<CompactString> for MemberName {
    type Error = NameError;

    fn try_from(text: CompactString) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<MemberName> for CompactString {
    fn from(name: MemberName) -> Self {
        name.0
    }
}

impl std::borrow::Borrow<str> for MemberName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for MemberName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl MemberPath {
    pub(crate) fn names(&self) -> &[MemberName] {
        &self.0
    }
}

impl FromStr for MemberPath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.split('.').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for MemberPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().enumerate() {
            let dot = if place > 0 { "." } else { "" };
            write!(formatter, "{dot}{name}")?;
        }
        Ok(())
    }
}
