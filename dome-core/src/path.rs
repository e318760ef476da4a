//! Evidence paths and remedy references (M-12).

use std::fmt;

use compact_str::CompactString;
use serde::Serialize;

use crate::id::{checked_text, has_control};
use crate::limits;

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

checked_text! {
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
