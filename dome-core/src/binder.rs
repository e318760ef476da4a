//! Which binder: the versions of the rules that bind facts to keys, side by side (section 7).

use crate::choice::choice;

/// The version of the fingerprint's rules under binder v1 (M-50).
pub const FINGERPRINT_VERSION: &str = "1";
/// The version of the message normaliser under binder v1 (M-53).
pub const NORMALIZER_VERSION: &str = "1";
/// The binder that is used unless another one is asked for (section 7).
pub const BINDER_VERSION: &str = BinderVersion::V1.as_str();

choice! {
    /// A binder: its rules, its fingerprint and its normaliser. All can be run side by side.
    ///
    /// ```
    /// use dome_core::BinderVersion;
    /// assert_eq!("v2".parse(), Ok(BinderVersion::V2));
    /// assert_eq!(BinderVersion::default().as_str(), "v1");
    /// assert!(BinderVersion::V2.is_experimental());
    /// ```
    BinderVersion {
        /// The model's own, version 1.
        V1 = "v1",
        /// Experimental: as v1, but quoted strings are masked in messages.
        V2 = "v2",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro declares the enumeration")]
impl Default for BinderVersion {
    fn default() -> Self {
        Self::V1
    }
}

impl BinderVersion {
    /// The version of the fingerprint's rules (M-50).
    #[must_use]
    pub const fn fingerprint_version(self) -> &'static str {
        match self {
            Self::V1 => FINGERPRINT_VERSION,
            Self::V2 => "2",
        }
    }

    /// The version of the message normaliser (M-53).
    #[must_use]
    pub const fn normalizer_version(self) -> &'static str {
        match self {
            Self::V1 => NORMALIZER_VERSION,
            Self::V2 => "2",
        }
    }

    /// Whether its rules may still change under its name.
    #[must_use]
    pub const fn is_experimental(self) -> bool {
        matches!(self, Self::V2)
    }
}
