//! Keys and values.

use compact_str::CompactString;
use dome_core::TargetId;
use dome_core::limits::SAFE_INTEGER;
use serde::{Deserialize, Serialize};

use crate::limits;

/// What an entry is about: an identifier (M-03), so that it can be the target of an envelope.
pub type Key = TargetId;

/// A boolean, a safe integer or a text of at most 4,096 bytes.
///
/// ```
/// use dome_patterns::MemoryValue;
/// assert_eq!(MemoryValue::try_from("cargo")?.as_text(), Some("cargo"));
/// assert!(MemoryValue::try_from(i64::MAX).is_err());
/// # Ok::<(), dome_patterns::ValueError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Inner")]
pub struct MemoryValue(Inner);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Inner {
    Boolean(bool),
    Integer(i64),
    Text(CompactString),
}

/// Why something is no value of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// An integer beyond 2^53 - 1 (M-01).
    #[error("an integer lies within ±(2^53 - 1)")]
    Unsafe,
    /// A text that is too long.
    #[error("a text has at most 4096 bytes, this one has {bytes}")]
    TooLong {
        /// The length found.
        bytes: usize,
    },
}

impl MemoryValue {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Inner::Text(text) = &self.0 { Some(text) } else { None }
    }

    /// The integer, if it is one.
    #[must_use]
    pub const fn as_integer(&self) -> Option<i64> {
        if let Inner::Integer(value) = self.0 { Some(value) } else { None }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub const fn as_boolean(&self) -> Option<bool> {
        if let Inner::Boolean(value) = self.0 { Some(value) } else { None }
    }
}

impl TryFrom<Inner> for MemoryValue {
    type Error = ValueError;

    fn try_from(inner: Inner) -> Result<Self, ValueError> {
        match &inner {
            Inner::Integer(value) if value.unsigned_abs() > SAFE_INTEGER => Err(ValueError::Unsafe),
            Inner::Text(text) if text.len() > limits::MEMORY_TEXT_BYTES => {
                Err(ValueError::TooLong { bytes: text.len() })
            }
            _ => Ok(Self(inner)),
        }
    }
}

impl From<bool> for MemoryValue {
    fn from(value: bool) -> Self {
        Self(Inner::Boolean(value))
    }
}

impl TryFrom<i64> for MemoryValue {
    type Error = ValueError;

    fn try_from(value: i64) -> Result<Self, ValueError> {
        Inner::Integer(value).try_into()
    }
}

impl TryFrom<&str> for MemoryValue {
    type Error = ValueError;

    fn try_from(text: &str) -> Result<Self, ValueError> {
        Inner::Text(text.into()).try_into()
    }
}
