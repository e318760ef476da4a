//! Closed sets of words: one macro for all enumerations of the model (section 2 and 3).

/// Declares an enumeration with its words; readable by `FromStr`, written by `Serialize`. With a feature `schema`,
/// the caller's crate has `schemars`.
///
/// ```
/// dome_core::choice! {
///     /// Which way to go.
///     Way {
///         /// To the left.
///         Left = "left",
///         /// To the right.
///         Right = "right",
///     }
/// }
/// assert_eq!("left".parse(), Ok(Way::Left));
/// assert_eq!(Way::ALL.len(), 2);
/// ```
#[macro_export]
macro_rules! choice {
    ($($(#[$docs:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every word of the set.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ChoiceError;

            fn from_str(text: &str) -> Result<Self, $crate::ChoiceError> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err($crate::ChoiceError { expected: &[$($word,)*] }),
                }
            }
        }
    )*};
}
pub(crate) use choice;

/// A word that a closed set does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChoiceError {
    /// The words of the set.
    pub expected: &'static [&'static str],
}

impl std::fmt::Display for ChoiceError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (last, rest) = self.expected.split_last().unwrap_or((&"", &[]));
        let listed = rest.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        if rest.is_empty() {
            write!(formatter, "expected `{last}`")
        } else {
            write!(formatter, "expected {listed} or `{last}`")
        }
    }
}

impl std::error::Error for ChoiceError {}

/// Words of section 2 and 3.
mod words {
    choice! {
        /// `signal`: what the outcome says.
        Signal {
            /// Something went wrong.
            Failure = "failure",
            /// A guard or a policy did not allow it.
            Denial = "denial",
            /// It worked.
            Success = "success",
            /// Something unusual, neither failed nor succeeded.
            Anomaly = "anomaly",
            /// Seen, nothing more.
            Observation = "observation",
        }
        /// `wrapper_policy`, and the mode of a replay: what a fact must be to mint (M-70).
        WrapperPolicy {
            /// Only a failure or a denial mints.
            Strict = "strict",
            /// Also an anomaly, a failed gate, a denied guard or a trigger.
            Hybrid = "hybrid",
            /// Every fact mints.
            Lenient = "lenient",
        }
        /// `status` of a gate or of a guard evaluation.
        Status {
            /// It passed.
            Pass = "PASS",
            /// It failed.
            Fail = "FAIL",
            /// It did not apply.
            Skip = "SKIP",
        }
        /// `decision` of a guard evaluation.
        Decision {
            /// Go on.
            Allow = "ALLOW",
            /// Not this.
            Deny = "DENY",
            /// Nothing more.
            Stop = "STOP",
        }
        /// `scope` of a TaskSpec.
        Scope {
            /// One task.
            Task = "task",
            /// One run.
            Run = "run",
            /// A whole repository.
            Repo = "repo",
        }
        /// `side_effects.mode` of a TaskSpec.
        SideEffectsMode {
            /// None at all.
            None = "none",
            /// It reads.
            ReadOnly = "read_only",
            /// It writes, within what is listed.
            Scoped = "scoped",
            /// Anything.
            Unrestricted = "unrestricted",
        }
    }
}
pub use words::{Decision, Scope, SideEffectsMode, Signal, Status, WrapperPolicy};

impl Decision {
    /// Whether the decision holds the task back.
    #[must_use]
    pub const fn denies(self) -> bool {
        matches!(self, Self::Deny | Self::Stop)
    }
}
