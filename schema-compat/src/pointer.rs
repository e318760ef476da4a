//! JSON Pointers as text (RFC 6901).

/// `base` with one more token, escaped.
///
/// ```
/// assert_eq!(schema_compat::pointer::join("/paths", "/users/~me"), "/paths/~1users~1~0me");
/// ```
#[must_use]
pub fn join(base: &str, token: &str) -> String {
    format!("{base}/{}", token.replace('~', "~0").replace('/', "~1"))
}

/// The pointer that a URI fragment holds (RFC 6901, section 6), percent signs decoded; `None` if it holds none.
#[must_use]
pub fn of_fragment(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            u8::try_from(high * 16 + low).ok()?
        } else {
            byte
        });
    }
    let pointer = String::from_utf8(bytes).ok()?;
    (pointer.is_empty() || pointer.starts_with('/')).then_some(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_decoded_and_plain_names_refused() {
        assert_eq!(of_fragment("/a%25b/c~1d").as_deref(), Some("/a%b/c~1d"));
        assert_eq!(of_fragment(""), Some(String::new()));
        assert_eq!(of_fragment("name"), None);
        assert_eq!(of_fragment("/a%2"), None);
    }

    #[test]
    fn tokens_are_escaped_and_found_again() {
        let value = serde_json::json!({"a/b~c": [7]});
        let pointer = join("", "a/b~c");
        assert_eq!(pointer, "/a~1b~0c");
        assert_eq!(value.pointer(&join(&pointer, "0")), Some(&serde_json::json!(7)));
    }
}
