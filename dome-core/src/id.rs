//! Identifiers, `kind` tokens (M-03) and paths (M-12): one macro, one check each.

use std::fmt;

use compact_str::CompactString;
use serde::Serialize;

use crate::limits;
use crate::text::is_printable;

/// Why a text is not an identifier (M-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentifierError {
    /// It has no byte.
    #[error("an identifier has at least one byte")]
    Empty,
    /// It is longer than [`limits::IDENTIFIER_BYTES`].
    #[error("an identifier has at most 512 bytes, this one has {bytes}")]
    TooLong {
        /// The length found, in bytes.
        bytes: usize,
    },
    /// It holds a control character (Unicode category Cc).
    #[error("an identifier has no control character")]
    Control,
    /// It begins or ends with white space (Unicode `White_Space`).
    #[error("an identifier has no white space at its start or end")]
    Padded,
}

/// Why a text is not a `kind` token (M-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a kind matches `^[a-z][a-z0-9_]{{0,63}}$`")]
pub struct TokenError;

fn check_identifier(text: &str) -> Result<(), IdentifierError> {
    if text.is_empty() {
        Err(IdentifierError::Empty)
    } else if text.len() > limits::IDENTIFIER_BYTES {
        Err(IdentifierError::TooLong { bytes: text.len() })
    } else if has_control(text) {
        Err(IdentifierError::Control)
    } else if is_padded(text) {
        Err(IdentifierError::Padded)
    } else {
        Ok(())
    }
}

/// Whether `text` begins or ends with white space; only what is beyond ASCII needs decoding.
fn is_padded(text: &str) -> bool {
    match text.as_bytes() {
        [0x21..=0x7E, .., 0x21..=0x7E] => false,
        _ => text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace),
    }
}

/// Whether `text` holds a control character; only C1 controls need decoding.
pub(crate) fn has_control(text: &str) -> bool {
    !is_printable(text.as_bytes()) && text.chars().any(char::is_control)
}

fn check_token(text: &str) -> Result<(), TokenError> {
    let rest = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    let sound = text.len() <= limits::TOKEN_BYTES
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(rest);
    if sound { Ok(()) } else { Err(TokenError) }
}

/// Why a text is not a safe path or URI (M-12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It is longer than [`limits::PATH_BYTES`].
    #[error("a path has at most 4096 bytes")]
    TooLong,
    /// It holds a control character.
    #[error("a path has no control character")]
    Control,
    /// It looks like a URI but is not one that M-12 admits.
    #[error(
        "a URI is `scheme://rest` with a scheme other than `file` and a rest that neither starts \
         with `/` nor has a `..` segment"
    )]
    Uri,
    /// It is not relative, or a segment is empty, `.`, `..`, or holds a backslash or a drive.
    #[error("a path is relative and `/`-separated, without backslashes and without empty, `.` or `..` segments")]
    Segment,
}

fn check_path(text: &str) -> Result<(), PathError> {
    if text.len() > limits::PATH_BYTES {
        return Err(PathError::TooLong);
    }
    if has_control(text) {
        return Err(PathError::Control);
    }
    let bytes = text.as_bytes();
    let mut start = 0;
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            b'/' if is_unsafe(bytes.get(start..place)) => return Err(PathError::Segment),
            b'/' => start = place + 1,
            b'\\' => return Err(PathError::Segment),
            // Before any slash: the end of a scheme, or of a drive.
            b':' if start == 0 => return check_uri(bytes.split_at(place)),
            _ => {}
        }
    }
    if is_unsafe(bytes.get(start..)) { Err(PathError::Segment) } else { Ok(()) }
}

fn is_unsafe(segment: Option<&[u8]>) -> bool {
    matches!(segment, Some(b"" | b"." | b".."))
}

/// What stands before the first colon, and the rest with it.
fn check_uri((scheme, rest): (&[u8], &[u8])) -> Result<(), PathError> {
    let Some(rest) = rest.strip_prefix(b"://").filter(|_| is_scheme(scheme)) else {
        return Err(PathError::Segment);
    };
    let up = || rest.split(|byte| *byte == b'/').any(|segment| segment == b"..");
    if scheme == b"file" || matches!(rest, [] | [b'/', ..]) || up() { Err(PathError::Uri) } else { Ok(()) }
}

/// `^[a-z][a-z0-9+.-]*$`
fn is_scheme(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_lowercase)
        && text.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'.' | b'-'))
}

