//! The names of filters, and values that may be empty.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A filter, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it; `Filters` says what each selects")]
pub enum Filter {
    Scope,
    TargetKind,
    TargetId,
    ActionKind,
    FailureReasonCode,
    PolicyReasonCode,
    Gate,
    Guard,
    Run,
    Since,
    Until,
}

impl Filter {
    /// The name, as a command line writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::TargetKind => "target-kind",
            Self::TargetId => "target-id",
            Self::ActionKind => "action-kind",
            Self::FailureReasonCode => "failure-reason-code",
            Self::PolicyReasonCode => "policy-reason-code",
            Self::Gate => "gate",
            Self::Guard => "guard",
            Self::Run => "run",
            Self::Since => "since",
            Self::Until => "until",
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A name that a row may lack: a denial without a code, a code that no guard explains. The empty
/// text stands for that.
///
/// ```
/// use dome_binder::query::OrEmpty;
/// use dome_core::GuardId;
/// assert_eq!("".parse::<OrEmpty<GuardId>>(), Ok(OrEmpty::Empty));
/// assert_eq!("budget".parse::<OrEmpty<GuardId>>().unwrap().as_str(), "budget");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrEmpty<T> {
    /// There is none.
    Empty,
    /// This one.
    Is(T),
}

impl<T: AsRef<str>> OrEmpty<T> {
    /// The name; empty where there is none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Empty => "",
            Self::Is(name) => name.as_ref(),
        }
    }
}

impl<T: FromStr> FromStr for OrEmpty<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text.is_empty() { Ok(Self::Empty) } else { text.parse().map(Self::Is) }
    }
}

impl<T: AsRef<str>> Serialize for OrEmpty<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for OrEmpty<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}OrEmpty", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let named = generator.subschema_for::<T>();
        schemars::json_schema!({"anyOf": [{"const": ""}, named]})
    }
}
