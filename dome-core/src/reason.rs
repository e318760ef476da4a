//! Reason codes as two types that never meet (M-04).

use std::fmt;

use compact_str::CompactString;
use serde::Serialize;

use crate::id::checked_text;
use crate::limits;

/// Why a text is not a reason code (M-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReasonCodeError {
    /// It does not have the shape of a reason code.
    #[error("a reason code matches `^[A-Z][A-Z0-9_]*(\\.[A-Z0-9_]+)*$`, at most 128 bytes")]
    Shape,
    /// `NONE` says "no domain failure", which no policy can say.
    #[error("`NONE` is reserved for `failure_reason_code`")]
    Reserved,
    /// `NONE` where something failed (M-11).
    #[error("`NONE` says that nothing failed")]
    NothingFailed,
}

/// What says that nothing failed.
const NONE: &str = "NONE";

fn check_failure(text: &str) -> Result<(), ReasonCodeError> {
    if is_reason_code(text) { Ok(()) } else { Err(ReasonCodeError::Shape) }
}

fn check_policy(text: &str) -> Result<(), ReasonCodeError> {
    check_failure(text)?;
    if text == NONE { Err(ReasonCodeError::Reserved) } else { Ok(()) }
}

checked_text! {
    /// `failure_reason_code`: what went wrong; `NONE` where nothing did.
    ///
    /// No code path turns it into a [`PolicyReasonCode`] or back:
    ///
    /// ```compile_fail
    /// use dome_core::{FailureReasonCode, PolicyReasonCode};
    /// let failed = FailureReasonCode::new("TESTS_FAILED").unwrap();
    /// let denied: PolicyReasonCode = failed.into();
    /// ```
    FailureReasonCode: check_failure => ReasonCodeError, "what went wrong";
    /// `policy_reason_code`: what was not allowed; never `NONE`.
    ///
    /// ```
    /// use dome_core::{PolicyReasonCode, ReasonCodeError};
    /// assert!(PolicyReasonCode::new("BUDGET_EXHAUSTED").is_ok());
    /// assert_eq!(PolicyReasonCode::new("NONE"), Err(ReasonCodeError::Reserved));
    /// ```
    PolicyReasonCode: check_policy => ReasonCodeError, "what was not allowed";
}

/// Whether `text` has the shape of a reason code, whichever its meaning (M-04): words of `[A-Z0-9_]`
/// joined by dots, a letter first.
pub(crate) const fn is_reason_code(text: &str) -> bool {
    let mut rest = text.as_bytes();
    let mut sound = text.len() <= limits::REASON_CODE_BYTES && matches!(rest, [b'A'..=b'Z', ..]);
    let mut in_word = false;
    while let [first, after @ ..] = rest {
        sound = sound && (in_word || *first != b'.') && matches!(first, b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.');
        in_word = *first != b'.';
        rest = after;
    }
    sound && in_word
}

/// Whether `text` is [`NONE`], for the compiler.
const fn is_constant_none(text: &str) -> bool {
    matches!(text.as_bytes(), b"NONE")
}

impl PolicyReasonCode {
    /// A code that stands in a program. In a `const`, a text that is no policy code does not compile.
    ///
    /// ```
    /// # use dome_core::PolicyReasonCode;
    /// const DENIED: PolicyReasonCode = PolicyReasonCode::constant("BUDGET.ITEMS");
    /// ```
    ///
    /// ```compile_fail
    /// # use dome_core::PolicyReasonCode;
    /// const DENIED: PolicyReasonCode = PolicyReasonCode::constant("NONE");
    /// ```
    ///
    /// # Panics
    ///
    /// When it is called at run time with a text that breaks M-04 or is `NONE`.
    #[must_use]
    pub const fn constant(text: &'static str) -> Self {
        assert!(is_reason_code(text) && !is_constant_none(text), "not a policy reason code");
        Self(CompactString::const_new(text))
    }
}

impl FailureReasonCode {
    /// A code other than `NONE` that stands in a program. In a `const`, a text that is no reason code
    /// does not compile.
    ///
    /// ```
    /// # use dome_core::FailureReasonCode;
    /// const FAILED: FailureReasonCode = FailureReasonCode::constant("TESTS_FAILED");
    /// ```
    ///
    /// ```compile_fail
    /// # use dome_core::FailureReasonCode;
    /// const FAILED: FailureReasonCode = FailureReasonCode::constant("TESTS..FAILED");
    /// ```
    ///
    /// # Panics
    ///
    /// When it is called at run time with a text that breaks M-04 or is `NONE`.
    #[must_use]
    pub const fn constant(text: &'static str) -> Self {
        assert!(is_reason_code(text) && !is_constant_none(text), "not the code of a failure");
        Self(CompactString::const_new(text))
    }

    /// The code that says "no domain failure".
    #[must_use]
    pub fn none() -> Self {
        Self(CompactString::const_new(NONE))
    }

    /// Whether this is `NONE`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.as_str() == NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m04_codes_are_upper_case_words_joined_by_dots() {
        for good in ["A", "A1_", "TESTS_FAILED", "EXEC.NONZERO_EXIT", "A._.0", &"A".repeat(128)] {
            assert!(FailureReasonCode::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "1A", "_A", "A.", ".A", "A..B", "A-B", "É", &"A".repeat(129)] {
            assert_eq!(FailureReasonCode::new(bad), Err(ReasonCodeError::Shape), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn m04_a_code_is_what_the_expression_matches(text in "[A-Z0-9_.a]{0,6}") {
            let word = |word: &str| !word.is_empty() && !word.contains('a');
            let matches = text.starts_with(|first: char| first.is_ascii_uppercase()) && text.split('.').all(word);
            proptest::prop_assert_eq!(is_reason_code(&text), matches);
        }
    }

    #[test]
    fn m04_none_says_no_domain_failure() {
        assert!(FailureReasonCode::none().is_none());
        assert_eq!(FailureReasonCode::new("NONE"), Ok(FailureReasonCode::none()));
    }
}
