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
    let colon = bytes.iter().position(|byte| *byte == b':');
    match colon.and_then(|colon| bytes.split_at_checked(colon)) {
        Some((scheme, [b':', b'/', b'/', rest @ ..])) if is_scheme(scheme) => check_uri(scheme, rest),
        _ => check_relative(bytes, colon),
    }
}

/// `^[a-z][a-z0-9+.-]*$`
fn is_scheme(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_lowercase)
        && text.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'.' | b'-'))
}

fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
}

fn check_uri(scheme: &[u8], rest: &[u8]) -> Result<(), PathError> {
    let unsafe_rest = matches!(rest, [] | [b'/', ..]) || segments(rest).any(|segment| segment == b"..");
    if scheme == b"file" || unsafe_rest { Err(PathError::Uri) } else { Ok(()) }
}

/// `colon` is the place of the first one.
fn check_relative(path: &[u8], colon: Option<usize>) -> Result<(), PathError> {
    let unsafe_segment = |segment: &[u8]| matches!(segment, b"" | b"." | b"..");
    let drive = colon.is_some_and(|colon| !path.iter().take(colon).any(|byte| *byte == b'/'));
    if drive || path.contains(&b'\\') || segments(path).any(unsafe_segment) { Err(PathError::Segment) } else { Ok(()) }
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