macro_rules! checked_text {
    ($($(#[$docs:meta])* $name:ident: $check:path => $error:ty, $what:literal;)*) => {$(
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(CompactString);

        impl $name {
            #[doc = concat!("Takes `text` as ", $what, ".")]
            ///
            /// # Errors
            ///
            /// When `text` breaks M-03, M-04 or M-12.
            pub fn new(text: impl AsRef<str>) -> Result<Self, $error> {
                $check(text.as_ref())?;
                Ok(Self(CompactString::from(text.as_ref())))
            }

            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), formatter)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}
pub(crate) use checked_text;

checked_text! {
    /// `event_id`: unique in its run.
    EventId: check_identifier => IdentifierError, "an event's id";
    /// `run_id`: one run of an agent, a pipeline or a benchmark.
    RunId: check_identifier => IdentifierError, "a run's id";
    /// `task_id`: the task inside its run.
    TaskId: check_identifier => IdentifierError, "a task's id";
    /// `group_id`: one evidence group, that is one outcome of the task in the run.
    GroupId: check_identifier => IdentifierError, "an evidence group's id";
    /// `lane`: a line of development, such as a branch or a pull request.
    Lane: check_identifier => IdentifierError, "a lane";
    /// `subject.revision` and `subject.base_revision`: a commit, an image digest, a version.
    Revision: check_identifier => IdentifierError, "a revision";
    /// `subject.repository`: where the revision is from.
    Repository: check_identifier => IdentifierError, "a repository";
    /// `subject.job`: which leg of a matrix.
    Job: check_identifier => IdentifierError, "a job";
    /// `target.id`: what is worked on.
    TargetId: check_identifier => IdentifierError, "a target's id";
    /// `gate_id`: a check that passes or fails.
    GateId: check_identifier => IdentifierError, "a gate's id";
    /// `guard_id`: a guard that allows or denies.
    GuardId: check_identifier => IdentifierError, "a guard's id";
    /// `tool.name`: the tool that produced the outcome.
    ToolName: check_identifier => IdentifierError, "a tool's name";
    /// A state or a transition of the owner's state machine.
    StateId: check_identifier => IdentifierError, "a state's or transition's id";
    /// `target.kind`: what kind of thing is worked on.
    TargetKind: check_token => TokenError, "a target's kind";
    /// `action.kind`: what is done to it.
    ActionKind: check_token => TokenError, "an action's kind";
    /// `remedy.kind`: what kind of thing resolved it.
    RemedyKind: check_token => TokenError, "a remedy's kind";
    /// A relative, `/`-separated path or a URI that names evidence or a remedy (M-12).
    ///
    /// ```
    /// use dome_core::EvidencePath;
    /// assert!(EvidencePath::new("runs/7/log.txt").is_ok());
    /// assert!(EvidencePath::new("s3://bucket/log.txt").is_ok());
    /// assert!(EvidencePath::new("../secrets").is_err());
    /// ```
    EvidencePath: check_path => PathError, "a path or URI";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m03_identifiers_are_kept_as_given_or_refused() {
        for good in ["a", "é́", "a b", "\u{e000}", "\u{1F600}", &"x".repeat(512)] {
            assert_eq!(RunId::new(good).as_ref().map(RunId::as_str), Ok(good));
        }
        let long = IdentifierError::TooLong { bytes: 513 };
        for (bad, why) in [
            ("", IdentifierError::Empty),
            (&*"x".repeat(513), long),
            ("a\u{85}b", IdentifierError::Control),
            ("a\nb", IdentifierError::Control),
            ("a\u{7f}", IdentifierError::Control),
            (" a", IdentifierError::Padded),
            ("a\u{2003}", IdentifierError::Padded),
        ] {
            assert_eq!(RunId::new(bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn m03_tokens_are_lower_case_words() {
        let long = format!("a{}", "b".repeat(63));
        for good in ["a", "a_1", &long] {
            assert!(ActionKind::new(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "_a", "A", "a-b", "é", &format!("{long}b")] {
            assert_eq!(ActionKind::new(bad), Err(TokenError), "{bad}");
        }
    }

    #[test]
    fn m12_relative_paths_and_uris_are_safe() {
        let long = "x".repeat(4_096);
        for good in [
            "a",
            "a/b.c",
            "a/b:c",
            "...",
            "a b",
            "s3://a/b",
            "https://h/x?y=../z#..",
            "git+ssh://h/a//b",
            "x://.",
            &long,
        ] {
            assert!(EvidencePath::new(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn m12_all_else_is_unsafe() {
        let long = "x".repeat(4_097);
        for (bad, why) in [
            ("", PathError::Segment),
            ("/etc/passwd", PathError::Segment),
            ("a//b", PathError::Segment),
            ("a/", PathError::Segment),
            ("./a", PathError::Segment),
            ("a/../b", PathError::Segment),
            ("a\\b", PathError::Segment),
            ("C:/x", PathError::Segment),
            ("C://x", PathError::Segment),
            ("file:///etc/passwd", PathError::Uri),
            ("file://h/x", PathError::Uri),
            ("https:///x", PathError::Uri),
            ("https://", PathError::Uri),
            ("s3://a/../b", PathError::Uri),
            ("s3://..", PathError::Uri),
            ("a\nb", PathError::Control),
            (&long, PathError::TooLong),
        ] {
            assert_eq!(EvidencePath::new(bad), Err(why), "{bad:?}");
        }
    }
}
