//! Closed sets of words: one macro for all of them, and those of sections 2, 3 and 7.

/// Declares closed sets of words as enumerations: readable by `FromStr`, written by `Display` and
/// `serde` (which has to be a dependency), with a list of `ALL`.
///
/// ```
/// dome_core::words! {
///     /// How fast.
///     Speed {
///         /// Not very.
///         Slow = "slow",
///         /// Very.
///         Fast = "fast",
///     }
/// }
/// assert_eq!("fast".parse(), Ok(Speed::Fast));
/// assert_eq!((Speed::ALL.len(), Speed::Slow.as_str()), (2, "slow"));
/// assert_eq!("faster".parse::<Speed>().unwrap_err().to_string(), "expected `slow` or `fast`");
/// ```
#[macro_export]
macro_rules! words {
    ($($(#[$docs:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
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
                formatter.pad(self.as_str())
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

/// [`words!`](crate::words), with JSON Schemas where the caller's feature `schema` is on.
#[macro_export]
macro_rules! choice {
    ($($(#[$docs:meta])* $name:ident { $($words:tt)* })*) => {$(
        $crate::words! {
            $(#[$docs])*
            #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
            $name { $($words)* }
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
        for (place, word) in self.expected.iter().enumerate() {
            let before = match place {
                0 => "expected ",
                place if place + 1 == self.expected.len() => " or ",
                _ => ", ",
            };
            write!(formatter, "{before}`{word}`")?;
        }
        Ok(())
    }
}

impl std::error::Error for ChoiceError {}

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

impl Decision {
    /// Whether the decision holds the task back.
    #[must_use]
    pub const fn denies(self) -> bool {
        matches!(self, Self::Deny | Self::Stop)
    }
}

choice! {
    /// A binder: its rules, its fingerprint and its normaliser. All can be run side by side.
    ///
    /// ```
    /// use dome_core::BinderVersion;
    /// assert_eq!("v2".parse(), Ok(BinderVersion::V2));
    /// assert_eq!(BinderVersion::default().as_str(), "v1");
    /// assert!(BinderVersion::V2.is_experimental());
    /// ```
    #[derive(Default)]
    BinderVersion {
        /// The model's own, version 1.
        #[default]
        V1 = "v1",
        /// Experimental: as v1, but quoted strings are masked in messages.
        V2 = "v2",
    }
}

impl BinderVersion {
    /// The version of the fingerprint's rules (M-50).
    #[must_use]
    pub const fn fingerprint_version(self) -> &'static str {
        match self {
            Self::V1 => "1",
            Self::V2 => "2",
        }
    }

    /// The version of the message normaliser (M-53).
    #[must_use]
    pub const fn normalizer_version(self) -> &'static str {
        self.fingerprint_version()
    }

    /// Whether its rules may still change under its name.
    #[must_use]
    pub const fn is_experimental(self) -> bool {
        matches!(self, Self::V2)
    }
}
